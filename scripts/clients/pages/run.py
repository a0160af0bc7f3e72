"""Runs the pages of InfiniSDK's documentation as doctests against infinisim.

    run.py SDIST OUT [PAGE ...]

SDIST is the folder of the unpacked source distribution; OUT gets a JSON line a
page. Like the SDK's own runner, each page runs in a process of its own with the
names that PAGE.rst.doctest_context gives, on a frozen timeline. Without a page
all run.
"""
import argparse
import doctest
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import common  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 300


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


def drove(out):
    """Adds to the file which routes this process asked, and what had no answer; gives how many."""
    from infinisim.core import server  # pylint: disable=import-outside-toplevel

    if not server._server:  # pylint: disable=protected-access
        return 0

    def get(path):
        return server.server().call("GET", path)

    if out != "-":
        common.told(out, "pages", get)
    return len(get("driven"))


def one(sdist, out, page):
    """Runs a page in a process of its own; gives its line."""
    line = {"client": "pages", "case": page}
    try:
        done = subprocess.run([sys.executable, __file__, sdist, out, "--inside", page], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return dict(line, result="fail", detail=f"not done after {PATIENCE} seconds")
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode == 0:
        return dict(line, result="pass", detail=last)
    errors = [text.strip() for text in (done.stdout + done.stderr).splitlines() if "Error" in text or "failed" in text.lower()]
    return dict(line, result="fail", detail=(last + ": " + (errors or ["no message"])[0])[:300])


def main():
    """Runs what the command line names."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("sdist")
    args.add_argument("out")
    args.add_argument("--inside", help="one page in this process, for the program itself")
    args.add_argument("page", nargs="*")
    args = args.parse_args()
    if args.inside:
        examples, skipped, failed = run(args.sdist, args.inside)
        asked = drove(args.out)
        print(f"{examples} examples, {skipped} skipped, {failed} failed" + ("" if asked else ", no request reached the server"))
        sys.exit(1 if failed else 0)
    pages = args.page or sorted(name[:-4] for name in os.listdir(os.path.join(args.sdist, "doc")) if name.endswith(".rst"))
    for page in pages:
        line = one(args.sdist, args.out, page)
        print(f"{line['result']}  {page}: {line['detail']}", flush=True)
        common.add(args.out, line)


if __name__ == "__main__":
    main()
