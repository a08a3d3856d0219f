"""Transformers one after the other, and the table of them all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Array, numeric_array
from ..data.table import Table
from ..errors import ConfigurationError, FileFormatError, look_up
from .base import Transformer
from .categories import OneHot
from .decorrelation import PCA, Whiten
from .robust import RobustScale, SmoothClip
from .scaling import MeanSubtraction, MinMax, Rescale, Standardize
from .tables import TableEncoder


class Chain(Transformer):
    """Transformers in a row: each is fitted on what those before it make of the training rows.

    ::

        Forward   y = f_k(… f₂(f₁(x)))
        Inverse   x = f₁⁻¹(f₂⁻¹(… f_k⁻¹(y)))

    Parameters
    ----------
    steps : sequence of Transformer
        First to last; none at all is allowed and changes nothing. What `config` gives for a step is accepted too, so that
        `Chain(**chain.config())` makes an equal chain, not yet fitted.

    Raises
    ------
    ConfigurationError
        For a step that is no transformer.

    Examples
    --------
    >>> chain = Chain([Rescale(1 / 255), MeanSubtraction("scalar")]).fit([[0, 255], [255, 0]])
    >>> chain.transform([[0, 255]])
    array([[-0.5,  0.5]], dtype=float32)
    >>> chain.state()
    {'1.mean_': array(0.5)}
    """

    def __init__(self, steps: Sequence[Transformer | Mapping[str, Any]]) -> None:
        if isinstance(steps, Transformer | str) or not isinstance(steps, Sequence):
            raise ConfigurationError(f"Chain needs a list of transformers; received {steps!r}")
        self.steps = [step if isinstance(step, Transformer) else self._made(step) for step in steps]

    @staticmethod
    def _made(step: Any) -> Transformer:
        if not isinstance(step, Mapping) or set(step) != {"name", "config"} or not isinstance(step["config"], Mapping):
            raise ConfigurationError(f"each step of a Chain is a transformer, such as Standardize(); received {step!r}")
        kind = look_up(step["name"], TRANSFORMERS, "transformer")
        try:
            return kind(**step["config"])
        except TypeError as error:
            raise ConfigurationError(f"the settings {dict(step['config'])} are not those of {kind.__name__}: {error}") from None

    def fit(self, x: ArrayLike) -> "Chain":
        for step in self.steps[:-1]:
            x = step.fit_transform(x)
        for step in self.steps[-1:]:
            step.fit(x)
        return self

    def fit_transform(self, x: ArrayLike) -> Array:
        for step in self.steps:
            x = step.fit_transform(x)
        return numeric_array(x, "x")

    def transform(self, x: ArrayLike) -> Array:
        for step in self.steps:
            x = step.transform(x)
        return numeric_array(x, "x")

    def inverse_transform(self, y: ArrayLike) -> Any:
        for step in reversed(self.steps):
            y = step.inverse_transform(y)
        return y if isinstance(y, Table) else np.asarray(y)  # may be text, where OneHot comes first

    @property
    def fitted(self) -> bool:
        return all(step.fitted for step in self.steps)

    def config(self) -> dict[str, Any]:
        return {"steps": [{"name": type(step).__name__, "config": step.config()} for step in self.steps]}

    def __str__(self) -> str:
        """Each step as it shows itself, a `TableEncoder` as the table of what becomes of each column."""
        return "\n".join(str(step) for step in self.steps) or "rows are taken as they are"

    def state(self) -> dict[str, Array]:
        """The state of every step, each name with the step's number in front: `0.mean_`."""
        return {f"{i}.{name}": array for i, step in enumerate(self.steps) for name, array in step.state().items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        parts: list[dict[str, Array]] = [{} for _ in self.steps]
        for name, array in state.items():
            number, _, rest = name.partition(".")
            if not number.isdecimal() or int(number) >= len(parts) or not rest:
                raise FileFormatError(f"the state of {self!r} has no place for {name!r}")
            parts[int(number)][rest] = array
        for step, part in zip(self.steps, parts, strict=True):
            step.load_state(part)


TRANSFORMERS: dict[str, type[Transformer]] = {
    kind.__name__: kind
    for kind in (
        MeanSubtraction,
        Standardize,
        MinMax,
        Rescale,
        RobustScale,
        SmoothClip,
        PCA,
        Whiten,
        OneHot,
        TableEncoder,
        Chain,
    )
}
