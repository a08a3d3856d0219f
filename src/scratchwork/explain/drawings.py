"""Drawings of a page: products as boxes, arrays as heat maps, and a neuron's weights beside the picture that it sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import numpy as np

from ..arrays import Shape
from .document import ImageProduct, Numbers, Product, laid_out
from .heatmaps import brightness, data_uri, drawn_size, extent_of, heat_map, signed_picture
from .rounding import rounded
from .wording import prose


def heat_map_of(block: Numbers, picture: Shape | None) -> str:
    """An array as an image element; what has as many numbers as a row of pixels is laid out like the picture."""
    array = np.asarray(block.array, np.float64)
    if picture is not None and array.size == math.prod(picture):  # a row of pixels, or the gradient of one
        array = array.reshape(picture).sum(axis=2) if len(picture) == 3 else array.reshape(picture)
    rows, columns = laid_out(array).shape
    width, height = drawn_size((rows, columns))
    symbol = block.symbol or block.name.rsplit("/", 1)[-1]
    words = f"Heat map of {symbol}, {rows} by {columns} numbers; full colour is {rounded(extent_of(array))} away from 0"
    return (
        f'<img class="map-img" src="{heat_map(array)}" width="{width}" height="{height}" '
        f'alt="{escape(words)}" title="{escape(words)}">'
    )


def product(block: Product) -> str:
    """Matrices as boxes whose sides grow with the logarithm of their lengths; the lengths that must agree stand out."""
    shapes = [(name, _two(shape)) for name, shape in (*block.factors, block.result)]
    top = 34.0
    height = max(_side(shape[0]) for _, shape in shapes)
    x, drawn, last = 14.0 + 7.0 * len(f"{shapes[0][1][0]:,}"), [], len(shapes) - 1
    for i, (name, (rows, columns)) in enumerate(shapes):
        wide, tall = _side(columns), _side(rows)
        y = top + (height - tall) / 2
        inner_left, inner_top = ("size inner" if agrees else "size" for agrees in (0 < i < last, i < last - 1))
        made = ' class="made"' if i == last else ""
        drawn.append(
            f'<rect{made} x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{tall:.0f}" rx="2"/>'
            f'<text class="{inner_top}" x="{x + wide / 2:.0f}" y="{y - 5:.0f}">{columns:,}</text>'
            f'<text class="{inner_left}" x="{x - 6:.0f}" y="{y + tall / 2 + 4:.0f}" '
            f'style="text-anchor:end">{rows:,}</text>'
            f'<text x="{x + wide / 2:.0f}" y="{top + height + 18:.0f}">{escape(name)}</text>'
        )
        x += wide
        if i < last:
            sign = "=" if i == last - 1 else "·"
            drawn.append(f'<text x="{x + 14:.0f}" y="{top + height / 2 + 5:.0f}" style="font-size:16px">{sign}</text>')
            x += 28 + 7.0 * len(f"{shapes[i + 1][1][0]:,}") + 6
    words = " times ".join(f"{name} {r} by {c}" for name, (r, c) in shapes[:-1])
    name, (rows, columns) = shapes[-1]
    words += f" gives {name} {rows} by {columns}"
    width, tall = x + 30, top + height + 26
    return (
        f'<div class="product"><svg role="img" aria-label="{escape(words)}" width="{width:.0f}" height="{tall:.0f}" '
        f'viewBox="0 0 {width:.0f} {tall:.0f}">{"".join(drawn)}</svg></div>'
    )


def _two(shape: Shape) -> tuple[int, int]:
    if len(shape) == 0:
        return 1, 1
    return (1, shape[0]) if len(shape) == 1 else (math.prod(shape[:-1]), shape[-1])


def _side(length: int) -> float:
    return 16.0 + 8.0 * math.log2(max(length, 1))


def image_product(block: ImageProduct, hide: Callable[[str, str], str]) -> str:
    """The input, the weights laid out like it, and their product entry by entry, as three pictures."""
    image = np.asarray(block.image, np.float64)
    height, width = image.shape[:2]
    neuron, _, words = block.neuron.partition(": ")
    pictures = [
        ("", data_uri(brightness(image)), "the input", f"{height} by {width} pixels"),
        (" signed", _signed(block.weights), f"the weights of {neuron}", "vermilion above 0, blue below"),
        (" signed", _signed(block.product), "their product, entry by entry", "what speaks for the neuron, and against it"),
    ]
    side = 176 / max(height, width)
    drawn = [
        f'<figure class="picture{kind}"><img src="{source}" width="{round(side * width)}" height="{round(side * height)}" '
        f'alt="Picture of {escape(title)}: {text}"><figcaption>{escape(title)}</figcaption></figure>'
        for kind, source, title, text in pictures
    ]
    number = f'<b data-name="{escape(block.name)}/total" data-value="{float(block.total)!r}">{rounded(block.total)}</b>'
    words = words or f"the sum of the product is {rounded(block.total)}; the bias comes on top of it"
    sentence = prose(words[0].upper() + words[1:] + ".").replace(rounded(block.total), number, 1)
    return (
        f'<div class="pictures">{drawn[0]}<span class="sign">·</span>{drawn[1]}<span class="sign">=</span>{drawn[2]}</div>'
        f"{hide('the sum of the product', f'<p>{sentence}</p>')}"
    )


def _signed(values: object) -> str:
    array = np.asarray(values, np.float64)
    if array.ndim == 3:  # colours: what the three channels weigh together
        array = array.sum(axis=2)
    return signed_picture(array)
