"""Where a backward begins: the usual mistakes in p − y, and the gradients that follow from each of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..arrays import Array
from .known import LossForm, Net, pull


def wrong_starts(net: Net, form: LossForm, scale: float, hot: Array) -> Iterator[tuple[str, list[tuple[Array, Array]]]]:
    """(diagnosis, (dW, db) of each layer) for a softmax with cross-entropy whose first step back has a mistake in it.

    `net` has been through its forward.
    """
    if "cross-entropy" not in form.name or hot.shape[1] < 2:
        return
    z = net.z[-1]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    raw = np.exp(np.clip(z, -300, 300))
    everywhere = np.broadcast_to(hot.max(axis=0), hot.shape)
    softmaxes = [raw / raw.sum(axis=0), raw / raw.sum(), e / e.sum(axis=0), e / e.sum()]
    starts = [("softmax axis", q - hot) for q in softmaxes]
    starts += [("one-hot", p - wrong) for wrong in (everywhere, np.roll(hot, 1, axis=1), np.roll(hot, -1, axis=1))]
    starts += [("wrong loss gradient", wrong) for wrong in (p, -hot, p + hot, p - 1, p * (p - hot), (p - hot) ** 2)]
    starts += [("activation derivative twice", (p - hot) * p * (1 - p))]
    for diagnosis, dz in starts:
        yield diagnosis, backwards(net, scale * dz)


def backwards(net: Net, dz: Array) -> list[tuple[Array, Array]]:
    """(dW, db) of each layer from the gradient of the last z on."""
    found: list[tuple[Array, Array]] = []
    for number in reversed(range(len(net.weights))):
        found.insert(0, (net.a[number].T @ dz, dz.sum(axis=0)))
        if number:
            dz = pull(net.kinds[number - 1], net.z[number - 1], dz @ net.weights[number].T)
    return found
