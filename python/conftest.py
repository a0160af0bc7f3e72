"""Examples find a lab of two linked arrays, and its first array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict

import pytest

import infinisim

_BUILT = Path(__file__).resolve().parent.parent / "bin" / "infinisim"
if _BUILT.exists():
    os.environ.setdefault("INFINISIM_BIN", str(_BUILT))

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def _example(request: pytest.FixtureRequest, doctest_namespace: Dict[str, Any]) -> Any:
    if type(request.node).__name__ != "DoctestItem":
        yield
        return
    with infinisim.Lab() as lab:
        doctest_namespace.update(lab=lab, array=lab.arrays[0])
        yield
