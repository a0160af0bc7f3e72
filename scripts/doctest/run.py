"""Runs a page of InfiniSDK's documentation as a doctest against infinisim.

    run.py SDIST PAGE [--expect EXAMPLES SKIPPED]

SDIST is the folder of the unpacked source distribution. Like the SDK's own
runner it executes PAGE.rst.doctest_context for the page's names, on a frozen
timeline.
"""
import argparse
import doctest
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def load_context(path):
    """The context manager that gives the page its names."""
    names = {}
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), names)  # pylint: disable=exec-used
    return names["doctest_context"]


def run(sdist, page):
    """Runs the page; gives (examples, skipped, failed)."""
    import flux  # pylint: disable=import-outside-toplevel
    from infinisdk.core.config import config  # pylint: disable=import-outside-toplevel

    flux.current_timeline.set_time_factor(0)
    config.root.check_version_compatibility = False
    path = os.path.join(sdist, "doc", page + ".rst")
    parser = doctest.DocTestParser()
    with open(path, encoding="utf-8") as file:
        examples = parser.get_examples(file.read())
    skipped = sum(1 for e in examples if e.options.get(doctest.SKIP))
    with load_context(path + ".doctest_context")() as names:
        names = dict(names, print_function=None, gossip_token="doctest-token")
        result = doctest.testfile(path, module_relative=False, globs=names)
    return len(examples), skipped, result.failed


def main():
    """Runs the page that the command line names."""
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("sdist")
    args.add_argument("page")
    args.add_argument("--expect", nargs=2, type=int, metavar=("EXAMPLES", "SKIPPED"))
    args = args.parse_args()
    sys.path.insert(0, HERE)
    examples, skipped, failed = run(args.sdist, args.page)
    print(f"{args.page}: {examples} examples, {skipped} skipped, {failed} failed")
    if failed or args.expect and [examples, skipped] != args.expect:
        sys.exit(1)


if __name__ == "__main__":
    main()
