"""Writes the Python blocks of a page into a folder, as tests:
python-examples.py PAGE FOLDER

A block with tests is a test file, or conftest.py if its first line says so; one
with prompts is a doctest, and goes on where the last one stopped. Others are
left alone.
"""

import os
import re
import sys


def main():
    """Writes what the command line names."""
    page, folder = sys.argv[1:]
    os.makedirs(folder)
    with open(page, encoding="utf-8") as file:
        blocks = re.findall(r"^```python\n(.*?)^```", file.read(), flags=re.M | re.S)
    prompts = []
    name = re.sub(r"\W", "_", os.path.basename(page))
    for number, block in enumerate(blocks):
        if block.startswith("# conftest.py"):
            write(os.path.join(folder, f"case_{name}_{number}", "conftest.py"), block)
            continue
        if ">>> " in block:
            prompts.append(block)
        elif re.search(r"^def test_", block, flags=re.M):
            beside = f"case_{name}_{number - 1}" if number and blocks[number - 1].startswith("# conftest.py") else f"case_{name}_{number}"
            write(os.path.join(folder, beside, f"test_{name}_{number}.py"), block)
    if prompts:
        text = "import doctest\n\nTEXT = " + repr("\n".join(prompts)) + "\n\n\ndef test_examples():\n"
        text += "    test = doctest.DocTestParser().get_doctest(TEXT, {}, 'page', None, 0)\n"
        text += "    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0\n"
        write(os.path.join(folder, f"test_{name}_prompts.py"), text)


def write(path, text):
    """Writes a file, and the folder that it is in."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
