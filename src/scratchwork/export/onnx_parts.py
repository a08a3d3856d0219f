"""Building an ONNX graph: nodes, constants and names, and the functions of `Elementwise` as nodes."""

from collections.abc import Collection
from typing import Any

import numpy as np

from ..arrays import Array

PLAIN = (17, 8)
"""Operator set and IR version of every graph that needs no newer: old runtimes take it."""

WITH_GELU = (20, 9)
"""Where Gelu is an operator."""

ML = 3
"""Version of the operator set of ai.onnx.ml."""

NATIVE = {
    "sigmoid": ("Sigmoid", None),
    "tanh": ("Tanh", None),
    "relu": ("Relu", None),
    "exp": ("Exp", None),
}
"""Functions with an operator that ONNX Runtime has in float32 and float64."""

NATIVE_FLOAT = {
    "leaky_relu": ("LeakyRelu", "alpha"),
    "elu": ("Elu", "alpha"),
    "selu": ("Selu", None),
    "softplus": ("Softplus", None),
}
"""Functions with an operator that ONNX Runtime has in float32 alone, or whose settings are float32."""


class Graph:
    """Nodes and constants that grow; every method that adds one gives the name of its result."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.taken = frozenset(taken)
        """Names of inputs, which nothing else may have."""

        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.ml = False
        self.gelu = False
        self.scaled = False
        """Whether a product came before, so that numbers are of the size that networks work with."""

        self._known: dict[tuple[bytes, str, tuple[int, ...]], str] = {}

    def node(self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node with one output."""
        from onnx import helper

        name = output or self._free(f"y{len(self.nodes)}")
        self.ml |= domain == "ai.onnx.ml"
        self.gelu |= operator == "Gelu"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain or None, **attributes))
        return name

    def _free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        return name

    def constant(self, value: Any, dtype: Any) -> str:
        """An array or a number as an initializer; an equal one is there once."""
        from onnx import numpy_helper

        array: Array = np.array(value, dtype, order="C")
        key = (array.tobytes(), array.dtype.str, array.shape)
        if key not in self._known:
            self._known[key] = self._free(f"c{len(self.constants)}")
            self.constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def texts(self, values: list[str]) -> str:
        """A constant of strings."""
        from onnx import TensorProto, helper

        name = self._free(f"c{len(self.constants)}")
        data: Any = [value.encode() for value in values]
        self.constants.append(helper.make_tensor(name, TensorProto.STRING, [len(values)], data))
        return name

    def cast(self, x: str, dtype: str) -> str:
        """The same numbers in another type."""
        from onnx import TensorProto

        kinds = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int64": TensorProto.INT64}
        return self.node("Cast", x, to=kinds[dtype])

    def function(self, name: str, x: str, parameter: float, dtype: str) -> str:
        """A function of `Elementwise`."""

        def c(value: float) -> str:
            return self.constant(value, dtype)

        native = NATIVE.get(name) or (NATIVE_FLOAT.get(name) if dtype == "float32" else None)
        if native is not None:
            operator, attribute = native
            settings: dict[str, Any] = {} if attribute is None else {attribute: parameter}
            return self.node(operator, x, **settings)
        if name == "step":
            return self.cast(self.node("Greater", x, c(0.0)), dtype)
        if name == "leaky_relu":
            return self.node("Max", x, self.node("Mul", x, c(parameter)))
        if name in ("elu", "selu"):
            scale, alpha = (1.0, parameter) if name == "elu" else (1.0507009873554805, 1.6732632423543772)
            below = self.node("Sub", self.node("Exp", self.node("Min", x, c(0.0))), c(1.0))
            above = self.node("Mul", self.node("Relu", x), c(scale))
            return self.node("Add", above, self.node("Mul", below, c(scale * alpha)))
        if name == "softplus":
            small = self.node("Exp", self.node("Neg", self.node("Abs", x)))
            return self.node("Add", self.node("Relu", x), self.node("Log", self.node("Add", small, c(1.0))))
        if name == "silu":
            return self.node("Mul", x, self.node("Sigmoid", x))
        if name == "mish" and dtype == "float32":
            return self.node("Mul", x, self.node("Tanh", self.node("Softplus", x)))
        if name == "mish":
            e = self.node("Exp", self.node("Min", x, c(40.0)))
            n = self.node("Mul", e, self.node("Add", e, c(2.0)))
            return self.node("Mul", x, self.node("Div", n, self.node("Add", n, c(2.0))))
        if name == "smooth_clip":
            share = self.node("Div", x, c(parameter))
            root = self.node("Sqrt", self.node("Add", self.node("Mul", share, share), c(1.0)))
            return self.node("Div", x, root)
        return self._gelu(x, dtype, approximate=name == "gelu_tanh")

    def _gelu(self, x: str, dtype: str, *, approximate: bool) -> str:
        """The operator in float32; in float64, which the runtime lacks, its formula with Erf in float32."""
        if dtype == "float32":
            return self.node("Gelu", x, approximate="tanh" if approximate else "none")

        def c(value: float) -> str:
            return self.constant(value, dtype)

        if approximate:  # of numbers cut to ±20, whose cubes no float overflows
            z = self.node("Max", self.node("Min", x, c(20.0)), c(-20.0))
            cube = self.node("Mul", self.node("Mul", z, z), self.node("Mul", z, c(0.044715)))
            inside = self.node("Tanh", self.node("Mul", self.node("Add", z, cube), c(0.7978845608028654)))
        else:
            small = self.cast(self.node("Mul", x, c(0.7071067811865476)), "float32")
            inside = self.cast(self.node("Erf", small), dtype)
        return self.node("Mul", x, self.node("Mul", self.node("Add", inside, c(1.0)), c(0.5)))
