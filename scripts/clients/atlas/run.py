"""Brings a replica to every state by the recipes of fixtures/recipes.json, on a
frozen clock, and compares what the real InfiniSDK's predicates say with the
table of docs/replication.md.

    run.py BIN OUT

Each case is a recipe.
"""
import json
import os
import re
import sys

import requests
from infinisdk import InfiniBox
from infinisdk.core.exceptions import CannotGetReplicaState

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import common  # noqa: E402  pylint: disable=wrong-import-position

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
AUTH = ("admin", "123456")
CLIENT = "atlas"
LINKS = {"UP": (True, False), "DOWN": (False, True), "DEGRADED": (False, False)}
RELATED = {"box-1": "box-2", "box-2": "box-1"}


class Lab:
    """A server, and the words that are played on it."""

    def __init__(self, info, book):
        self.info = info
        self.book = book
        self.http = requests.Session()
        self.http.trust_env = False
        self.ids = {}
        self.urls = {a["key"]: a["url"] for a in info["arrays"]}
        self.systems = {}

    def system(self, key):
        """The client of an array, which knows its peer's."""
        if not self.systems:
            for name, url in self.urls.items():
                host, port = url.removeprefix("http://").split(":")
                self.systems[name] = InfiniBox((host, int(port)), auth=AUTH)
                self.systems[name].login()
            for name, other in RELATED.items():
                self.systems[name].register_related_system(self.systems[other])
        return self.systems[key]

    def fill(self, value):
        """Puts ids in the place of their names."""
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if isinstance(value, str):
            whole = re.fullmatch(r"\{(\w+)\}", value)
            return self.ids[whole[1]] if whole else re.sub(r"\{(\w+)\}", lambda m: str(self.ids[m[1]]), value)
        return value

    def play(self, words):
        """Sends the requests that the words stand for."""
        for name in words:
            word = self.book["words"][name]
            method, path = self.fill(word["do"]).split(" ", 1)
            control = word["to"] == "control"
            base = f"{self.info['control']}/_sim/v1" if control else f"{self.urls[word['to']]}/api/rest"
            answer = self.http.request(method, f"{base}/{path}", json=self.fill(word.get("body")), auth=None if control else AUTH, timeout=120)
            assert answer.ok, f"{name}: {answer.text}"
            for kept, where in word.get("keep", {}).items():
                found = answer.json()["result"]
                for part in where.split("."):
                    found = found[int(part)] if isinstance(found, list) else found[part]
                self.ids[kept] = found


def table(path):
    """The predicates of each state as the page has them."""
    with open(path, encoding="utf-8") as file:
        text = file.read().split("\n## What InfiniSDK says\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    names = rows[0][1:]
    return {row[0]: dict(zip(names, row[1:])) for row in rows[2:]}


def says(replica, predicate):
    """What the client says, in the words of the page."""
    try:
        return "yes" if getattr(replica, predicate)() else ""
    except CannotGetReplicaState:
        return "raises"


def case(binary, out, book, name, steps, compare):
    """One recipe on a server of its own."""
    with common.server(binary, "--clock", "manual") as info:
        lab = Lab(info, book)
        try:
            lab.play(book["setup"] + steps)
            wrong = compare(lab)
            wrong += lab.http.post(f"{info['control']}/_sim/v1/check", timeout=60).json()["violations"]
            common.record(out, CLIENT, name, not wrong, "; ".join(wrong))
        except Exception as error:  # pylint: disable=broad-exception-caught
            common.record(out, CLIENT, name, False, repr(error))
        common.drove(out, CLIENT, info["control"])


def replica_as(recipe, want):
    """Compares the predicates of a replica."""
    def compare(lab):
        replica = lab.system(recipe["read"]).replicas.get_by_id(lab.ids["replica" if recipe["read"] == "box-1" else "remote"])
        got = {predicate: says(replica, predicate) for predicate in want}
        return [f"{p}: {got[p] or 'no'}, the page has {want[p] or 'no'}" for p in want if got[p] != want[p]]
    return compare


def link_as(state):
    """Compares the predicates of a link."""
    def compare(lab):
        link = lab.system("box-1").links.get_by_id(lab.ids["link"])
        got = (link.is_up(), link.is_down())
        return [] if got == LINKS[state] else [f"is_up, is_down: {got}, not {LINKS[state]}"]
    return compare


def main():
    """Runs every recipe."""
    binary, out = sys.argv[1:]
    with open(os.path.join(ROOT, "fixtures", "recipes.json"), encoding="utf-8") as file:
        book = json.load(file)
    page = table(os.path.join(ROOT, "docs", "replication.md"))
    assert sorted(page) == sorted(recipe["name"] for recipe in book["recipes"]), "the page has other states: make docs"
    assert all(len(row) == 15 for row in page.values()), page
    for recipe in book["recipes"]:
        case(binary, out, book, recipe["name"], recipe["steps"], replica_as(recipe, page[recipe["name"]]))
    for link in book["links"]:
        case(binary, out, book, "link " + link["name"], link["steps"], link_as(link["name"]))


if __name__ == "__main__":
    main()
