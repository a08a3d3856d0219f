"""Numbers as a reader meets them: few digits, and decimal points below each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

SUPERSCRIPTS = str.maketrans("0123456789+-−()=nTt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾⁼ⁿᵀᵗ")
SUBSCRIPTS = str.maketrans("0123456789+-−()=aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎₌ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")


def rounded(value: float) -> str:
    """A number as a reader meets it: four digits that count, whole numbers whole, 1.2×10⁻⁷ for what is small or large.

    >>> rounded(0.123456), rounded(-3.0), rounded(12345.678), rounded(1.2e-7), rounded(float("inf"))
    ('0.1235', '−3', '12346', '1.2×10⁻⁷', '∞')
    >>> rounded(9999.7)
    '10000'
    """
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if value == int(value) and size < 1e7:
        written = str(int(value))
    elif 1e-4 <= size < 1e7:
        written = f"{value:.{max(4, len(str(int(size))))}g}"
        if "e" in written:  # 9999.7, which rounds to one digit more
            written = f"{value:.0f}"
    else:
        mantissa, exponent = f"{value:.3e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        written = f"{mantissa}×10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return written.replace("-", "−")


def paddings_of(texts: Sequence[str]) -> list[str]:
    """What is missing after each number so that the decimal points of all stand below each other.

    >>> paddings_of(["0.25", "−3", "12.5", "1.2×10⁻⁷"])
    ['', '.00', '0', '']
    """
    tails = [_tail(text) for text in texts]
    longest = max((len(tail) for tail in tails if tail is not None), default=0)
    fill = "." + "0" * (longest - 1) if longest else ""
    return ["" if tail is None else fill[len(tail) :] for tail in tails]


def _tail(text: str) -> str | None:
    """The point and what follows it; None for what has no place in a column of decimals."""
    if "×" in text or not text.lstrip("−").replace(".", "", 1).isdigit():
        return None
    return "".join(text.partition(".")[1:])
