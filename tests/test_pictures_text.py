"""Pictures made of characters fit a terminal and say what they should."""

import re

import numpy as np
import pytest

from scratchwork import pictures
from scratchwork.errors import ConfigurationError

RNG = np.random.default_rng(0)


def test_text_image():
    ramp = np.arange(5.0).reshape(1, 5)
    assert pictures.text_image(ramp) == "  ░░▒▒▓▓██"
    assert pictures.text_image(np.arange(4.0)).split("\n") == ["  ░░", "▓▓██"]
    assert pictures.text_image(np.zeros((2, 2))) == "\n"
    assert pictures.text_image([[np.nan, 1.0], [0.0, 1.0]]) == "??██\n  ██"
    assert pictures.text_image(np.full((2, 2, 3), 7)).count("\n") == 1
    lines = pictures.text_image(RNG.random((28, 28))).split("\n")
    assert (len(lines), max(map(len, lines))) == (28, 56)
    lines = pictures.text_image(RNG.random(8 * 8)).split("\n")
    assert (len(lines), max(map(len, lines))) == (8, 16)


def test_text_image_shrinks_by_averages():
    image = np.kron([[0.0, 4.0], [2.0, 1.0]], np.ones((40, 40)))
    lines = pictures.text_image(image).split("\n")
    assert max(map(len, lines)) <= 80
    assert lines == [" " * 40 + "█" * 40] * 20 + ["▒" * 40 + "░" * 40] * 20
    assert max(map(len, pictures.text_image(RNG.random((7, 13)), width=6).split("\n"))) <= 6
    with pytest.raises(ConfigurationError, match="width"):
        pictures.text_image(image, width=1)


@pytest.mark.parametrize("classes", [2, 3, 10, 26])
@pytest.mark.parametrize("long", [False, True])
def test_text_confusion_fits_the_terminal(classes, long):
    matrix = RNG.integers(0, 4, (classes, classes)) + 100 * np.eye(classes, dtype=int)
    names = [f"a class with a long name {i}" if long else f"c{i}" for i in range(classes)]
    lines = pictures.text_confusion(matrix, names).split("\n")
    assert max(map(len, lines)) <= 80
    assert len(lines) == classes + (1 if "mistaken for" in lines[0] else 2)
    for i, line in enumerate(lines[-classes:]):
        assert f"{100 * matrix[i, i] / matrix[i].sum():.1f} %" in line
    assert len({line.strip().split("  ")[0] for line in lines[-classes:]}) == classes  # shortened names still differ


def test_text_confusion_names_the_commonest_mistakes_and_empty_classes():
    matrix = np.diag([50] * 30)
    matrix[3, 7], matrix[3, 9], matrix[4] = 2, 5, 0
    text = pictures.text_confusion(matrix)
    assert re.search(r"^3 +57 +87\.7 % +9 \(5\), 7 \(2\)$", text, re.MULTILINE)
    assert re.search(r"^4 +0 no rows$", text, re.MULTILINE)
    names = [f"before {i} after" for i in range(10)]  # the same for all, once cut to fit a table
    assert all(name in pictures.text_confusion(np.eye(10) * 5, names) for name in names)
