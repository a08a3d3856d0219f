"""The arrays of a trained estimator under the names that scikit-learn gives them."""

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from ..arrays import Array
from ..errors import ShapeError
from ..layers import Dense
from ..sequential import Sequential


class Weights:
    """`coefs_` and `intercepts_`, read from the network and written into it; of an ensemble those of all networks."""

    network_: Sequential

    @property
    def coefs_(self) -> list[Array]:
        """The weight matrices, (in, out), first to last: those of the network itself."""
        return [layer.weight.value for layer in self._dense() if layer.weight is not None]

    @coefs_.setter
    def coefs_(self, weights: Any) -> None:
        _write(self.coefs_, weights, "coefs_")

    @property
    def intercepts_(self) -> list[Array]:
        """The biases, first to last: those of the network itself."""
        return [layer.bias.value for layer in self._dense() if layer.bias is not None]

    @intercepts_.setter
    def intercepts_(self, biases: Any) -> None:
        _write(self.intercepts_, biases, "intercepts_")

    def _dense(self) -> list[Dense]:
        if "network_" not in vars(self):
            raise NotFittedError(f"this {type(self).__name__} has learned nothing yet: call fit first")
        return [layer for layer in self.network_.leaves() if isinstance(layer, Dense)]


def _write(arrays: list[Array], given: Any, name: str) -> None:
    """Numbers of one's own into the network's arrays, which stay where they are."""
    values = [np.asarray(value) for value in given]
    shapes, wanted = [value.shape for value in values], [array.shape for array in arrays]
    if shapes != wanted:
        raise ShapeError(f"{name} takes arrays of the shapes {wanted}; received {shapes}")
    for array, value in zip(arrays, values, strict=True):
        array[...] = value
