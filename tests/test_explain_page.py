"""The page of a walkthrough: whole, still, readable by people and by programs, whatever stands in it."""

import base64
import re
import xml.etree.ElementTree as ElementTree
import zlib
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from explained import DOCUMENT, LARGE, SECTIONS
from scratchwork.explain.cells import grid_of
from scratchwork.explain.document import Document, Numbers, Section
from scratchwork.explain.heatmaps import brightness, heat_map, png, signed_picture
from scratchwork.explain.page import page
from scratchwork.explain.rounding import paddings_of

VOID = {"meta", "img", "br", "link", "input", "rect", "wbr"}


class Reader(HTMLParser):
    """Every start tag with its attributes and depth; raises where tags do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


RNG = np.random.default_rng(6)


@pytest.fixture(scope="module", params=[False, True], ids=["whole", "quiz"])
def text(request) -> str:
    return page(DOCUMENT, quiz=request.param)


def test_tags_close_in_order_and_nothing_comes_from_elsewhere(text):
    read = Reader(text)
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "form", "base"})
    for _, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "action"):
            if name in attributes:
                assert str(attributes[name]).startswith(("#", "data:image/png;base64,"))
    assert not re.search(r"https?:|@import|url\(", text)
    policy = [a["content"] for a in read.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_a_reader_finds_the_way(text):
    read = Reader(text)
    assert read.all("html")[0]["lang"] == "en"
    assert "<title>A &lt;title&gt; &amp; more</title>" in text
    for landmark in ("main", "header", "footer", "nav", "h1"):
        assert read.all(landmark)
    levels = [int(tag[1]) for tag, _ in read.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    names = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(names) == len(set(names))
    links = [str(attributes["href"]) for attributes in read.all("a")]
    assert {link.removeprefix("#") for link in links} <= set(names)
    assert {f"#{section.anchor}" for section in SECTIONS} <= set(links)
    assert links[0] == "#steps"  # past the map, for whoever goes through the page with the keyboard
    assert all(attributes.get("alt") for attributes in read.all("img"))
    assert all(attributes.get("aria-label") for attributes in read.all("svg"))
    assert "width=device-width" in text


def test_every_number_shown_stands_there_with_all_its_digits(text):
    table = re.search(r'data-name="forward/0/weight" data-shape="40,12">(.*?)</table>', text, re.DOTALL)
    assert table is not None
    cells = re.findall(r'data-i="(\d+),(\d+)" data-value="([^"]+)"', table[1])
    assert len(cells) == 36
    assert all(float(value) == LARGE[int(i), int(j)] for i, j, value in cells)
    assert {int(i) for i, _, _ in cells} == {0, 1, 2, 37, 38, 39}
    result = re.search(r'data-name="forward/0/y"(.*?)</table>', text, re.DOTALL)
    assert result is not None
    assert re.findall(r'data-value="([^"]+)"', result[1]) == ["0.5", "-1.25e-09", "inf"]
    assert "−1.25×10⁻⁹" in result[1]


def test_equations_are_well_formed(text):
    found = re.findall(r"<math.*?</math>", text)
    assert found
    for formula in found:
        ElementTree.fromstring(formula)


def test_source_is_quoted_once_and_linked_to_after_that(text):
    assert text.count("<pre>") == 1
    assert text.count('href="#source-1"') == 1
    assert "if x &lt; y:" in text
    assert '<span class="ln">⋮</span>' in text  # the line in between was left out


def test_a_quiz_folds_results_and_nothing_else():
    whole, quiz = page(DOCUMENT), page(DOCUMENT, quiz=True)
    assert "answer" not in whole.partition("<body>")[2]
    assert quiz.count('<details class="answer') == 2 * 4 + 3 + 1  # y, an equation, a total, a table; twice; and the rest
    folded = re.sub(r'<details class="answer.*?</details>', "", quiz, flags=re.DOTALL)
    assert 'data-name="forward/0/weight"' in folded
    assert 'data-name="forward/0/y"' not in folded
    for hidden in ("0.75", "1e-09", "-0.25", "−0.25"):
        assert hidden not in folded.partition("<body>")[2]
    assert "<td>?</td>" in folded


def test_the_map_puts_the_steps_of_a_layer_together():
    text = page(DOCUMENT)
    places = re.findall(r'<li class="(\w+) \w*" style="--c:(\d+);--r:(\d+)"><a href="#([\w-]+)">', text)
    where = {anchor: (int(column), int(row)) for _, column, row, anchor in places}
    assert [where[name][0] for name in ("input", "forward-0", "forward-1", "loss")] == [1, 2, 3, 4]
    for kind, row in (("forward", 1), ("backward", 2), ("update", 3)):
        assert where[f"{kind}-0"] == (2, row)
    assert where["backward-1"] == (3, 2)


# Pictures


def decoded(data: bytes) -> np.ndarray:
    """The pixels of a PNG without filters, read by its definition; those of a palette as colours with opacity."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, found = 8, {}
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        name, content = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        checksum = int.from_bytes(data[position + 8 + length : position + 12 + length], "big")
        assert checksum == zlib.crc32(name + content)
        found[name] = content
        position += 12 + length
    width, height = int.from_bytes(found[b"IHDR"][:4], "big"), int.from_bytes(found[b"IHDR"][4:8], "big")
    lines = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    pixels = lines[:, 1:].reshape(height, width, -1)
    if found[b"IHDR"][9] == 3:
        colours, opacity = np.frombuffer(found[b"PLTE"], np.uint8).reshape(-1, 3), np.frombuffer(found[b"tRNS"], np.uint8)
        return np.concatenate([colours, opacity[:, None]], axis=1)[pixels[..., 0]]
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3), (1, 1, 4), (1, 300)])
def test_a_png_holds_the_pixels(shape):
    pixels = RNG.integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(decoded(png(pixels)), pixels)


def drawn(address: str) -> np.ndarray:
    return decoded(base64.b64decode(address.removeprefix("data:image/png;base64,")))


def test_colours_tell_sign_and_size():
    colours = drawn(signed_picture(np.array([[1.0, -1.0, 0.0, 0.25, np.nan, np.inf]])))[0]
    assert colours[0, 3] == 255
    assert colours[1, 3] == 255
    assert colours[2, 3] == 0
    assert 0 < colours[3, 3] < 255
    assert (colours[0, :3] == colours[3, :3]).all()
    assert not (colours[0, :3] == colours[1, :3]).all()
    assert colours[4].tolist() == [0, 0, 0, 255]
    assert brightness(np.array([[0.0, 2.0, 1.0]])).tolist() == [[0, 255, 128]]
    assert brightness(np.zeros((1, 2))).tolist() == [[0, 0]]


def test_a_large_array_becomes_a_small_picture():
    assert len(heat_map(RNG.normal(size=(5000, 3000)))) < 50_000
    assert len(heat_map(RNG.normal(size=(784, 10)))) < 10_000


# Numbers in columns


def test_decimal_points_stand_below_each_other():
    grid = grid_of(np.array([[1.5, 2.0], [-10.125, 0.3333333], [3.0, 1e-9]]))
    for column in range(2):
        cells = [row[column] for row in grid.cells]
        after = {
            len((cell.text + cell.padding).partition(".")[2]) for cell in cells if cell is not None and "×" not in cell.text
        }
        assert len(after) == 1
    assert paddings_of(["1", "2"]) == ["", ""]
    assert paddings_of(["NaN", "0.5", "∞"]) == ["", "", ""]


@pytest.mark.parametrize("shape", [(), (3,), (20,), (1, 1), (2, 3, 4), (0, 3), (9, 9)])
def test_arrays_of_any_shape(shape):
    array = RNG.normal(size=shape)
    grid = grid_of(array)
    shown = [cell for row in grid.cells for cell in row if cell is not None]
    assert all(array[cell.index] == cell.value for cell in shown)
    text = page(Document("t", (Section("s", "s", "input", (Numbers("a", array),)),)))
    assert text.count("data-value") == len(shown)
    Reader(text)
