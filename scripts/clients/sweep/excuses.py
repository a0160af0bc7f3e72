"""What an older version of InfiniSDK cannot do on the arrays that are swept, and why.

An excuse names a field or a call that is left out of cases of a type. It has to
be needed: the sweep tries what it excuses, and what works after all is a fail.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Excuse:
    """Why versions of the client cannot do something in cases of a type."""

    versions: tuple
    collection: str
    cases: tuple
    what: str
    reason: str


EXCUSES = (
    Excuse(
        ("206.1.2", "225.1.1", "240.2.1"), "shares", ("filter", "sort", "getters", "update"), "require_encryption",
        "the field ended with release 8.1, and the client asks for it of every release"),
    Excuse(
        ("225.1.1", "240.2.1", "258.0.2"), "shares", ("update",), "access_based_enumeration",
        "the client sends false, whatever it is told"),
    Excuse(
        ("225.1.1", "240.2.1", "258.0.2"), "initiators", ("list",), "get_by_address",
        "the client raises KeyError before it sends anything"),
)


def of(version):
    """The excuses of a version."""
    return [e for e in EXCUSES if version in e.versions]
