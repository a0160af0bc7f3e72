"""Holds what the real clients do against what they did before.

    ratchet.py FILE LINES

LINES has a JSON line a case of this run; FILE, fixtures/conformance.json, holds
pass, fail, or skip and its reason, for each client and case. A pass that turned
into anything else, and a case that is gone, end this with an error. A fail that turned into a pass, and
a new case, are written into FILE. Clients that did not run are left alone.

unanswered.json beside FILE gives a reason for each request that a client may
send without an answer: one that no route takes, or, as "request: key", one with
a key that nothing knows. Any other, and one that no client sends any more, end
this with an error too; the latter only where all clients of FILE ran.
"""
import json
import os
import re
import sys


def read(path):
    """The file as it was, empty before the first run."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def compare(client, was, now):
    """What got worse in a client's cases."""
    worse = [f"{client} {case}: {now[case]['detail']}" for case in sorted(now) if was.get(case) == "pass" and now[case]["result"] != "pass"]
    return worse + [f"{client} {case}: did not run" for case in sorted(was) if case not in now]


def kept(line):
    """What FILE keeps of a case: its result, and why it was skipped."""
    return f"skip: {line['detail']}" if line["result"] == "skip" else line["result"]


def table(runs):
    """What people look at: the counts, then what fails and why."""
    print(f"\n{'client':<19} {'pass':>5} {'fail':>5} {'skip':>5} {'all':>5}")
    for client in sorted(runs):
        results = [line["result"] for line in runs[client].values()]
        passed, failed, skipped = (results.count(result) for result in ("pass", "fail", "skip"))
        print(f"{client:<19} {passed:>5} {failed:>5} {skipped:>5} {len(results):>5}")
    print()
    for client in sorted(runs):
        for case in sorted(runs[client]):
            line = runs[client][case]
            if line["result"] == "fail" and line["detail"] != "not created":
                print(f"fails  {client} {case}: {line['detail'][:160]}")


def mocked(detail):
    """Whether a page ran examples, and none of them asked the server."""
    counts = re.match(r"(\d+) examples, (\d+) skipped", detail)
    return bool(counts) and int(counts[1]) > int(counts[2]) and "no request reached the server" in detail


def keep(path, routes, silent):
    """Writes what each client asked beside FILE, and the pages whose own contexts answered instead of the server."""
    path = os.path.join(os.path.dirname(path), "driven.json")
    before = read(path)
    after = dict(before, **{client: sorted(asked) for client, asked in routes.items()})
    if "pages" in routes:
        after["pages that mocks answer"] = sorted(silent)
    if after != before:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(after, file, indent=1, sort_keys=True)
            file.write("\n")
        print(f"ok   {path} has new routes; commit it, and run make docs")


def judge(allowed, sent, everybody):
    """What is wrong with the requests that had no answer: sent has the clients of each."""
    wrong = [f"{request}: no answer, and no reason in unanswered.json ({', '.join(sorted(sent[request]))})" for request in sorted(sent) if request not in allowed]
    wrong += [f"{request}: no reason given in unanswered.json" for request in sorted(allowed) if not allowed[request].strip()]
    if everybody:
        wrong += [f"{request}: in unanswered.json, but no client sends it or it has an answer now" for request in sorted(allowed) if request not in sent]
    return wrong


def main():
    """Compares, prints, writes."""
    path, lines = sys.argv[1:]
    runs, routes, sent = {}, {}, {}
    with open(lines, encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            if "drove" in line:
                routes.setdefault(line["client"], set()).update(line["drove"])
                continue
            if "unanswered" in line:
                for request in line["unanswered"]:
                    sent.setdefault(request, set()).add(line["client"])
                continue
            runs.setdefault(line["client"], {})[line["case"]] = line
    silent = [case for case, line in runs.get("pages", {}).items() if mocked(line["detail"])]
    keep(path, routes, silent)
    before = read(path)
    table(runs)
    worse = [text for client in sorted(runs) for text in compare(client, before.get(client, {}), runs[client])]
    worse += judge(read(os.path.join(os.path.dirname(path), "unanswered.json")), sent, everybody=set(before) <= set(runs))
    if worse:
        print("\nworse than before:", *worse, sep="\n  ")
        sys.exit(1)
    after = dict(before, **{client: {case: kept(line) for case, line in cases.items()} for client, cases in runs.items()})
    if after != before:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(after, file, indent=1, sort_keys=True)
            file.write("\n")
        print(f"\nok   {path} has new results; commit it")
    else:
        print("\nok   no client is worse or better than before")


if __name__ == "__main__":
    main()
