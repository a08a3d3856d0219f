"""`sw.walkthrough`: one row of data through a network of the reader's own, as a page, as text, or in a notebook."""

from __future__ import annotations

import os
from html import escape
from typing import Any

from ..storage.files import atomic_write_text
from .document import Document
from .page import page
from .text import Terminal
from .trace import trace


class Walkthrough:
    """One row's way through a network, ready to be shown.

    In a notebook the object shows itself; `print` gives the text for a terminal.

    Attributes
    ----------
    document : Document
        What is shown, apart from how it looks.
    quiz : bool
        Whether results are hidden at first.
    """

    def __init__(self, document: Document, *, quiz: bool = False) -> None:
        self.document, self.quiz = document, quiz

    def html(self) -> str:
        """The page: one file that needs no other, no network and no script."""
        return page(self.document, quiz=self.quiz)

    def text(self, width: int = 80) -> str:
        """The same for a terminal of `width` columns, at least 40."""
        return Terminal(width, quiz=self.quiz).document(self.document)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, whole or not at all; a path that ends in .txt takes the text."""
        name = os.fspath(path)
        atomic_write_text(name, self.text() if name.lower().endswith(".txt") else self.html())

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame of its own, so that neither's style touches the other's."""
        source = escape(self.html(), quote=True)
        return (
            f'<iframe srcdoc="{source}" title="{escape(self.document.title)}" sandbox="" loading="lazy" '
            'style="width:100%;height:44rem;border:1px solid #8886;border-radius:6px"></iframe>'
        )

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"Walkthrough({self.document.title!r}, {len(self.document.sections)} steps)"


def walkthrough(
    network: Any,
    x: Any,
    y: Any,
    *,
    loss: Any,
    optimizer: Any,
    row: int = 0,
    neuron: tuple[int, int] | str | None = None,
    quiz: bool = False,
) -> Walkthrough:
    """Take one row through a network: forward, loss, backward and update, every equation with the row's numbers.

    The network is not changed: everything is done to a copy of it.
    """
    document = trace(network, x, y, loss=loss, optimizer=optimizer, row=row, neuron=neuron)
    return Walkthrough(document, quiz=quiz)
