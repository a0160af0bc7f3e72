#!/usr/bin/env bash
# Writes docs/fidelity.md anew from the comments that begin with unsourced:.
set -eu
cd "$(dirname "$0")/.."
python3 - >docs/fidelity.md <<'PY'
import pathlib
import re
print("""# What no public source shows

Each line is a choice of infinisim's own, where no public source shows what the
array does. It is generated from the code by `scripts/fidelity.sh`; the place
named is where the choice is made.

| where | choice |
|---|---|""")
for path in sorted(pathlib.Path("sim").rglob("*.go")) + sorted(pathlib.Path("cmd").rglob("*.go")):
    if path.name.endswith("_test.go"):
        continue
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        found = re.search(r"unsourced: (.*)", line)
        if not found:
            continue
        text = [found.group(1)]
        for more in lines[number + 1:]:
            stripped = more.strip()
            if not stripped.startswith("//") or stripped == "//":
                break
            text.append(stripped.removeprefix("//").strip())
        choice = " ".join(text).replace("|", "\\|")
        print(f"| `{path}` | {choice} |")
PY
