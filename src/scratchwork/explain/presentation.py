"""`sw.walkthrough`: one row of data through a network of the reader's own, as a page, as text, or in a notebook."""

from __future__ import annotations

import os
from html import escape
from typing import Any

from ..arrays import Shape
from ..losses import Loss
from ..model import Model
from ..optimizers import Optimizer
from ..regularizers import Constraint, Regularizer
from ..sequential import Sequential
from ..storage.files import atomic_write_text
from .content import document_of
from .document import Document
from .page import page
from .quiz import quizzed
from .recorded import likely_loss, remade
from .text import Terminal


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
        return page(self._asked(), quiz=self.quiz)

    def text(self, width: int = 80) -> str:
        """The same for a terminal of `width` columns, at least 40."""
        return Terminal(width, quiz=self.quiz).document(self._asked())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, whole or not at all; a path that ends in .txt takes the text."""
        name = os.fspath(path)
        atomic_write_text(name, self.text() if name.lower().endswith(".txt") else self.html())

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame of its own, so that neither's style touches the other's."""
        inside = '<base href="about:srcdoc">'  # else its links would lead to the notebook's page
        source = escape(self.html().replace("<head>", f"<head>\n{inside}", 1), quote=True)
        return (
            f'<iframe srcdoc="{source}" title="{escape(self.document.title)}" sandbox="" loading="lazy" '
            'style="width:100%;height:44rem;border:1px solid #8886;border-radius:6px"></iframe>'
        )

    def _asked(self) -> Document:
        """The document, for a quiz with letters in place of the numbers that it asks for."""
        return quizzed(self.document) if self.quiz else self.document

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"Walkthrough({self.document.title!r}, {len(self.document.sections)} steps)"


def walkthrough(
    network: Sequential | Model,
    x: Any,
    y: Any = None,
    *,
    loss: Loss | str | None = None,
    optimizer: Optimizer | str | None = None,
    row: int = 0,
    neuron: tuple[int | str, int] | str | None = None,
    quiz: bool = False,
    regularizer: Regularizer | None = None,
    constraint: Constraint | None = None,
    image_shape: Shape | None = None,
    called: str | None = None,
) -> Walkthrough:
    """Take one row through a network: forward, loss, backward and update, every equation with the row's numbers.

    The network is not changed: everything is done to a copy of it, in float64. Rows that influence each other, as those of
    a batch do in batch normalization, go through together; other rows go alone.

    Parameters
    ----------
    network : Sequential, Model or trained estimator
        A Model takes raw rows, and shows what its preprocessing makes of them. One that was not built is built with seed 0.
    x, y : rows and their answers
        As `fit` takes them. Without `y` only the forward is shown.
    loss : Loss or name, optional
        By default the one that a Model was trained with, or else the one that suits the last layer and the answers.
    optimizer : Optimizer or name, optional
        By default the one that a Model was trained with. Where there is none, no update is shown.
    row : int
        Which of the rows, from 0.
    neuron : (layer, index) or "layer:index", optional
        A neuron to work out, wherever it stands; for images the one whose weights are drawn.
    quiz : bool
        Hide every result behind a fold, so that a learner computes it first.
    regularizer, constraint : optional
        As given to `fit`.
    image_shape : (H, W) or (H, W, channels), optional
        Of flat rows that are pictures; a Model knows its own, and 784 numbers are taken for 28×28.
    called : str, optional
        What the row is called on the page, such as "Row 3 of digits".

    Raises
    ------
    ConfigurationError, DataError, ShapeError
        For what cannot be shown: a row that is not there, numbers that are not finite, an optimizer without single steps.

    Examples
    --------
    >>> import scratchwork as sw
    >>> network = sw.Sequential([sw.Dense(3), sw.Tanh(), sw.Dense(2)])
    >>> told = sw.walkthrough(network, [[0.5, -1.0]], [1], loss=sw.SoftmaxCrossEntropy(), optimizer=sw.SGD(0.1))
    >>> told
    Walkthrough('Row 0 through a 2-3-2 network', 12 steps)
    >>> told.html().count("<section"), "<script" in told.html()
    (12, False)
    """
    network = network.to_model() if hasattr(network, "to_model") else network
    record = getattr(network, "record", {})
    if loss is None and y is not None:
        loss = remade(record.get("loss")) or likely_loss(network, y)
    if optimizer is None and y is not None:
        optimizer = remade(record.get("optimizer"))
    document = document_of(
        network,
        x,
        y,
        loss=loss,
        optimizer=optimizer,
        row=row,
        neuron=neuron,
        regularizer=regularizer,
        constraint=constraint,
        image_shape=image_shape,
        called=called,
    )
    return Walkthrough(document, quiz=quiz)
