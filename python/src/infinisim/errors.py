"""What goes wrong, and what to do about it."""

from __future__ import annotations


class InfinisimError(RuntimeError):
    """Everything that this package raises by itself, but for failed verifications.

    >>> from infinisim import InfinisimError, ArrayError
    >>> issubclass(ArrayError, InfinisimError)
    True
    """


class ProgramMissing(InfinisimError):
    """There is no program to start.

    >>> from infinisim import ProgramMissing, Server
    >>> try:
    ...     Server(program="/nowhere/infinisim")
    ... except ProgramMissing as error:
    ...     print(error)
    /nowhere/infinisim is not there or cannot be run: set INFINISIM_BIN to the program, or install a wheel that has it
    """


class ServerDied(InfinisimError):
    """The server ended, or never served; the message has its last log lines.

    >>> from infinisim import Server, ServerDied
    >>> try:
    ...     Server(profile="1.0")
    ... except ServerDied as error:
    ...     print(str(error).splitlines()[0])
    the server ended with exit code 2 before it served; its last lines:
    """


class PortTaken(ServerDied):
    """Another process listens where the server was to.

    >>> from infinisim import PortTaken, Server
    >>> with Server() as first:
    ...     try:
    ...         Server(control=first.control[len("http://"):])
    ...     except PortTaken as error:
    ...         print(str(error).splitlines()[0].replace(first.control[len("http://"):], "HOST:PORT"))
    HOST:PORT is taken: another process listens there; end it, or ask for port 0, which is any that is free
    """


class ConnectionDropped(InfinisimError):
    """A request got no answer: the array is off the network, or a fault dropped it.

    >>> from infinisim import ConnectionDropped
    >>> array.deactivate()
    >>> try:
    ...     array.get("pools")
    ... except ConnectionDropped as error:
    ...     print("no answer")
    no answer
    """


class ControlError(InfinisimError):
    """The control plane refused a request.

    >>> from infinisim import ControlError
    >>> try:
    ...     lab.clock.advance("soon")
    ... except ControlError as error:
    ...     print(error.status, error.code)
    400 INVALID_FIELD_VALUE
    """

    def __init__(self, request: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{request}: {status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class ArrayError(InfinisimError):
    """An array refused a request.

    >>> from infinisim import ArrayError
    >>> try:
    ...     array.get("volumes/4711")
    ... except ArrayError as error:
    ...     print(error.status, error.code)
    404 VOLUME_NOT_FOUND
    """

    def __init__(self, request: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{request}: {status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class VerificationError(AssertionError):
    """What was asked of the arrays is not what was to be asked.

    >>> from infinisim import Asked, VerificationError
    >>> try:
    ...     lab.verify.once(Asked("POST", "pools"))
    ... except VerificationError as error:
    ...     print(error)
    POST pools was asked 0 times, not once
      nothing at all was asked
    """
