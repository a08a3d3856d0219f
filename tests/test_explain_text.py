"""The walkthrough in a terminal: the same blocks, in lines that fit."""

import re

import numpy as np
import pytest

from explained import DOCUMENT, LARGE
from scratchwork.errors import ConfigurationError
from scratchwork.explain.document import Block, Document, Equation, Numbers, Product, Prose, Quoted, Section, Table
from scratchwork.explain.formula import Matrix, Number, Operator, Row, Symbol
from scratchwork.explain.text import Terminal, shades, signed_shades


def told(*blocks: Block, width: int = 80, quiz: bool = False) -> str:
    return Terminal(width, quiz=quiz).document(Document("A title", (Section("A step", "a", "forward", blocks),)))


@pytest.mark.parametrize("quiz", [False, True])
@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_every_line_fits(width, quiz):
    lines = Terminal(width, quiz=quiz).document(DOCUMENT).splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)


def test_a_terminal_that_is_too_narrow_is_refused():
    with pytest.raises(ConfigurationError, match="width >= 40; received 39"):
        Terminal(39)


def test_numbers_stand_below_each_other():
    text = told(Numbers("a", np.array([[0.5, -12.0], [10.25, 0.125]]), symbol="W"))
    assert "W (2 × 2)\n    ⎡  0.5   −12     ⎤\n    ⎣ 10.25    0.125 ⎦\n" in text


def test_names_and_places_of_entries():
    text = told(Numbers("p", np.array([[0.1, 0.9]]), symbol="p", columns=("no", "certainly")))
    assert "       no  certainly\n    [ 0.1        0.9 ]\n" in text
    corners = told(Numbers("w", LARGE, symbol="W"))
    assert re.search(r"^ +0 +1 +2 +… +9 +10 +11$", corners, re.MULTILINE)
    assert re.search(r"^ +39 ⎣", corners, re.MULTILINE)
    assert corners.count("\n    ") > 15  # shades for all of it


def test_wide_arrays_are_shown_in_parts():
    names = tuple(f"a long name {i}" for i in range(8))
    text = told(Numbers("p", np.arange(8.0)[None], symbol="p", columns=names), width=60)
    assert text.count("a long name") == 8
    assert text.count("[") > 1


def test_equations_with_their_numbers():
    left = Row((Symbol("y"), Operator("="), Symbol("x"), Operator("+"), Symbol("b")))
    numbers = Row((Operator("="), Number(0.25), Operator("+"), Number(-3.0)))
    text = told(Equation(left, numbers, Number(-2.75), "so it goes"))
    assert "    y = x + b\n" in text
    assert "= 0.25 + (−3)" in text.replace("+ −3", "+ (−3)")
    assert "= −2.75   (so it goes)\n" in text
    matrices = Row((Operator("="), Matrix(tuple((Number(i), Number(2.0 * i)) for i in range(3)))))
    assert "⎡0  0⎤" in told(Equation(None, matrices))
    long = Row(tuple(part for i in range(40) for part in (Operator("+"), Number(i / 7))))
    assert max(map(len, told(Equation(None, long, Number(1.0))).splitlines())) <= 80


def test_products_and_source():
    assert "x (1 × 2) · W (2 × 3) = y (1 × 3)" in told(Product((("x", (1, 2)), ("W", (2, 3))), ("y", (1, 3))))
    quoted = Quoted("mine.py", "Mine.forward", 7, ("    if x:", "        y = " + " + ".join("abcdefgh" * 6)), (7, 11))
    text = told(quoted, quoted)
    assert "Mine.forward in mine.py, line 7" in text
    assert "   7  if x:\n   ⋮\n  11      y = a" in text
    assert text.count("if x:") == 1
    assert "quoted above" in text


def test_shades_tell_sign_and_size():
    assert signed_shades(np.array([[1.0, 0.1, 0.0, -1.0, np.nan]]), 1) == ["█  #?"]
    assert signed_shades(np.zeros((1, 3)), 2) == ["      "]
    lines = shades(np.random.default_rng(0).normal(size=(784, 10)), 76)
    assert len(lines) == 12
    assert {len(line) for line in lines} == {20}
    assert [len(line) for line in shades(np.ones(784), 76)] == [76]


def test_a_quiz_asks_first_and_answers_at_the_end():
    blocks = (
        Numbers("x", np.array([0.5]), symbol="x"),
        Equation(Symbol("y"), Number(2.0), Number(0.7654)),
        Numbers("y", np.array([0.7654]), "result", symbol="y"),
        Prose("It is 0.7654.", "result"),
        Table("t", ("entry", "new"), (("(0)", 0.7654),), hidden=(1,)),
    )
    asked, _, answers = told(*blocks, quiz=True).partition("THE ANSWERS")
    assert "0.7654" not in asked
    assert "0.5" in asked
    assert [int(number) for number in re.findall(r"\?(\d+)", asked)] == [1, 2, 3, 4]
    assert [int(number) for number in re.findall(r"^\?(\d+)", answers, re.MULTILINE)] == [1, 2, 3, 4]
    assert answers.count("0.7654") == 4
    assert "THE ANSWERS" not in told(*blocks)
