"""The real Cinder driver for InfiniBox against an infinisim: what works of it, case by case.

    python run.py PROGRAM OUT [CASE...]

starts PROGRAM (infinisim), takes cinder.volume.drivers.infinidat through every
method that it has, and appends a line of JSON a case to OUT. It prints a line a
case too. All cases are run unless some are named; those that are named also
print where they failed. The exit status says only whether the cases were run.
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

# The modules of the cases, in the order in which they are run.
import cases_setup  # noqa: F401  pylint: disable=unused-import
import cases_volumes  # noqa: F401  pylint: disable=unused-import
import cases_attach  # noqa: F401  pylint: disable=unused-import
import cases_groups  # noqa: F401  pylint: disable=unused-import
import cases_manage  # noqa: F401  pylint: disable=unused-import

CLIENT = "cinder"
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


def run_all(lab, names, out, verbose):
    """Runs cases one after another, and reports each."""
    passed = 0
    for name in names:
        detail = run(lab, bench.CASES[name], verbose)
        result = "pass" if detail is None else "fail"
        passed += detail is None
        common.add(out, {"client": CLIENT, "case": name, "result": result, "detail": detail or ""})
        print(f"{result}  {name}" + (f": {detail}" if detail else ""), flush=True)
    print(f"{passed} of {len(names)} cases passed", flush=True)


def main():
    """Runs what the command line asks for against one server."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program", help="the server to start")
    parser.add_argument("out", help="the file that gets a line of JSON a case")
    parser.add_argument("cases", nargs="*", metavar="case", help="the cases to run, all unless some are named")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.cases) - set(bench.CASES))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end before all cases were run"))
    server = Server(arguments.program)
    try:
        locks = cloud.start(server.folder.name)
        lab = bench.Lab(Box(server.info), locks)
        run_all(lab, arguments.cases or list(bench.CASES), arguments.out, bool(arguments.cases))
        cloud.stop()
        common.drove(arguments.out, CLIENT, server.info["control"])
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
