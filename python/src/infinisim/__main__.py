"""The command ``infinisim``: the program itself, wherever it is."""

from __future__ import annotations

import os
import subprocess
import sys

from . import _program
from .errors import ProgramMissing


def main() -> None:
    """Becomes the program, with the arguments of this process."""
    try:
        program = _program.find()
    except ProgramMissing as error:
        sys.exit(f"infinisim: {error}")
    if os.name == "nt":
        sys.exit(subprocess.call([program, *sys.argv[1:]]))
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
