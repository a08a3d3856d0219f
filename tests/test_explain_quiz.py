"""A quiz gives no answer away on the next line."""

import re

import numpy as np
import pytest

import scratchwork as sw
from scratchwork.explain.content import document_of
from scratchwork.explain.document import Equation, Prose, Rewritten
from scratchwork.explain.formula import Number
from scratchwork.explain.quiz import quizzed, telling
from scratchwork.explain.rounding import rounded
from scratchwork.explain.subjects import document_about, subjects


def made(name):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), np.array([0, 1, 2, 1, 0, 2])
    if name == "deep":
        layers = [sw.Dense(3), sw.BatchNorm(), sw.Softplus(), sw.LayerNorm(), sw.Mish(), sw.Dense(3)]
        settings = {"loss": sw.SoftmaxCrossEntropy(), "optimizer": sw.Adam(), "regularizer": sw.L2(0.1)}
        return document_of(sw.Sequential(layers), x, y, row=1, **settings)
    if name == "probabilities":
        network = sw.Sequential([sw.Dense(3), sw.Softmax()])
        optimizer = sw.SGD(0.1, momentum=0.9, nesterov=True)
        return document_of(network, x, y, loss=sw.CategoricalCrossEntropy(), optimizer=optimizer)
    return document_about(name)


@pytest.mark.parametrize("name", ["deep", "probabilities", *subjects()])
def test_no_line_tells_what_one_before_it_asked_for(name):
    document = made(name)
    asked = quizzed(document)
    assert len(asked.sections) == len(document.sections)
    for section in asked.sections:
        hidden: set[str] = set()
        for block in section.blocks:
            lines = []
            if isinstance(block, Equation):
                lines = [block.with_numbers.text() if block.with_numbers is not None else "", block.note]
            elif isinstance(block, Rewritten):
                lines = [block.fails, *(e.with_numbers.text() for e in block.here if e.with_numbers is not None)]
            elif isinstance(block, Prose) and block.role == "given":
                lines = [block.text]
            words = {word for line in lines for word in line.replace("(", " ").replace(")", " ").rstrip(".;").split()}
            assert not words & hidden, (section.title, words & hidden)
            if isinstance(block, Equation) and isinstance(block.result, Number):
                written = rounded(block.result.value)
                copied = block.general is None and not re.search("[0-9]", lines[0])  # db = dy, which is given
                if telling(written) and written not in words and not copied:  # in "1 · 0.068 = ?" it can be read
                    hidden.add(written)


def test_what_is_asked_for_stays_the_same():
    document = made("deep")
    for before, after in zip(document.sections, quizzed(document).sections, strict=True):
        for one, two in zip(before.blocks, after.blocks, strict=True):
            assert type(one) is type(two)
            if isinstance(one, Equation):
                assert (one.general, one.result) == (two.general, two.result)


def test_what_is_given_keeps_its_digits():
    """db = dy is no secret: where dy is used again it is a number, and no letter of what was asked in between."""
    network = sw.Sequential([sw.Dense(2)])
    document = quizzed(document_of(network, [[0.5, -1.25]], [1], loss=sw.SoftmaxCrossEntropy(), optimizer="sgd"))
    backward = next(section for section in document.sections if section.kind == "backward")
    lines = [block.with_numbers.text() for block in backward.blocks if isinstance(block, Equation) and block.with_numbers]
    assert any(line.startswith("dx₀ = ") for line in lines)
    assert not any("db" in line.partition("=")[2] for line in lines)


def test_letters_stand_for_what_was_asked():
    document = document_of(sw.Sequential([sw.Dense(1)]), [[0.5, -1.25]], [0.75], loss="mean_squared_error", optimizer="adam")
    texts = [
        block.with_numbers.text()
        for section in quizzed(document).sections
        for block in section.blocks
        if isinstance(block, Equation) and block.with_numbers is not None
    ]
    assert "m̂[0,0] = m[0,0] / (1 − 0.9¹)" in texts
    assert any(text.startswith("w[0,0] = ") and "m̂[0,0] / (√v̂[0,0]" in text for text in texts)
