"""Stand-ins for the modules ``ecosystem`` and ``infinibox_sysdefs``, which tests
written for an in-process simulator import too.

They are there on request alone, and only where no module of that name is
installed: ``install()``, or ``--infinisim-stand-ins`` of the pytest plugin.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Optional, Sequence

_HERE = Path(__file__).parent


class _Finder(MetaPathFinder):
    """Finds the stand-ins; it stands last, behind everything that is installed."""

    def find_spec(self, fullname: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        if fullname == "ecosystem":
            return importlib.util.spec_from_file_location(fullname, _HERE / "ecosystem.py")
        if fullname == "infinibox_sysdefs":
            folder = _HERE / "infinibox_sysdefs"
            return importlib.util.spec_from_file_location(fullname, folder / "__init__.py", submodule_search_locations=[str(folder)])
        return None


_finder = _Finder()


def install() -> None:
    """Lets the modules be imported from now on; doing so twice does nothing.

    >>> from infinisim import standins
    >>> standins.install()
    >>> from infinibox_sysdefs import latest
    >>> latest.internal.num_vus
    6
    >>> from ecosystem import SimulationContext
    >>> SimulationContext().enter_mocked_context()
    """
    if _finder not in sys.meta_path:
        sys.meta_path.append(_finder)


def uninstall() -> None:
    """Takes the modules away from those that did not import them yet.

    >>> from infinisim import standins
    >>> standins.uninstall()
    """
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
