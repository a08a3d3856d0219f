"""The affine layer: every product with a weight matrix in the library is this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..arrays import Array, Shape
from ..errors import ConfigurationError, ShapeError
from ..initializers import Initializer, resolve_initializer
from ..parameter import Parameter
from ..regularizers import Constraint, Regularizer
from ..sparse_rows import RowsOf, SparseRows
from .base import Layer, not_built, rate_factor

Cache: TypeAlias = RowsOf


class Dense(Layer):
    """A fully connected layer: each output is a weighted sum of all inputs, plus a bias.

    ::

        Forward    y = x W + b
        Backward   dx = dy Wᵀ      dW = xᵀ dy      db = Σₙ dyₙ
        Shapes     x (N, D_in)   W (D_in, D_out)   b (D_out,)   y (N, D_out)
        Cost       2·N·D_in·D_out flop forward, twice that backward

    Affine only: an activation is a layer of its own (`ReLU`, `Tanh`, ...), so that there is one affine backward.

    As the first layer of a network it takes sparse rows as they are: with K numbers in each row that are not 0, a product
    costs 2·N·K·D_out flop. The gradient and the update of W touch all of W all the same, since moments and penalties do.

    Parameters
    ----------
    units : int ≥ 1
        D_out, the number of outputs.
    weight_initializer : Initializer or name
        How W starts; the default "he_normal" draws N(0, 2/D_in), made for ReLU.
    bias_initializer : Initializer or name
        How b starts; "zeros" by default, `initializers.Constant(0.01)` for the small positive start.
    use_bias : bool
        False leaves b out.
    weight_regularizer, bias_regularizer : Regularizer, optional
        Penalties of this layer's own, in place of the one given to `fit`.
    weight_constraint : Constraint, optional
        For example `MaxNorm(3.0)`: projects each neuron's incoming weights after every step.
    weight_learning_rate_factor, bias_learning_rate_factor : float ≥ 0
        Multiply the optimizer's learning rate for W or b; 0 keeps it as it started.

    Raises
    ------
    ConfigurationError
        When `units` is not a whole number of at least 1, or a factor is negative.
    ShapeError
        When the input is not a batch of flat rows, or its width is not the one the layer was built for.

    References
    ----------
    Rumelhart, Hinton, Williams (1986), "Learning representations by back-propagating errors", Nature 323, 533–536.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dense(2, weight_initializer="zeros", bias_initializer="ones")
    >>> layer.build((3,), np.random.default_rng(0), np.float64)
    (2,)
    >>> y, cache = layer.forward(np.array([[1.0, 2.0, 3.0]]))
    >>> y
    array([[1., 1.]])
    >>> dx = layer.backward(np.array([[1.0, -1.0]]), cache)
    >>> layer.weight.grad
    array([[ 1., -1.],
           [ 2., -2.],
           [ 3., -3.]])
    """

    weight: Parameter | None = None
    bias: Parameter | None = None

    def __init__(
        self,
        units: int,
        *,
        weight_initializer: Initializer | str = "he_normal",
        bias_initializer: Initializer | str = "zeros",
        use_bias: bool = True,
        weight_regularizer: Regularizer | None = None,
        bias_regularizer: Regularizer | None = None,
        weight_constraint: Constraint | None = None,
        weight_learning_rate_factor: float = 1.0,
        bias_learning_rate_factor: float = 1.0,
    ) -> None:
        if isinstance(units, bool) or not isinstance(units, int | np.integer) or units < 1:
            raise ConfigurationError(f"Dense needs a whole number of units, at least 1; received {units!r}")
        self.units = int(units)
        self.weight_initializer = resolve_initializer(weight_initializer)
        self.bias_initializer = resolve_initializer(bias_initializer)
        self.use_bias = bool(use_bias)
        self.weight_regularizer = weight_regularizer
        self.bias_regularizer = bias_regularizer
        self.weight_constraint = weight_constraint
        self.weight_learning_rate_factor = rate_factor(weight_learning_rate_factor, "Dense needs weight_learning_rate_factor")
        self.bias_learning_rate_factor = rate_factor(bias_learning_rate_factor, "Dense needs bias_learning_rate_factor")

    def build(self, in_shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> Shape:
        if len(in_shape) != 1:
            raise ShapeError(
                f"Dense takes flat rows of shape (N, D) and was built for rows of shape {in_shape}: put Flatten() before it"
            )
        shape = (in_shape[0], self.units)
        self.weight = Parameter(
            self.weight_initializer(shape, rng, dtype),
            regularizer=self.weight_regularizer,
            constraint=self.weight_constraint,
            learning_rate_factor=self.weight_learning_rate_factor,
        )
        self.bias = None
        if self.use_bias:
            value = self.bias_initializer((self.units,), rng, dtype)
            factor = self.bias_learning_rate_factor
            self.bias = Parameter(value, decay=False, regularizer=self.bias_regularizer, learning_rate_factor=factor)
        return (self.units,)

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        if self.weight is not None:
            yield "weight", self.weight
        if self.bias is not None:
            yield "bias", self.bias

    def takes_sparse(self) -> bool:
        return type(self) is Dense  # what inherits from it may look at x in ways of its own

    def forward(self, x: RowsOf, *, training: bool = False, step: int = 0) -> tuple[Array, Cache]:
        if self.weight is None:
            raise not_built(self)
        if x.ndim != 2 or x.shape[1] != self.weight.value.shape[0]:
            raise ShapeError(f"expected x of shape (N, {self.weight.value.shape[0]}), received {x.shape}")
        weight = self.weight.value
        y: Array = x.times(weight) if isinstance(x, SparseRows) else np.matmul(x, weight)
        if self.bias is not None:
            y += self.bias.value
        return y, x

    def backward(self, dy: Array, cache: Cache, *, need_dx: bool = True) -> Array | None:
        if self.weight is None:
            raise not_built(self)
        x = cache
        if dy.shape != (len(x), self.weight.value.shape[1]):
            raise ShapeError(f"expected dy of shape {(len(x), self.weight.value.shape[1])}, received {dy.shape}")
        if isinstance(x, SparseRows):
            self.weight.grad[...] = x.turned_times(dy)
        else:
            np.matmul(x.T, dy, out=self.weight.grad)
        if self.bias is not None:
            np.add.reduce(dy, axis=0, out=self.bias.grad)
        return np.matmul(dy, self.weight.value.T) if need_dx else None
