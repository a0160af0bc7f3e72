"""Simulated InfiniBox arrays for Python programs and their tests.

The arrays live in a process that starts by itself, when they are first needed,
and ends with this one.

>>> from infinisim import Lab
>>> with Lab() as lab:  # two linked arrays, on a clock that stands still
...     primary, secondary = lab.arrays
...     volume = primary.new_volume(primary.new_pool())
...     written = primary.write(volume["id"], seed=7)
...     replica = lab.links[0].replicate(volume["id"], secondary.new_pool())
...     moved = lab.clock.settle()
...     secondary.digest(replica["entity_pairs"][0]["remote_entity_id"]) == written
True

Code that was written for an in-process simulator of this name finds
``infinisim.infinibox.Infinibox``.
"""

from __future__ import annotations

from . import server
from .array import Answer, Array, Digest
from .clock import Clock, Job, Moved
from .errors import (
    ArrayError,
    ConnectionDropped,
    ControlError,
    InfinisimError,
    PortTaken,
    ProgramMissing,
    ServerDied,
    VerificationError,
)
from .faults import Faults
from .journal import Entry, Journal
from .lab import Lab, Past
from .links import Link
from .rules import Fault, Preset, Trouble
from .server import Server
from .verify import Asked, Verify

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "Array",
    "ArrayError",
    "Asked",
    "Clock",
    "ConnectionDropped",
    "ControlError",
    "Digest",
    "Entry",
    "Fault",
    "Faults",
    "InfinisimError",
    "Job",
    "Journal",
    "Lab",
    "Link",
    "Moved",
    "Past",
    "PortTaken",
    "Preset",
    "ProgramMissing",
    "Server",
    "ServerDied",
    "Trouble",
    "VerificationError",
    "Verify",
    "server",
]
