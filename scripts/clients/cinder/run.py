"""The real Cinder driver for InfiniBox against an infinisim: what works of it, case by case.

    python run.py PROGRAM OUT COLUMN [CASE...]
    python run.py --columns

starts PROGRAM (infinisim), takes cinder.volume.drivers.infinidat through every
method that it has, and appends a line of JSON a case to OUT. It prints a line a
case too. All cases are run unless some are named; those that are named also
print where they failed. The exit status says only whether the cases were run.

A column is a way to the array: the driver's option driver_use_ssl says whether
over TLS. Sessions are not the driver's to choose: its InfiniSDK has one where
the array has the feature, and otherwise sends Basic authentication each time.
"""
import argparse
import contextlib
import os
import signal
import sys
import traceback

import cloud
import bench
from box import Box, Server

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import common  # noqa: E402  pylint: disable=wrong-import-position
import wire  # noqa: E402  pylint: disable=wrong-import-position

# The modules of the cases, in the order in which they are run.
import cases_setup  # noqa: F401  pylint: disable=unused-import
import cases_volumes  # noqa: F401  pylint: disable=unused-import
import cases_attach  # noqa: F401  pylint: disable=unused-import
import cases_groups  # noqa: F401  pylint: disable=unused-import
import cases_manage  # noqa: F401  pylint: disable=unused-import

COLUMNS = {"-".join(["cinder"] + ["tls"] * tls + ["basic"] * basic): (tls, basic) for tls in (False, True) for basic in (False, True)}
CASE_SECONDS = 120
DETAIL = 200


class TakesTooLong(BaseException):
    """Ends a case that does not end; no library catches it, as it is no Exception."""


@contextlib.contextmanager
def limit(seconds):
    """Raises TakesTooLong in what takes longer."""
    def ring(_signal, _frame):
        raise TakesTooLong(f"not done after {seconds} s")
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(lab, function, verbose):
    """Runs one case, and returns why it failed or None."""
    try:
        with limit(CASE_SECONDS), bench.Bench(lab) as one:
            function(one)
        return None
    except (Exception, TakesTooLong) as error:  # pylint: disable=broad-exception-caught
        if verbose:
            traceback.print_exc()
        return bench.describe(error)[:DETAIL]


def run_all(lab, column, names, out, verbose):
    """Runs cases one after another, and reports each."""
    seen, passed = wire.Wire(), 0
    for name in names:
        detail = run(lab, bench.CASES[name], verbose)
        passed += detail is None
        common.record(out, column, name, detail is None, detail or "")
    try:
        seen.check(*COLUMNS[column])
        common.record(out, column, "wire_as_told", True)
    except AssertionError as error:
        common.record(out, column, "wire_as_told", False, error)
    print(f"{passed} of {len(names)} cases passed", flush=True)


def main():
    """Runs what the command line asks for against one server."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--columns", action="store_true", help="list the columns")
    parser.add_argument("program", nargs="?", help="the server to start")
    parser.add_argument("out", nargs="?", help="the file that gets a line of JSON a case")
    parser.add_argument("column", nargs="?", choices=COLUMNS, help="the way to the array")
    parser.add_argument("cases", nargs="*", metavar="case", help="the cases to run, all unless some are named")
    arguments = parser.parse_args()
    if arguments.columns:
        print(*COLUMNS, sep="\n")
        return
    if arguments.column is None:
        parser.error("which column?")
    unknown = sorted(set(arguments.cases) - set(bench.CASES))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end before all cases were run"))
    tls, basic = COLUMNS[arguments.column]
    server = Server(arguments.program)
    try:
        if basic:
            for array in server.info["arrays"]:
                common.control(server.info["control"], "PUT", f"arrays/{array['key']}/features/{wire.SESSIONS}", {"enabled": False})
        locks = cloud.start(server.folder.name)
        lab = bench.Lab(Box(server.info, tls), locks)
        run_all(lab, arguments.column, arguments.cases or list(bench.CASES), arguments.out, bool(arguments.cases))
        cloud.stop()
        common.drove(arguments.out, arguments.column, server.info["control"])
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
