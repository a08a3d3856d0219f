"""A chain of layers, which is a layer itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .arrays import Array, Shape, require_finite
from .errors import ConfigurationError, NotBuiltError, ShapeError
from .layers import Layer
from .parameter import FlatParameters, Parameter, flatten
from .sparse_rows import RowsOf, SciPySparse, SparseRows, fed, in_dtype, numbers_of, rows_of

Caches: TypeAlias = list[Any]
ENGINES = ("auto", "numpy", "compiled")
MOST_AXES = 64  # of a NumPy array, the batch axis among them


class Sequential(Layer):
    """Layers one after the other: the output of one is the input of the next.

    ::

        Forward    x₀ = x      xᵢ = fᵢ(xᵢ₋₁)          y = x_k
        Backward   d_k = dy    dᵢ₋₁ = (∂fᵢ/∂xᵢ₋₁)ᵀ dᵢ    dx = d₀        (the chain rule, from the last layer to the first)

    It is a `Layer`, so a Sequential may stand inside another.

    Parameters
    ----------
    layers : iterable of Layer
        Each object once: a layer that stood twice would overwrite its own gradient.

    Raises
    ------
    ConfigurationError
        When `layers` is no list, is empty, holds something that is no layer, or one object twice (inside another, too).

    Examples
    --------
    >>> import numpy as np
    >>> from scratchwork import Dense, ReLU
    >>> network = Sequential([Dense(3), ReLU(), Dense(2)])
    >>> network.build((4,))
    (2,)
    >>> network.predict(np.zeros((5, 4))).shape
    (5, 2)
    >>> print(network.summary())
    layer                     output shape      parameters
    0  Dense(3)               (N, 3)                    15
    1  ReLU()                 (N, 3)                     0
    2  Dense(2)               (N, 2)                     8
    total                                               23
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        if isinstance(layers, Layer | str | type) or not isinstance(layers, Iterable):
            raise ConfigurationError(f"Sequential takes a list of layers, Sequential([...]); received {layers!r}")
        self.layers: list[Layer] = list(layers)
        if not self.layers:
            raise ConfigurationError("Sequential needs at least one layer, received none")
        for index, layer in enumerate(self.layers):
            if isinstance(layer, type) and issubclass(layer, Layer):
                raise ConfigurationError(
                    f"layer {index} is the class {layer.__name__}: write {layer.__name__}() to make a layer of it"
                )
            if not isinstance(layer, Layer):
                raise ConfigurationError(f"layer {index} is {layer!r}, which is no Layer")
        seen: set[int] = set()
        for layer in self.leaves():
            if id(layer) in seen:
                raise ConfigurationError(f"{layer!r} stands in the network twice: make a second one")
            seen.add(id(layer))
        self.shapes: list[Shape] = []  # of rows: the input's, then each layer's output; empty until built
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.epochs_seen = 0  # over all calls of fit: which shuffling comes next
        self.steps_seen = 0  # over all calls of fit: which dropout masks come next
        self._flat: FlatParameters | None = None

    # -- building ------------------------------------------------------------------------------------------------

    def build(self, in_shape: Shape | int, rng: np.random.Generator | int = 0, dtype: DTypeLike = np.float32) -> Shape:
        """Create all parameters for rows of shape `in_shape`; `rng` is a seed or a generator.

        Every layer gets a generator of its own, so that changing one layer leaves the start of the others as it was.
        """
        sizes = in_shape if isinstance(in_shape, tuple | list) else (in_shape,)
        if not 0 < len(sizes) < MOST_AXES or any(
            isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1 for n in sizes
        ):
            raise ConfigurationError(f"in_shape is the shape of one row, such as 784 or (28, 28); received {in_shape!r}")
        if dtype not in (np.float32, np.float64, "float32", "float64", float):
            raise ConfigurationError(f"a network computes in float32 or float64, not in {dtype!r}")
        if not isinstance(rng, np.random.Generator) and not is_seed(rng):
            raise ConfigurationError(f"rng is a seed, a whole number of at least 0, or a NumPy Generator; received {rng!r}")
        generators = np.random.default_rng(rng).spawn(len(self.layers))
        self.dtype, self.shapes, self._flat = np.dtype(dtype), [], None  # not built, should a layer refuse
        shapes: list[Shape] = [tuple(int(size) for size in sizes)]
        for index, (layer, generator) in enumerate(zip(self.layers, generators, strict=True)):
            try:
                shape = layer.build(shapes[-1], generator, self.dtype)
            except (ShapeError, ConfigurationError) as error:
                raise self._located(error, index) from error
            if not isinstance(shape, tuple):
                raise ConfigurationError(
                    f"layer {index}, {layer!r}: build gave {shape!r} instead of the shape of its output rows"
                )
            shapes.append(shape)
        self.shapes = shapes
        self.epochs_seen = self.steps_seen = 0
        return shapes[-1]

    @property
    def built(self) -> bool:
        """Whether the layers have their parameters."""
        return bool(self.shapes)

    @property
    def in_shape(self) -> Shape:
        """The shape of one input row."""
        return self._built_shapes()[0]

    @property
    def out_shape(self) -> Shape:
        """The shape of one output row."""
        return self._built_shapes()[-1]

    def sublayers(self) -> Sequence[Layer]:
        return self.layers

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        for index, layer in enumerate(self.layers):
            for name, parameter in layer.parameters():
                yield f"{index}.{name}", parameter

    def buffers(self) -> Iterator[tuple[str, Array]]:
        for index, layer in enumerate(self.layers):
            for name, buffer in layer.buffers():
                yield f"{index}.{name}", buffer

    def flat(self) -> FlatParameters:
        """All parameters as one vector, moved there where they are not yet (see `scratchwork.parameter`)."""
        self._built_shapes()
        parameters = [parameter for _, parameter in self.parameters()]
        ordered = [p for p in parameters if p.decay] + [p for p in parameters if not p.decay]
        if self._flat is None or not self._flat.holds(ordered):
            self._flat = flatten(parameters, self.dtype)
        return self._flat

    # -- the three verbs -----------------------------------------------------------------------------------------

    def takes_sparse(self) -> bool:
        return True  # where its first layer does not, it makes a batch of arrays

    def forward(self, x: RowsOf, *, training: bool = False, step: int = 0) -> tuple[Array, Caches]:
        self.check_rows(x)
        rows = fed(x, self.layers[0].takes_sparse())
        caches: Caches = []
        for index, layer in enumerate(self.layers):
            try:
                result = layer.forward(rows, training=training, step=step)
            except ShapeError as error:
                raise self._located(error, index) from error
            if not isinstance(result, tuple) or len(result) != 2:
                raise ConfigurationError(f"layer {index}, {layer!r}: forward gave no pair (y, cache)")
            rows, cache = result
            caches.append(cache)
        return rows, caches

    def backward(self, dy: Array, cache: Caches, *, need_dx: bool = True) -> Array | None:
        if dy.shape[1:] != self.out_shape or dy.ndim == 0:  # a wrong shape might be broadcast on its way down
            expected = str(("N", *self.out_shape)).replace("'", "")
            raise ShapeError(f"backward takes dy of the shape that the network gives, {expected}; received {dy.shape}")
        first = 0 if need_dx else self._first_with_parameters()
        for index in range(len(self.layers) - 1, first - 1, -1):
            try:
                dx = self.layers[index].backward(dy, cache[index], need_dx=need_dx or index > first)
            except ShapeError as error:
                raise self._located(error, index) from error
            if index > first:
                if dx is None or dx.shape != (len(dy), *self.shapes[index]):
                    found = "None" if dx is None else f"shape {dx.shape}"
                    wrong = ShapeError(f"backward gives dx of {found}, expected {(len(dy), *self.shapes[index])}")
                    raise self._located(wrong, index)
                dy = dx
        return dx if need_dx else None

    # -- use -----------------------------------------------------------------------------------------------------

    def predict(self, x: ArrayLike | SciPySparse, *, batch_size: int = 1024, engine: str = "numpy") -> Array:
        """What the last layer gives for `x`, computed `batch_size` rows at a time without dropout: (N, outputs).

        `x` is an array, or a SciPy sparse matrix; of that, no more than a batch is ever written out with all its zeros, and
        nothing where the first layer is `Dense`.

        `engine` is "numpy", "compiled" for the compiled path (`scratchwork.engine`), or "auto" for that where Numba is there
        and every layer known to it. Both give the same to rounding; the compiled one, in up to four threads, gives a row the
        same bits whatever the batch and the threads are.

        Raises ShapeError for rows of another shape than the network was built for, DataError for NaN and infinities; under
        "compiled", MissingDependencyError without Numba and ConfigurationError for unknown layers. No rows give no rows.
        """
        if engine not in ENGINES:
            raise ConfigurationError(f"engine is one of {', '.join(map(repr, ENGINES))}; received {engine!r}")
        rows = rows_of(x, "x")
        self.check_rows(rows)
        if not isinstance(rows, SparseRows):
            require_finite(rows, "x")
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ConfigurationError(f"batch_size is a whole number of at least 1; received {batch_size!r}")
        if engine != "numpy":
            from .engine.choice import prediction

            outputs = prediction(self, rows, int(batch_size), required=engine == "compiled")
            if outputs is not None:
                return outputs
        starts = range(0, max(len(rows), 1), batch_size)
        pieces = (in_dtype(rows[start : start + batch_size], self.dtype, "x") for start in starts)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite in the result, for all to see
            parts = [self.forward(piece)[0] for piece in pieces]
        if len(parts) > 1:
            return np.concatenate(parts)
        return parts[0].copy() if np.may_share_memory(numbers_of(rows), parts[0]) else parts[0]  # Flatten hands back a view

    def check_rows(self, x: RowsOf, name: str = "x") -> None:
        """Raise ShapeError, with the likely cause, where the rows of `x` are not what the network was built for."""
        if x.shape[1:] != self._built_shapes()[0] or x.ndim == 0:
            raise self._wrong_input(x.shape, name)

    def prepared(self) -> Callable[[ArrayLike], Array]:
        """A quick call for single rows, on the compiled path: `call = network.prepared(); call(row)`.

        It takes one row, alone or as a batch of one, and gives what `predict` gives, to rounding.

        Raises MissingDependencyError without Numba, ConfigurationError for layers that the compiled path does not know.
        """
        from .engine.choice import prepared_row  # Numba is imported when there is something for it to do

        self._built_shapes()
        return prepared_row(self)

    def summary(self) -> str:
        """A table of layers, output shapes and numbers of parameters."""
        if self.built:
            self._built_shapes()
        rows = [("layer", "output shape", "parameters")]
        total = 0
        for index, layer in enumerate(self.layers):
            count = sum(parameter.value.size for _, parameter in layer.parameters()) if self.built else 0
            total += count
            shape = "not built" if not self.built else str(("N", *self.shapes[index + 1])).replace("'", "")
            rows.append((f"{index}  {layer!r}", shape, f"{count:,}" if self.built else "?"))
        rows.append(("total", "", f"{total:,}" if self.built else "?"))
        widths = [max(24, *(len(row[0]) for row in rows)), max(16, *(len(row[1]) for row in rows)), 12]
        return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}{c:>{widths[2]}}" for a, b, c in rows)

    def __call__(self, x: ArrayLike) -> Array:
        return self.predict(x)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Layer:
        return self.layers[index]

    def __repr__(self) -> str:
        return f"Sequential([{', '.join(map(repr, self.layers))}])"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_flat": None}  # a copy's parameters live elsewhere

    # -- errors --------------------------------------------------------------------------------------------------

    def _built_shapes(self) -> list[Shape]:
        if not self.shapes:
            raise NotBuiltError("the network has no parameters yet: call fit(), or build(in_shape) with the shape of one row")
        if len(self.shapes) != len(self.layers) + 1:
            raise ConfigurationError("the list of layers was changed after the network was built: build it again")
        return self.shapes

    def _first_with_parameters(self) -> int:
        """The first layer with parameters: below it no gradient is needed when dx is not."""
        for index, layer in enumerate(self.layers):
            if next(iter(layer.parameters()), None) is not None:
                return index
        return len(self.layers)

    def _located(self, error: Exception, index: int) -> Exception:
        return type(error)(f"layer {index}, {self.layers[index]!r}: {error}")

    def _wrong_input(self, received: Shape, name: str) -> ShapeError:
        expected = ("N", *self.shapes[0])
        cause = ""
        if received == self.shapes[0]:
            cause = f": one row needs a batch axis, write {name}[None]"
        elif len(received) == 2 and received[0:1] == self.shapes[0]:
            cause = f": rows are samples and columns are features, is {name} transposed?"
        elif len(received) > 1 and int(np.prod(received[1:])) == int(np.prod(self.shapes[0])):
            cause = f": as many numbers in another shape, reshape {name} or begin the network with Flatten() or Reshape()"
        return ShapeError(
            f"the network was built for {name} of shape {expected}, received {received}{cause}".replace("'N'", "N")
        )


def is_seed(value: Any) -> bool:
    """Whether `value` is a whole number of at least 0."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 0
