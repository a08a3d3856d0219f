"""A network's work shown: one row through forward, loss, backward and update, every equation with its numbers put in."""

from .content import document_of
from .document import Document
from .presentation import Walkthrough, walkthrough
from .recorded import likely_loss, remade
from .subjects import document_about, is_subject

__all__ = [
    "Document",
    "Walkthrough",
    "document_about",
    "document_of",
    "is_subject",
    "likely_loss",
    "remade",
    "walkthrough",
]
