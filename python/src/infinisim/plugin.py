"""The pytest plugin: arrays as fixtures, a lab for each test.

It costs nothing where no test asks for an array: the server starts with the
first that does.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Dict, Generator, Iterator, NamedTuple, Optional, Tuple

import pytest

if TYPE_CHECKING:
    from .array import Array
    from .lab import Lab
    from .server import Server

_OPTIONS: Tuple[Tuple[str, str, str], ...] = (
    ("profile", "8.6", "release of the arrays: 8.6 or 7.2"),
    ("seed", "1", "seed of everything that looks random"),
    ("clock", "manual", "the labs' clock: manual, system, or flux (follows the flux timeline of this process)"),
    ("data", "", "directory that keeps the labs of failing tests, for infinisim serve --data"),
    ("journal", "40", "how many requests of a failing test its report shows; 0 is all"),
)
_lab_key = pytest.StashKey["Lab"]()
_failed_key = pytest.StashKey[bool]()
_ready_key = pytest.StashKey[Dict[Tuple[Any, ...], "Lab"]]()


class LinkedPair(NamedTuple):
    """Two arrays with a link between them."""

    primary: "Array"
    secondary: "Array"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options, each also a line of the ini file."""
    group = parser.getgroup("infinisim", "simulated InfiniBox arrays")
    for name, default, text in _OPTIONS:
        group.addoption(f"--infinisim-{name}", default=None, metavar=name.upper(), help=f"{text} (default: {default or 'none'})")
        parser.addini(f"infinisim_{name}", text, default=default)
    text = "lets ecosystem and infinibox_sysdefs be imported where they are not installed"
    group.addoption("--infinisim-stand-ins", action="store_true", help=text)
    parser.addini("infinisim_stand_ins", "as --infinisim-stand-ins", type="bool", default=False)


def _option(config: pytest.Config, name: str) -> str:
    given = config.getoption(f"--infinisim-{name}")
    return str(config.getini(f"infinisim_{name}") if given is None else given)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and checks what was asked for before anything runs."""
    config.addinivalue_line(
        "markers", "infinisim(arrays=2, links='ring', profile='8.6', seed=1, clock='manual', check=False): what the lab of a test is to be"
    )
    for name in ("seed", "journal"):
        if not _option(config, name).isdigit():
            raise pytest.UsageError(f"--infinisim-{name} {_option(config, name)!r}: a number")
    if _option(config, "clock") not in ("manual", "system", "flux"):
        raise pytest.UsageError(f"--infinisim-clock {_option(config, 'clock')!r}: manual, system or flux")
    if config.getoption("--infinisim-stand-ins") or config.getini("infinisim_stand_ins"):
        from . import standins

        standins.install()


def pytest_unconfigure() -> None:
    """Ends the servers of this process."""
    from .server import close_all

    close_all()


@pytest.fixture(scope="session")
def infinisim_server(pytestconfig: pytest.Config) -> "Server":
    """The server of this pytest process, started when the first test needs it; each worker of xdist has its own."""
    from .server import shared

    data = _option(pytestconfig, "data")
    if data:
        data = os.path.join(data, os.environ.get("PYTEST_XDIST_WORKER", "main"))
        os.makedirs(data, exist_ok=True)
    return shared(profile=_option(pytestconfig, "profile"), seed=int(_option(pytestconfig, "seed")), data=data or None)


@pytest.fixture(scope="session")
def infinisim_ready() -> Optional["Lab"]:
    """What each test's lab is a fork of. None, unless a conftest.py has its own
    fixture of this name, which gives a lab that is ready made; what a test's marker asks for comes first."""
    return None


def _plan(request: pytest.FixtureRequest) -> Dict[str, Any]:
    """What the lab of a test is to be, by its marker and by what it takes."""
    one = "infinibox" in request.fixturenames and not {"infinibox_pair", "infinisim_lab"} & set(_asked(request))
    plan: Dict[str, Any] = {"arrays": 1, "links": "none"} if one else {"arrays": 2, "links": "ring"}
    plan["clock"] = _option(request.config, "clock")
    plan["profile"] = _option(request.config, "profile")
    plan["seed"] = int(_option(request.config, "seed"))
    plan["check"] = None
    for marker in reversed(list(request.node.iter_markers("infinisim"))):
        unknown = set(marker.kwargs) - set(plan)
        if unknown or marker.args:
            what = ", ".join(sorted(unknown)) or "arguments without a name"
            raise pytest.UsageError(f"@pytest.mark.infinisim does not take {what}: {', '.join(plan)}")
        plan.update(marker.kwargs)
    return plan


def _asked(request: pytest.FixtureRequest) -> Tuple[str, ...]:
    """The fixtures that a test itself, its fixtures aside from ours, takes."""
    ours = {"infinibox", "infinibox_pair", "infinisim_lab"}
    names = set(request.node.fixturenames)
    takes_pair = "infinibox_pair" in names
    info = getattr(request.node, "_fixtureinfo", None)
    direct = set(info.argnames) if info is not None else set()
    for name, definitions in info.name2fixturedefs.items() if info is not None else ():
        if name not in ours:
            for definition in definitions:
                direct |= set(definition.argnames)
    return tuple((direct & ours) | ({"infinibox_pair"} if takes_pair else set()))


def _lab_name(request: pytest.FixtureRequest) -> str:
    """A name that tells the test, in what a host name may have."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:36].strip("-")
    counter = getattr(request.config, "_infinisim_count", 0) + 1
    request.config._infinisim_count = counter  # type: ignore[attr-defined]
    return f"{words or 'test'}-{counter}"


def _ready_made(request: pytest.FixtureRequest, server: "Server", own: Optional["Lab"]) -> "Lab":
    """The lab that a test's is a fork of."""
    from .lab import Lab

    if own is not None and request.node.get_closest_marker("infinisim") is None:
        return own
    plan = _plan(request)
    clock = plan.pop("clock")
    made = request.config.stash.setdefault(_ready_key, {})
    key = (id(server), clock, *sorted(plan.items()))
    if key not in made:
        made[key] = Lab(server=server, clock=clock, name=f"ready-{len(made) + 1}-{os.urandom(3).hex()}", **plan)
    return made[key]


@pytest.fixture
def infinisim_lab(request: pytest.FixtureRequest, infinisim_server: "Server", infinisim_ready: Optional["Lab"]) -> Iterator["Lab"]:
    """A lab of the test's own: two linked arrays, unless its marker says otherwise.
    It is checked and removed when the test ends."""
    ready = _ready_made(request, infinisim_server, infinisim_ready)
    name = _lab_name(request)
    if infinisim_server.is_shared:
        name += f"-{os.urandom(4).hex()}"
    elif infinisim_server.data and name in infinisim_server.labs():  # a failure of an earlier run
        infinisim_server.call("DELETE", f"labs/{name}")
    lab = ready.fork(name)
    request.node.stash[_lab_key] = lab
    yield lab
    if not infinisim_server.alive:
        infinisim_server.send("GET", "health")  # raises what there is to say
    failed = request.node.stash.get(_failed_key, False)
    try:
        if not failed:
            lab.check()
    finally:
        if not (failed and infinisim_server.data):
            lab.close()


@pytest.fixture
def infinibox(infinisim_lab: "Lab") -> "Array":
    """One array of the test's own: the first of its lab, which has no other if the test takes this alone."""
    return infinisim_lab.arrays[0]


@pytest.fixture
def infinibox_pair(infinisim_lab: "Lab") -> LinkedPair:
    """Two linked arrays of the test's own; their lab is ``pair.primary.lab``."""
    if len(infinisim_lab.arrays) < 2:
        raise pytest.UsageError("infinibox_pair needs a lab of two arrays or more: the test's marker, or infinisim_ready, has fewer")
    return LinkedPair(*infinisim_lab.arrays[:2])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Generator[None, Any, None]:
    """Attaches to the report of a failing test what repeats it: seed, profile, and the journal."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    lab = item.stash.get(_lab_key, None)
    if lab is None or not report.failed:
        return
    item.stash[_failed_key] = True
    if not lab.closed:
        report.sections.append(("infinisim", _story(item, lab)))


def _story(item: pytest.Item, lab: "Lab") -> str:
    from .errors import InfinisimError

    server = lab.server
    lines = [f"lab {lab.name}, seed {lab.seed}, repeat with --infinisim-seed {lab.seed} --infinisim-profile {server.profile}"]
    try:
        lines.append(f"now {lab.clock.now.isoformat()}")
        lines += [f"fault {fault.id}: {fault.hits} hits" for fault in lab.faults]
        lines.append(lab.journal.text(int(_option(item.config, "journal"))) or "nothing was asked")
    except InfinisimError as error:
        lines.append(f"no journal: {error}")
    if server.data:
        lines.append(f"kept: infinisim serve --data {server.data}")
    return "\n".join(lines)
