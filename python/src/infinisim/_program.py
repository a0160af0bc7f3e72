"""Where the program is that serves the arrays."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import List, Optional

from .errors import ProgramMissing

_ADVICE = "set INFINISIM_BIN to the program, or install a wheel that has it"


def bundled() -> Path:
    """The program that a wheel for this platform has inside."""
    return Path(__file__).parent / "bin" / ("infinisim.exe" if os.name == "nt" else "infinisim")


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _on_path() -> List[Path]:
    """Programs of that name on the path, but for scripts: this package installs one that asks here."""
    found = []
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        name = shutil.which("infinisim", path=folder) if folder else None
        if name:
            with open(name, "rb") as file:
                if file.read(2) != b"#!":
                    found.append(Path(name))
    return found


def find(given: Optional[str] = None) -> str:
    """The program to start: the one given, that of INFINISIM_BIN, the wheel's own, one on the path."""
    named = given or os.environ.get("INFINISIM_BIN")
    if named:
        if not _runs(Path(named)):
            raise ProgramMissing(f"{named} is not there or cannot be run: {_ADVICE}")
        return named
    for path in [bundled(), *_on_path()]:
        if _runs(path):
            return str(path)
    raise ProgramMissing(f"this installation has no infinisim inside and none is on the path: {_ADVICE}")
