"""What a formula with numbers comes to, worked out from its text alone: a second opinion on the results that pages show."""

import math
import re

import numpy as np

from scratchwork.explain.document import Document, Equation
from scratchwork.explain.formula import Formula, Matrix, Number, Operator, Row, flat
from scratchwork.explain.notation import mapped

NAMES = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "erf": math.erf,
    "sign": np.sign,
    "max": max,
    "min": min,
    "abs": abs,
    "sigma": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(-abs(x))) + max(x, 0),
}
SYMBOL = r"f\(x\).*|d?[a-z]([₀-₉]+|\[[\d,]+\])"  # y₀ = x₀, and y₀ = f(x) of a layer of one's own: nothing to work out
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def exact(formula: Formula) -> str:
    """The formula's text with all digits of every number."""
    full = mapped(formula, lambda part: Number(part.value, repr(float(part.value))) if isinstance(part, Number) else None)
    return full.text()


def python(text: str) -> str:
    """The right-hand side as Python would write it."""
    text = re.split(r" (?:=|←) ", text)[-1]
    text = re.sub(r"\([\d,]+ more: ([^()]*)\)", r"(\1)", text)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: "**" + found.group().translate(RAISED), text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"√([\d.]+(?:e-?\d+)?)", r"sqrt(\1)", text).replace("√(", "sqrt(")
    return text.replace("·", "*").replace("−", "-").replace("σ", "sigma").replace("^", "**")


def evaluated(formula: Formula) -> float:
    with np.errstate(all="ignore"):
        return float(eval(python(exact(formula)), {"__builtins__": {}}, dict(NAMES)))  # texts that this library made


def matrix_value(formula: Formula) -> np.ndarray:
    """y = A · B + C for an equation between matrices."""
    parts = list(flat(formula.parts))[2:] if isinstance(formula, Row) else []
    total, sign = None, ""
    for part in parts:
        if isinstance(part, Operator):
            sign = part.sign
            continue
        assert isinstance(part, Matrix), formula.text()
        value = numbers(part)
        total = value if total is None else total @ value if sign == "·" else total + value
    assert total is not None
    return total


def numbers(matrix: Matrix) -> np.ndarray:
    return np.array([[cell.value for cell in row] for row in matrix.rows])


def check_equations(document: Document) -> list[str]:
    """Every equation with numbers and a result, worked out again; returns their texts, so that a test can ask for some."""
    seen = []
    for section in document.sections:
        for block in section.blocks:
            if not isinstance(block, Equation) or block.with_numbers is None or block.result is None:
                continue
            text = block.with_numbers.text()
            if isinstance(block.result, Matrix):
                np.testing.assert_allclose(matrix_value(block.with_numbers), numbers(block.result), rtol=1e-12, atol=1e-14)
            else:
                assert isinstance(block.result, Number)
                if re.fullmatch(SYMBOL, text.split(" = ")[-1]):
                    seen.append(text)
                    continue
                found = evaluated(block.with_numbers)
                np.testing.assert_allclose(found, block.result.value, rtol=1e-9, atol=1e-12, err_msg=f"{section.title}: {text}")
            seen.append(text)
    return seen
