"""Where solving happens: in this process, or in processes of its own."""

from app.engine.halt import Halt
from app.engine.local import LocalEngine

__all__ = ["Halt", "LocalEngine"]
