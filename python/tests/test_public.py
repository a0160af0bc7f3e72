from __future__ import annotations

import inspect
from typing import Iterator, Tuple

import pytest

import infinisim
from infinisim.infinibox import Infinibox


def public() -> Iterator[Tuple[str, object]]:
    for name in infinisim.__all__:
        thing = getattr(infinisim, name)
        if inspect.ismodule(thing):
            continue
        yield name, thing
        yield from members(name, thing)
    yield from members("Infinibox", Infinibox)


def members(name: str, kind: object) -> Iterator[Tuple[str, object]]:
    for member, value in vars(kind).items():
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, (property, classmethod))):
            yield f"{name}.{member}", value.__func__ if isinstance(value, classmethod) else value


@pytest.mark.parametrize(("name", "thing"), list(public()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_name_has_an_example(name: str, thing: object) -> None:
    assert ">>> " in (inspect.getdoc(thing) or ""), f"{name} has no example that runs"
