"""Files that run no code: models as safetensors with JSON, and whole-or-nothing writing."""

from .checkpoints import Checkpoints
from .files import atomic_write, atomic_write_bytes, atomic_write_text, write_json
from .models import load, save

__all__ = ["Checkpoints", "atomic_write", "atomic_write_bytes", "atomic_write_text", "load", "save", "write_json"]
