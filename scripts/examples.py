"""Carries out the worked examples of docs/contributing.md: examples.py FOLDER

FOLDER is a copy of the tree. A block behind <!-- example: PATH --> is a new
file, or, in a block of `diff`, a change of one: the lines with a minus and those
without a sign have to stand there as they are, once. Then the commands behind
<!-- example runs --> have to succeed.
"""

import os
import subprocess
import sys

from docs import blocks

PAGE = "docs/contributing.md"


def main():
    """Writes all examples into the folder, and runs what they say."""
    [folder] = sys.argv[1:]
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    written, runs = 0, []
    for language, (rule, what), lines in blocks(text):
        if rule == "example runs":
            runs += [line for line in lines if line.strip()]
        elif rule == "example":
            change(os.path.join(folder, what), language, lines)
            written += 1
    assert written and runs, f"{PAGE} has no examples"
    for command in runs:
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
        if done.returncode or "no tests to run" in done.stdout:
            sys.exit(f"{PAGE}: {command}\n{done.stdout}{done.stderr}")
        print(f"ok   {command}")


def change(path, language, lines):
    """Writes a new file, or changes one."""
    if language != "diff":
        with open(path, "x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before = "\n".join(line[1:] for line in lines if line[:1] != "+") + "\n"
    after = "\n".join(line[1:] for line in lines if line[:1] != "-") + "\n"
    if text.count(before) != 1:
        sys.exit(f"{PAGE}: {path} has these lines {text.count(before)} times, not once:\n{before}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(before, after))


if __name__ == "__main__":
    main()
