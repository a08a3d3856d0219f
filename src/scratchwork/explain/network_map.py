"""The map at the top of a page: forward above, backward below it, the loss where they meet, every tile a link."""

from __future__ import annotations

import re
from html import escape

from .document import Section

ROWS = {"input": 1, "forward": 1, "loss": 1, "backward": 2, "update": 3}
TILES = re.compile(r"The parameters of layer ([\d.]+)$")
CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
UNBROKEN, MOST_LETTERS = 12, 28
MOST_ACROSS = 6
"""Columns that fit side by side; a longer network runs downwards, as on a phone."""


def network_map(sections: tuple[Section, ...]) -> str:
    """A list of links in the order of the computation, laid out as the network; empty where there is no network to map."""
    placed = [section for section in sections if section.kind in ROWS]
    if not any(section.kind == "forward" for section in placed):
        return ""
    columns = _columns(placed)
    backward = [section.anchor for section in placed if section.kind == "backward"]
    first_backward = min(backward, key=lambda anchor: columns[anchor], default="")
    seen: set[tuple[int, int]] = set()
    items = []
    for section in placed:
        row, column = 2 if section.anchor == "prediction" else ROWS[section.kind], columns[section.anchor]
        while (row, column) in seen:  # what belongs to no layer: after the loss
            column += 1
        seen.add((row, column))
        kind = section.kind
        arrow = {"input": "to", "forward": "to", "backward": "back"}.get(kind, "")
        if section.anchor in (first_backward, "prediction") or "-" in _suffix(section):
            arrow = ""  # nothing comes after it; or it is a part of another, and what comes after it may stand beside it
        title = TILES.sub(r"Layer \1: parameters", section.title).replace("Back through l", "L")
        name, _, detail = title.replace("How far each parameter went", "every parameter").partition(": ")
        label = f"<b>{_tile(detail or name)}</b><small>{escape(name if detail else kind)}</small>"
        link = f'<a href="#{escape(section.anchor)}">{label}</a>'
        items.append(f'<li class="{kind} {arrow}" style="--c:{column + 1};--r:{row}">{link}</li>')
    tall = " tall" if max(columns.values()) + 1 > MOST_ACROSS else ""
    key = "".join(
        f'<li class="{kind}"><span></span>{words}</li>'
        for kind, words in (
            ("forward", "forward: from the row to the prediction"),
            ("loss", "the loss: how wrong it is"),
            ("backward", "backward: what each number has to do with it"),
            ("update", "update: one step of the optimizer"),
        )
        if any(section.kind == kind for section in placed)
    )
    return f'<nav class="map{tall}" aria-label="Map of the network"><ol>{"".join(items)}</ol></nav><ul class="key">{key}</ul>'


def _tile(name: str) -> str:
    """A name as a tile shows it: without empty brackets, and a long one ready to be broken before a capital."""
    text = escape(short(name.removesuffix("()")))
    return CAPITALS.sub("<wbr>", text) if len(text) > UNBROKEN else text


def short(name: str) -> str:
    """A name that a tile can hold: long settings give way to an ellipsis.

    >>> short("Dense(3)"), short("Dense(3, weight_initializer='zeros')"), short("categorical cross-entropy")
    ('Dense(3)', 'Dense(3, …)', 'categorical cross-entropy')
    """
    if len(name) <= MOST_LETTERS:
        return name
    kind, opening, settings = name.partition("(")
    if opening and len(kind) < MOST_LETTERS - 6:
        first = settings.partition(",")[0]
        return f"{kind}({first}, …)" if len(kind) + len(first) < MOST_LETTERS - 4 and "," in settings else f"{kind}(…)"
    return name[: MOST_LETTERS - 1] + "…"


def _columns(placed: list[Section]) -> dict[str, int]:
    """Where each section stands: layers in their order, backward and update below the layer that they belong to."""
    found: dict[str, int] = {}
    suffixes: dict[str, int] = {}
    column = 0
    for kind in ("input", "forward", "loss"):
        for section in placed:
            if section.kind == kind and section.anchor != "prediction":
                found[section.anchor] = column
                suffixes[_suffix(section)] = column
                column += 1
    for section in placed:
        if section.anchor not in found:
            found[section.anchor] = suffixes.get(_suffix(section), column - 1)
    return found


def _suffix(section: Section) -> str:
    """What anchors of one layer have in common: forward-2, backward-2 and update-2 end alike."""
    return section.anchor.removeprefix(section.kind).lstrip("-/")
