"""Plays what the README and the pages of docs/ show: docs.py PROGRAM PYTHON [PAGE ...]

Each page has a server of its own at the ports that a newcomer's has, in a
network of its own, and a folder with `fixtures` beside it. Played are, in the
order of the page:

- every line that begins with `curl` or `infinisim`, indented or in a block of
  `sh` or `console`; where it stands behind a `$`, the lines below it are what it
  has to print (an ellipsis stands for anything);
- blocks of `python` without tests or prompts, by PYTHON (python-test.sh plays
  the others); blocks of `go` that are tests, all together in the end.

What is not played has to be known by REASONS, or by a comment before the block:
<!-- not played: why -->. (HELD has the comments by which others play or hold a
block.) <!-- saved as: NAME --> writes the block into the
folder, <!-- may fail: why --> lets its commands end with any code.
"""

import fcntl
import json
import os
import re
import shlex
import socket
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Why the blocks of a language are not played.
REASONS = {
    "mermaid": "a drawing; TestAtlas holds those of states against the table",
    "diff": "a part of a worked example: examples.sh carries it out",
    "yaml": "TestDocs_files and TestDocs_examples hold it against what is played",
    "json": "what a file or an answer looks like",
    "text": "what something prints, or looks like",
    "toml": "a setting of another program",
}
# Who holds what other comments say of a block.
HELD = {
    "file": "TestDocs_files holds it against the file", "from": "TestDocs_files finds its lines in the file",
    "example": "examples.sh carries it out", "example runs": "examples.sh runs it",
}  # fmt: skip
# Pages that are written from what others play.
WRITTEN = {
    "docs/replication.md": "TestAtlas plays each recipe on fresh arrays",
    "docs/python-tour.md": "tour.sh runs the scripts that it shows",
}
# Commands that stand for themselves, and who proves them.
OTHERS = {
    "make": None, "git": "first-call.sh", "cd": "first-call.sh", "go": "test.sh", "pip": "python-test.sh", "docker": "needs a daemon",
    "podman": "needs a daemon", "kubectl": "needs a cluster", "export": "a setting", "dpkg": "release.sh", "tar": "release.sh",
    "sha256sum": "release.sh", "prometheus": "observe.sh",
}  # fmt: skip
PYTHON_TESTED = re.compile(r"^(>>> |def test_|async def test_|# conftest\.py)", re.M)


class Failed(Exception):
    """What did not come out as the page says."""


def blocks(text):
    """Yields (language, directive, lines) for each block of a page, "" being an indented one."""
    lines, at, directive = text.split("\n"), 0, ("", "")
    while at < len(lines):
        line = lines[at]
        fence = re.match(r"^( *)```(\w*)", line)
        if fence:
            end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == "```")
            indent = len(fence[1])
            yield fence[2] or "none", directive, [row[indent:] for row in lines[at + 1 : end]]
            at, directive = end + 1, ("", "")
            continue
        if line.startswith("    ") and (at == 0 or not lines[at - 1].strip() or lines[at - 1].startswith("<!--")):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield "", directive, [row[4:] for row in lines[at:end]]
            at, directive = end, ("", "")
            continue
        comment = re.match(r"^<!-- (not played|saved as|may fail|file|from|example runs|example):? ?(.*?) -->$", line)
        if comment:
            directive = (comment[1], comment[2])
        elif line.strip():
            directive = ("", "")
        at += 1


def commands(lines):
    """Yields (command, what it has to print or None) for the lines of a block."""
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        at += 1
        if not line or line.startswith("#"):
            continue
        prompt = line.startswith("$ ")
        command = line.removeprefix("$ ")
        while command.endswith("\\") and at < len(lines):
            command, at = command[:-1] + lines[at].strip(), at + 1
        wanted = None
        if prompt:
            wanted = []
            while at < len(lines) and not lines[at].strip().startswith("$ "):
                wanted.append(lines[at].strip())
                at += 1
            wanted = "\n".join(wanted).strip() or None
        yield command, wanted


class Page:
    """A page under play: a server, a folder, and what was played."""

    def __init__(self, name, program, python, work):
        self.name, self.python = name, python
        self.played, self.failed, self.left, self.go = 0, 0, [], []
        self.folder = os.path.join(work, re.sub(r"\W", "_", name), "here")
        os.makedirs(self.folder)
        for where in (self.folder, os.path.dirname(self.folder)):
            os.symlink(os.path.join(ROOT, "fixtures"), os.path.join(where, "fixtures"))
        os.symlink(os.path.join(ROOT, "scripts"), os.path.join(self.folder, "scripts"))
        self.environment = {**os.environ, "PATH": os.path.dirname(program) + ":" + os.environ["PATH"], "NO_PROXY": "*", "COLUMNS": "120"}
        self.program, self.server = program, None

    def play(self, text):
        """Plays all blocks of the page."""
        for language, (rule, why), lines in blocks(text):
            if rule == "saved as":
                path = os.path.join(self.folder, why)
                with open(path, "w", encoding="utf-8") as file:
                    file.write("\n".join(lines) + "\n")
                os.chmod(path, 0o755)
            elif rule == "not played":
                self.left.append(f"{language}: {why}")
            elif rule in HELD or language in REASONS:
                self.left.append(f"{language}: {HELD.get(rule) or REASONS[language]}")
            elif language == "python":
                self.script("\n".join(lines))
            elif language == "go":
                self.go.append("\n".join(lines) + "\n")
            elif language in ("", "sh", "bash", "console"):
                for command, wanted in commands(lines):
                    try:
                        self.command(command, wanted, rule == "may fail", language == "")
                    except Failed as error:
                        print(f"FAIL {self.name}: {error}", flush=True)
                        self.failed += 1
            else:
                raise Failed(f"nothing plays a block of {language}, and nothing says why: {lines[:1]}")

    def script(self, text):
        """Plays a block of Python, unless python-test.sh does."""
        if PYTHON_TESTED.search(text):
            self.left.append("python: python-test.sh plays it")
            return
        self.run([self.python, "-c", text], text, None, False)

    def command(self, command, wanted, may_fail, indented):
        """Plays a line of a shell."""
        word = command.split(" ", 1)[0]
        if "…" in command:
            self.left.append(f"a form: {command}")
        elif word == "make":
            for target in re.findall(r"^make (?:-C \S+ )?((?:[a-z]+ ?)+)", command):
                for each in target.split():
                    if not re.search(rf"^{each}:", open(os.path.join(ROOT, "Makefile"), encoding="utf-8").read(), re.M):
                        raise Failed(f"the Makefile has no target {each}")
        elif word in OTHERS:
            self.left.append(f"{word}: {OTHERS[word]}")
        elif command.startswith("infinisim serve"):
            self.serves(command)
        elif word in ("curl", "infinisim") or wanted is not None:
            self.started()
            told = re.sub(r"^curl ", "curl --silent --show-error " + ("" if wanted else "--fail "), command)
            self.run(["bash", "-c", told], command, wanted, may_fail or wanted is not None)
        elif not indented:
            raise Failed(f"nothing plays this, and nothing says why: {command}")

    def run(self, arguments, shown, wanted, may_fail):
        """Runs a command beside the server, and holds what it prints against what it should."""
        self.started()
        done = subprocess.run(arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        self.played += 1
        printed = (done.stdout + done.stderr).strip()
        if done.returncode and not may_fail:
            raise Failed(f"{shown}\nended with {done.returncode}: {printed}")
        if wanted is not None:
            form = ".*".join(re.escape(part) for part in wanted.split("…"))
            if not re.fullmatch(form, "\n".join(row.strip() for row in printed.split("\n")), re.S):
                raise Failed(f"{shown}\nprinted\n{printed}\nnot\n{wanted}")

    def serves(self, command):
        """Sees that a server begins to serve, in a network of its own, and ends when told."""
        arguments = [*shlex.split(command.rstrip("&").split("  #")[0])[1:], "--exit-with-stdin"]
        ready = re.search(r"--ready-file (\S+)", command)
        if not ready:
            arguments += ["--ready-file", "-"]
        environment = {**self.environment, "INFINISIM_FABRIC_SECRET": "secret", "INFINISIM_CONTROL_TOKEN": ""}
        child = subprocess.Popen(
            ["unshare", "--net", sys.executable, __file__, "--loopback", self.program, *arguments],
            cwd=self.folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        first = child.stdout.readline()
        rest, errors = child.communicate(timeout=60)
        if child.returncode or not first:
            raise Failed(f"{command}\nended with {child.returncode}: {first}{rest}{errors}")
        self.played += 1

    def started(self):
        """Starts the page's server, once."""
        if self.server:
            return
        self.server = subprocess.Popen(
            [self.program, "serve", "--ready-file", "-", "--exit-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        json.loads(self.server.stdout.readline())

    def ends(self):
        """Ends the server, and sees that it ended well."""
        if self.server:
            self.server.communicate(timeout=60)
            if self.server.returncode:
                raise Failed(f"the server ended with {self.server.returncode}")


def play_go(sources, work):
    """Compiles and runs the Go blocks of all pages as one package each, laid over the module."""
    replace, packages = {}, []
    for name, texts in sources:
        for number, text in enumerate(texts):
            package = "docs_" + re.sub(r"\W", "_", name.lower()).strip("_") + f"_{number}"
            path = os.path.join(work, package + "_test.go")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text if text.startswith("package ") else go_file(text))
            replace[os.path.join(ROOT, "sim", package, "block_test.go")] = path
            packages.append("./sim/" + package)
    overlay = os.path.join(work, "overlay.json")
    with open(overlay, "w", encoding="utf-8") as file:
        json.dump({"Replace": replace}, file)
    built = subprocess.run(["go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", work + os.sep, *packages], cwd=ROOT, capture_output=True, text=True)
    if built.returncode:
        raise Failed(built.stdout + built.stderr)
    for package in packages:
        done = subprocess.run([os.path.join(work, os.path.basename(package) + ".test")], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{package}:\n{done.stdout}{done.stderr}")
    return len(packages)


IMPORTS = {
    "testing": "testing", "time": "time", "http": "net/http", "context": "context", "assert": "github.com/stretchr/testify/assert",
    "require": "github.com/stretchr/testify/require", "sim": "infinisim/sim", "simtest": "infinisim/sim/simtest", "fault": "infinisim/sim/fault",
    "audit": "infinisim/sim/audit", "scenario": "infinisim/sim/scenario", "fmt": "fmt", "io": "io", "os": "os", "filepath": "path/filepath",
    "pprof": "runtime/pprof",
}  # fmt: skip


def go_file(text):
    """Returns a block of Go as a test file, with the imports that it uses."""
    used = sorted(path for name, path in IMPORTS.items() if re.search(rf"(?<![\w.\"/]){name}\.[A-Z]", text))
    return "package block_test\n\nimport (\n" + "".join(f'\t"{path}"\n' for path in used) + ")\n\n" + text


def loopback():
    """Brings up the loopback interface of this network."""
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))


def main():
    """Plays the pages that the command line names, or all."""
    program, python, *names = sys.argv[1:]
    loopback()
    if not names:
        names = ["README.md"] + sorted(os.path.join("docs", n) for n in os.listdir(os.path.join(ROOT, "docs")) if n.endswith(".md"))
    program, python = os.path.abspath(program), os.path.abspath(python)
    played, left, sources, failed = 0, [], [], 0
    with tempfile.TemporaryDirectory() as work:
        for name in names:
            if name in WRITTEN:
                left.append(f"{name}: {WRITTEN[name]}")
                continue
            page = Page(name, program, python, work)
            try:
                with open(os.path.join(ROOT, name), encoding="utf-8") as file:
                    page.play(file.read())
            except (Failed, subprocess.TimeoutExpired) as error:
                print(f"FAIL {name}: {error}")
                failed += 1
            try:
                page.ends()
            except (Failed, subprocess.TimeoutExpired) as error:
                print(f"FAIL {name}: {error}")
                failed += 1
            played += page.played
            failed += page.failed
            left += [f"{name}: {why}" for why in page.left]
            if page.go:
                sources.append((name, page.go))
        try:
            tested = play_go(sources, work) if sources else 0
        except Failed as error:
            print(f"FAIL the blocks of Go: {error}")
            tested, failed = 0, failed + 1
    if os.environ.get("VERBOSE"):
        print("\n".join(left))
    if failed:
        sys.exit(1)
    print(f"ok   {played} commands and scripts of the documentation, each page with a server of its own; {len(left)} blocks and lines left out with a reason")
    print(f"ok   {tested} blocks of Go, compiled and run")


if __name__ == "__main__":
    if sys.argv[1] == "--loopback":
        loopback()
        os.execv(sys.argv[2], sys.argv[2:])
    main()
