"""Runs the pages of InfiniSDK's documentation as doctests against infinisim.

    run.py SDIST OUT COLUMN [PAGE ...]
    run.py --columns

SDIST is the folder of the unpacked source distribution; OUT gets a JSON line a
page. Like the SDK's own runner, each page runs in a process of its own with the
names that PAGE.rst.doctest_context gives, on a frozen timeline. Without a page
all run.

A column is a way to the arrays: plain HTTP or TLS, sessions or Basic
authentication. The contexts leave both to the client's defaults, which are set
here for the clients of arrays. A page that asks no array has nothing to say of
a way, and is skipped in all columns but the first.
"""
import argparse
import doctest
import os
import subprocess
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import common  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 300
COLUMNS = {"-".join(["pages"] + ["tls"] * tls + ["basic"] * basic): (tls, basic) for tls in (False, True) for basic in (False, True)}
SILENT = ", no request reached the server"
UNSEEN = "no request of the page reaches an array: its own mocks answer, or it asks nothing"


def choose(tls, basic):
    """Has the client of each array go the way of a column, and sees that it does."""
    from infinisdk import InfiniBox  # pylint: disable=import-outside-toplevel
    from infinisim.core import context, server  # pylint: disable=import-outside-toplevel
    from infinisim.infinibox import Infinibox  # pylint: disable=import-outside-toplevel
    from infinisim.server import shared  # pylint: disable=import-outside-toplevel
    import wire  # pylint: disable=import-outside-toplevel

    warnings.filterwarnings("ignore", message="Unverified HTTPS request")  # the array signs its certificate itself
    begin, waken = InfiniBox.__init__, Infinibox.__init__

    def begin_so(self, address, auth=None, use_ssl=False, ssl_cert=None):
        array = isinstance(address, Infinibox) or context.lookup_simulator_by_address(address)
        begin(self, address, auth=auth, use_ssl=tls if array else use_ssl, ssl_cert=ssl_cert)

    def waken_so(self, *arguments):
        if tls and not server._server:  # pylint: disable=protected-access
            shared(tls=True)
        waken(self, *arguments)
        if basic:
            self.set_feature(wire.SESSIONS, False)

    InfiniBox.__init__, Infinibox.__init__ = begin_so, waken_so
    return wire.Wire()


def load_context(path):
    """The context manager that gives a page its names."""
    names = {}
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), names)  # pylint: disable=exec-used
    return names["doctest_context"]


def run(sdist, page):
    """Runs a page in this process; gives (examples, skipped, failed)."""
    sys.path.insert(0, HERE)
    import flux  # pylint: disable=import-outside-toplevel
    from infinisdk.core.config import config  # pylint: disable=import-outside-toplevel

    flux.current_timeline.set_time_factor(0)
    config.root.check_version_compatibility = False
    path = os.path.join(sdist, "doc", page + ".rst")
    with open(path, encoding="utf-8") as file:
        examples = doctest.DocTestParser().get_examples(file.read())
    skipped = sum(1 for e in examples if e.options.get(doctest.SKIP))
    names = {"print_function": None, "gossip_token": "doctest-token"}
    if not os.path.exists(path + ".doctest_context"):
        failed = doctest.testfile(path, module_relative=False, globs=names).failed
        return len(examples), skipped, failed
    with load_context(path + ".doctest_context")() as more:
        failed = doctest.testfile(path, module_relative=False, globs=dict(more, **names)).failed
    return len(examples), skipped, failed


def drove(out, column):
    """Adds to the file which routes this process asked, and what had no answer; gives how many."""
    from infinisim.core import server  # pylint: disable=import-outside-toplevel

    if not server._server:  # pylint: disable=protected-access
        return 0

    def get(path):
        return server.server().call("GET", path)

    if out != "-":
        common.told(out, column, get)
    return len(get("driven"))


def inside(args):
    """Runs a page in this process; prints its line."""
    way = COLUMNS[args.column]
    seen = choose(*way)
    examples, skipped, failed = run(args.sdist, args.inside)
    asked = drove(args.out, args.column)
    if asked and seen.schemes:
        seen.schemes.discard("http" if way[0] else "https")  # a page may show both
        seen.check(*way)
    print(f"{examples} examples, {skipped} skipped, {failed} failed" + ("" if asked else SILENT))
    sys.exit(1 if failed else 0)


def one(sdist, out, column, page):
    """Runs a page in a process of its own; gives its line."""
    line = {"client": column, "case": page}
    try:
        done = subprocess.run([sys.executable, __file__, "--inside", page, sdist, out, column], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return dict(line, result="fail", detail=f"not done after {PATIENCE} seconds")
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode == 0 and last.endswith(SILENT) and column != next(iter(COLUMNS)):
        return dict(line, result="skip", detail=UNSEEN)
    if done.returncode == 0:
        return dict(line, result="pass", detail=last)
    errors = [text.strip() for text in (done.stdout + done.stderr).splitlines() if "Error" in text or "failed" in text.lower()]
    return dict(line, result="fail", detail=(last + ": " + (errors or ["no message"])[0])[:300])


def main():
    """Runs what the command line names."""
    args = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    args.add_argument("--columns", action="store_true", help="list the columns")
    args.add_argument("--inside", help="one page in this process, for the program itself")
    args.add_argument("sdist", nargs="?")
    args.add_argument("out", nargs="?")
    args.add_argument("column", nargs="?", choices=COLUMNS)
    args.add_argument("page", nargs="*")
    args = args.parse_args()
    if args.columns:
        print(*COLUMNS, sep="\n")
        return
    if args.inside:
        inside(args)
    pages = args.page or sorted(name[:-4] for name in os.listdir(os.path.join(args.sdist, "doc")) if name.endswith(".rst"))
    for page in pages:
        line = one(args.sdist, args.out, args.column, page)
        print(f"{line['result']}  {args.column} {page}: {line['detail']}", flush=True)
        common.add(args.out, line)


if __name__ == "__main__":
    main()
