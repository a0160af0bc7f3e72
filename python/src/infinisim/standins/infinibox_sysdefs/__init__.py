"""Constants of the array that tests compare with."""

from . import defs
from .defs import latest

__all__ = ["defs", "latest"]
