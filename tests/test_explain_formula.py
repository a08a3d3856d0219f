"""Equations as they are written in docstrings, read into trees: what stands below which bar, and what is put in where."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from scratchwork.explain.document import Equation
from scratchwork.explain.formula import Big, Bracketed, Call, Fraction, Number, Power, Root, Row, Sub, Symbol
from scratchwork.explain.notation import cases, entry, matrix, put_in, read
from scratchwork.explain.parts import plain_sum, squares_of, summed
from scratchwork.explain.subjects import document_about

GENERAL = {
    "Dense": ["y = x W + b", "yⱼ = Σᵢ xᵢ W[i,j] + bⱼ", "dW = xᵀ dy", "db = dy", "dx = dy Wᵀ"],
    "Sigmoid": ["y = σ(x) = 1 / (1 + exp(−x))", "dx = dy ⊙ y (1 − y)"],
    "Tanh": ["y = tanh(x) = (exp(x) − exp(−x)) / (exp(x) + exp(−x))", "dx = dy ⊙ (1 − y²)"],
    "ReLU": ["y = max(x, 0)", "dx = { dy  if y > 0; 0  otherwise"],
    "ELU": ["y = { x  if x > 0; α (exp(x) − 1)  otherwise", "dx = { dy  if y > 0; dy ⊙ (y + α)  otherwise"],
    "GELU": ["y = x Φ(x)", "Φ(x) = ½ (1 + erf(x / √2))", "dx = dy ⊙ (Φ(x) + x φ(x))", "φ(x) = exp(−x² / 2) / √(2 π)"],
    "Softmax": ["yᵢ = exp(xᵢ) / (Σⱼ exp(xⱼ))", "∂yᵢ / ∂xⱼ = yᵢ (δ[i,j] − yⱼ)", "s = Σⱼ dyⱼ yⱼ", "dxᵢ = yᵢ (dyᵢ − s)"],
    "BatchNorm": ["μ = 1 / M Σₘ xₘ", "x̂ = (x − μ) / √(σ² + ε)", "dx = γ / √(σ² + ε) · (dy − dβ / M − x̂ dγ / M)"],
    "Dropout": ["y = (x ⊙ m) / (1 − r)", "dx = (dy ⊙ m) / (1 − r)"],
    "SoftmaxCrossEntropy": ["pₖ = exp(zₖ) / (Σⱼ exp(zⱼ))", "ℓ = −log(p_y) = m + log(S) − z_y", "∂L / ∂zₖ = pₖ − tₖ"],
    "Huber": ["eₖ = { ½ (pₖ − tₖ)²  if |pₖ − tₖ| ≤ δ; δ (|pₖ − tₖ| − δ / 2)  otherwise", "e'ₖ = clip(pₖ − tₖ, −δ, δ)"],
    "MulticlassHinge": ["mⱼ = max(0, sⱼ − s_y + Δ)", "gⱼ = { 1  if mⱼ > 0; 0  otherwise", "∂L / ∂s_y = −Σⱼ gⱼ"],
    "Adam": ["m ← β₁ m + (1 − β₁) g", "v ← β₂ v + (1 − β₂) g²", "m̂ = m / (1 − β₁ᵗ)", "w ← w − η m̂ / (√v̂ + ε)"],
}


@pytest.mark.parametrize("name", GENERAL)
def test_equations_in_general(name):
    document = document_about(name)
    told = [b.general.text() for s in document.sections for b in s.blocks if isinstance(b, Equation) and b.general is not None]
    assert set(GENERAL[name]) <= set(told)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a / b", Fraction(Symbol("a"), Symbol("b"))),
        ("(a + b) / 2", Fraction(read("a + b"), Number(2.0, "2"))),
        ("x_i", Sub(Symbol("x"), Symbol("i"))),
        ("xᵢ", Sub(Symbol("x"), Symbol("i"))),
        ("x^2", Power(Symbol("x"), Number(2.0, "2"))),
        ("x²", Power(Symbol("x"), Number(2.0, "2"))),
        ("√(a)", Root(Symbol("a"))),
        ("exp(x)", Call(Symbol("exp"), Symbol("x"))),
        ("a (x)", Row((Symbol("a"), read("a b").parts[1], Bracketed(Symbol("x"))))),
        ("1 / Σ_j x", Fraction(Number(1.0, "1"), Row((Big("Σ", Symbol("j")), Symbol("x"))))),
    ],
)
def test_what_is_read(text, tree):
    assert read(text) == tree


@pytest.mark.parametrize("text", ["(a", "a)", "", "a / ", "[a + b"])
def test_what_cannot_be_read(text):
    with pytest.raises((ValueError, IndexError)):
        read(text)


@pytest.mark.parametrize(
    ("text", "letters", "shown"),
    [
        ("a x + b", {"a": 2.0, "x": -3.0, "b": -1.0}, "2 · (−3) + (−1)"),
        ("x − y", {"x": -3.0, "y": -4.0}, "−3 − (−4)"),
        ("x^2", {"x": -3.0}, "(−3)²"),
        ("x_i x", {"x": 2.0}, "xᵢ · 2"),
        ("W^T W", {"W": 2.0}, "Wᵀ · 2"),
        ("exp(x − m)", {"x": -1.0, "m": -2.0}, "exp(−1 − (−2))"),
        ("a / b", {"a": -1.0, "b": -2.0}, "(−1) / (−2)"),
        ("max(x, y)", {"x": -1.0, "y": -2.0}, "max(−1, −2)"),
        ("a b", {"a": 1e-9, "b": 2.0}, "1×10⁻⁹ · 2"),
        ("w_0 + x", {"w_0": 5.0, "x": "y₁"}, "5 + y₁"),
    ],
)
def test_what_is_put_in(text, letters, shown):
    assert put_in(text, letters).text() == shown


def test_long_sums():
    assert summed([(1.0, 2.0), (-3.0, 4.0)], -5.0).text() == "1 · 2 + (−3) · 4 + (−5)"
    assert squares_of([3.0, -4.0]).text() == "3² + (−4)²"
    assert plain_sum([1.0] * 6).text() == "1 + 1 + 1 + 1 + 1 + 1"
    assert plain_sum([0.5, 7.0, 0.25, -9.0, 0.0, 0.0, 8.0]).text() == "7 + (−9) + 8 + (4 more: 0.75)"


def test_matrices_are_cut_in_the_middle():
    text = matrix(np.arange(1.0, 61.0).reshape(10, 6)).text()
    assert [line.strip("⎡⎢⎣⎤⎥⎦").split() for line in text.splitlines()] == [
        ["1", "2", "⋯", "6"],
        ["7", "8", "⋯", "12"],
        ["⋮", "⋮", "⋱", "⋮"],
        ["55", "56", "⋯", "60"],
    ]
    assert entry("W", (3, 12)).text() == "W[3,12]"
    assert entry("y", ()).text() == "y"


def parsed(formula):
    return ElementTree.fromstring(f"<math>{formula.mathml()}</math>")


def test_a_formula_is_mathml_with_all_digits():
    tree = parsed(put_in("y = x / (1 + exp(−x))", {"x": 0.1 + 0.2}))
    assert [part.get("data-value") for part in tree.iter("mrow") if part.get("data-value")].count("0.30000000000000004") == 2
    assert len(list(tree.iter("mfrac"))) == 1
    small = parsed(put_in("x", {"x": -1.25e-7}))
    assert "".join(small.itertext()) == "−1.25×10−7"
    assert small[0].get("data-value") == "-1.25e-07"
    assert "".join(parsed(read('"a < b & c"')).itertext()).split() == ["a", "<", "b", "&", "c"]
    assert len(list(parsed(cases("y", ("x", "x > 0"), ("0", ""))).iter("mtr"))) == 2
    assert len(list(parsed(matrix(np.eye(3))).iter("mtd"))) == 9


def test_differentials_and_hats():
    assert read("dx").mathml() == '<mrow><mi mathvariant="normal">d</mi><mi>x</mi></mrow>'
    assert "<mover" in read("x̂").mathml()
    assert read("exp").mathml() == "<mi>exp</mi>"
