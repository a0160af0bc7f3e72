"""Sweeps through every object type that InfiniSDK knows, from its own field
tables: create, list, filter, sort, getters, update, delete.

    run.py [--sdk VERSION] BIN OUT COLUMN
    run.py [--sdk VERSION] --columns
    run.py --older

A column is a whole sweep: of a release, in plain HTTP or over TLS, with a
session or with Basic authentication; --columns lists them, and --older the older
versions, which have one each (excuses.py has what they cannot do). One runs in a
process, since the client keeps much in its modules; xargs runs several at once.
Each case is one type and one operation. What the client says of a field decides
what is tried: whether it is filterable, sortable, mutable, hidden, and open in
the array's version.
"""
import argparse
import contextlib
import dataclasses
import functools
import importlib.metadata
import itertools
import os
import signal
import sys
import warnings
from urllib.parse import urlsplit

from infinisdk import InfiniBox
from infinisdk.core.config import config

import checks
import excuses
from world import World

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import common  # noqa: E402  pylint: disable=wrong-import-position
from wire import Wire  # noqa: E402  pylint: disable=wrong-import-position

NEWEST = "289.1.4"  # the SDK whose columns have no version in their names
OLDER = ("258.0.2", "240.2.1", "225.1.1", "206.1.2")  # one column each: the default release, HTTP, a session
PROFILES = ("8.6", "7.2")  # the first is the default of serve
SWITCHED_OFF = ("tenants", "vvol_replication")  # features that arrays come with switched off
BY_ITSELF = ("fc_switches",)  # what only the array makes, and nobody deletes


@dataclasses.dataclass(frozen=True)
class Column:
    """One way to sweep."""

    sdk: str
    profile: str
    tls: bool
    basic: bool

    @property
    def name(self):
        """What the results are kept under."""
        parts = (
            ("tls", self.tls), ("basic", self.basic), (self.profile, self.profile != PROFILES[0]), (f"sdk-{self.sdk}", self.sdk != NEWEST))
        return "-".join(["sweep"] + [part for part, there in parts if there])

    @property
    def flags(self):
        """What serve gets."""
        return ["--arrays", "4", "--links", "none", "--profile", self.profile] + ["--tls"] * self.tls


def columns(sdk):
    """All columns of a version of the SDK; an older one has the first alone."""
    if sdk in OLDER:
        return [Column(sdk, PROFILES[0], False, False)]
    return [Column(sdk, profile, tls, basic) for profile, tls, basic in itertools.product(PROFILES, (False, True), (False, True))]


def connect(array, column, stack):
    """The client of an array."""
    url = urlsplit(array["https_url" if column.tls else "url"])
    system = InfiniBox((url.hostname, url.port), auth=(array["username"], array["password"]), use_ssl=column.tls)
    if column.basic:
        stack.enter_context(system.api.use_basic_auth_context())
    else:
        system.login()
    return system


def sweep_type(world, record, object_type, excused):
    """All cases of a type of object."""
    collection = object_type.get_plural_name()
    if not object_type.is_supported(world.system):
        checks.run(record, collection, (("absent", checks.check_absent),), world.system, object_type)
        return
    own = collection in BY_ITSELF
    tried = checks.READS + ((checks.UPDATE,) if own else (checks.UPDATE, checks.DELETE))
    try:
        binder = world.binder(collection)
        thing = binder.to_list()[0] if own else world.make(binder)
    except Exception as e:  # pylint: disable=broad-except
        record(f"{collection}.create", False, checks.reason(e))
        for name, _ in tried:
            record(f"{collection}.{name}", False, "not created")
        return
    if not own:
        record(f"{collection}.create", True)
    checks.run_excused(record, collection, tried, binder, thing, excused)


def sweep_all(world, record, excused):
    """Sweeps through all types, the parts of the hardware, and the events."""
    for object_type in InfiniBox.OBJECT_TYPES + InfiniBox.SUB_OBJECT_TYPES:
        sweep_type(world, record, object_type, excused)
    parts = world.system.components
    for name in sorted(t.get_plural_name() for t in parts.get_component_types()):
        binder = getattr(parts, name)
        checks.run(record, f"components.{name}", checks.READS, binder, binder.to_list()[0])
    events = world.system.events
    checks.run(record, "events", checks.READS, events, events.to_list()[0])


def sweep(program, out, column):
    """Runs a column against a server of its own."""
    config.root.check_version_compatibility = False
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")  # the array signs its certificate itself
    record = functools.partial(common.record, out, column.name)
    wire = Wire()
    with common.server(program, *column.flags) as ready, contextlib.ExitStack() as stack:
        for array, feature in itertools.product(ready["arrays"], SWITCHED_OFF):
            common.control(ready["control"], "PUT", f"arrays/{array['key']}/features/{feature}", {"enabled": True})
        systems = [connect(array, column, stack) for array in ready["arrays"]]
        for peer in systems[1:]:
            systems[0].register_related_system(peer)

        def test(method, path, body):
            return common.control(ready["control"], method, f"arrays/{ready['arrays'][0]['key']}/{path}", body)

        sweep_all(World(systems[0], systems[1:], test), record, excuses.of(column.sdk))
        checks.run(record, "wire", (("as_told", wire.check),), column.tls, column.basic)
        common.drove(out, column.name, ready["control"])


def main():
    """Runs a column, or lists all."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    arguments.add_argument("--sdk", default=NEWEST, help="the version of InfiniSDK that this Python has")
    arguments.add_argument("--columns", action="store_true", help="list the columns of that version")
    arguments.add_argument("--older", action="store_true", help="list the older versions that are swept")
    arguments.add_argument("run", nargs="*", metavar="BIN OUT COLUMN")
    arguments = arguments.parse_args()
    every = {column.name: column for column in columns(arguments.sdk)}
    if arguments.older:
        print(*OLDER, sep="\n")
        return
    if arguments.columns:
        print(*every, sep="\n")
        return
    program, out, name = arguments.run
    installed = importlib.metadata.version("infinisdk")
    if installed != arguments.sdk:
        sys.exit(f"this Python has InfiniSDK {installed}, not {arguments.sdk}")
    if name not in every:
        sys.exit(f"no such column: {name}; there are {', '.join(every)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server ends with its column
    sweep(program, out, every[name])


if __name__ == "__main__":
    main()
