"""A walkthrough as one HTML page: complete in itself, readable without a script, on paper, in the dark and on a phone."""

from __future__ import annotations

from html import escape
from itertools import groupby

from .._version import __version__
from .document import Document, ImageProduct, Section
from .network_map import network_map
from .page_blocks import Blocks
from .style import STYLE
from .wording import prose

PHASES = {
    "input": ("The row", "What goes in."),
    "forward": ("Forward", "From the row to the prediction, one layer after the other."),
    "loss": ("The loss", "How wrong the prediction is, in one number."),
    "backward": ("Backward", "From the loss back to every parameter: what a small change of each number would do to the loss."),
    "update": ("Update", "One step of the optimizer: every parameter moves against its gradient."),
    "subject": ("The equations", ""),
    "example": ("An example with numbers", ""),
    "check": ("The check", ""),
}

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: nothing from anywhere."""


def page(document: Document, *, quiz: bool = False) -> str:
    """The whole page; with `quiz` every result lies behind a fold."""
    shapes = [block.image.shape for section in document.sections for block in section.blocks if isinstance(block, ImageProduct)]
    blocks = Blocks(quiz=quiz, picture=shapes[0] if shapes else None)
    summary = "".join(blocks.html(paragraph) for paragraph in document.summary)
    drawn = network_map(document.sections)
    back = "to the map" if drawn else "to the top"
    body = "\n".join(
        _phase(kind, list(sections), blocks, back)
        for kind, sections in groupby(document.sections, key=lambda section: section.kind)
    )
    game = (
        "<p>Every result is folded away: work it out with pencil and paper first, then open the fold "
        "(click, or Tab to it and press Enter).</p>"
        if quiz
        else ""
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="scratchwork {__version__}">
<title>{escape(document.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#steps">Skip to the steps</a>
<header id="top">
<p class="eyebrow">scratchwork, the work shown</p>
<h1>{prose(document.title)}</h1>
{summary}{game}
</header>
{drawn}
<main id="steps">
{body}
</main>
<footer>
<p>Numbers are shown with four digits that count and calculated with all of them: point at one to read it in full.
Tints and heat maps: <span class="tint plus">above 0</span>, <span class="tint minus">below 0</span>, the stronger the
further away.</p>
<p>Made by scratchwork {__version__}.</p>
</footer>
</body>
</html>
"""


def _phase(kind: str, sections: list[Section], blocks: Blocks, back: str) -> str:
    title, words = PHASES[kind]
    intro = f"<p>{words}</p>" if words else ""
    inside = "\n".join(_section(section, blocks, back) for section in sections)
    return f'<div class="phase {kind}">\n<h2>{title}</h2>{intro}\n{inside}\n</div>'


def _section(section: Section, blocks: Blocks, back: str) -> str:
    anchor = escape(section.anchor)
    tone = ' class="backward"' if section.kind == "example" and section.title.startswith("Backward") else ""
    title = f'<h3 id="{anchor}-title">{prose(section.title)}</h3>'
    return (
        f'<section{tone} id="{anchor}" aria-labelledby="{anchor}-title">\n'
        f'<header>{title}<p class="top"><a href="#top">{back}</a></p></header>\n{blocks.all_of(section.blocks)}\n</section>'
    )
