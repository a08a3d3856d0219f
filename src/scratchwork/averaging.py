"""The average of several networks: as a network, and in the units that a loss takes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .arrays import Array
from .errors import ConfigurationError
from .layers import Average, Layer, Parallel, Sigmoid, Softmax
from .sequential import Sequential

ENDS: dict[str | None, type[Layer]] = {"softmax": Softmax, "sigmoid": Sigmoid}


def average(networks: Sequence[Sequential], link: str | None = None) -> Sequential:
    """One network that predicts the mean of trained ones; it shares their layers, so that training them on changes it.

    ::

        link "softmax", "sigmoid"   y = (1/K) Σₖ link(fₖ(x))     each network gets that layer at its end, and y is a probability
        any other                   y = (1/K) Σₖ fₖ(x)

    A `Model` of it has the link `averaged_link(link)`, and needs nothing else: predict, save, load and prepared calls take it
    as they take any network.

    Raises ConfigurationError or NotBuiltError for what is no list of built networks, ShapeError for outputs of different
    widths.
    """
    networks = checked_networks(networks)
    ends = ENDS.get(link)
    members: list[Layer] = []
    for network in networks:
        member = network if ends is None else Sequential([*network.layers, ends()])
        if ends is not None:
            member.shapes, member.dtype = [network.in_shape, *network.shapes[1:], network.out_shape], network.dtype
        members.append(member)
    together, mean = Parallel(members), Average(len(members))
    wide = together.joined([network.out_shape for network in networks])
    result = Sequential([together, mean])
    result.shapes, result.dtype = [networks[0].in_shape, wide, networks[0].out_shape], networks[0].dtype
    result.epochs_seen, result.steps_seen = networks[0].epochs_seen, networks[0].steps_seen
    return result


def averaged_link(link: str | None) -> str | None:
    """The link of an average: "identity" where it gives probabilities, else that of its networks."""
    return "identity" if link in ENDS else link


def combined(outputs: Sequence[Array] | Array, link: str | None) -> Array:
    """What several networks give, averaged as `average` does and said again in the units of one: what a loss takes.

    ::

        "softmax"   zⱼ = log (1/K) Σₖ softmax(zₖ)ⱼ          whose softmax is the mean probability
        "sigmoid"   z = log p̄ − log(1 − p̄),  p̄ = (1/K) Σₖ σ(zₖ)
        any other   z = (1/K) Σₖ zₖ

    Numerics: all in logarithms, so that no probability is rounded to 0 or 1 on the way.

    >>> combined([np.array([[0.0, 0.0]]), np.array([[0.0, np.log(3.0)]])], "softmax").round(3)
    array([[-0.981, -0.47 ]])
    """
    z = np.stack(outputs) if isinstance(outputs, Sequence) else np.asarray(outputs)
    if len(z) == 1:
        only: Array = z[0]
        return only
    if link == "softmax":
        shifted = z - z.max(axis=-1, keepdims=True)
        return log_mean_exp(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
    if link == "sigmoid":
        small = np.log1p(np.exp(-np.abs(z)))
        return log_mean_exp(np.minimum(z, 0) - small) - log_mean_exp(np.minimum(-z, 0) - small)
    mean: Array = z.mean(axis=0)
    return mean


def log_mean_exp(z: Array) -> Array:
    """log (1/K) Σₖ exp(zₖ) over the first axis, without overflow."""
    largest = z.max(axis=0)
    result: Array = largest + np.log(np.exp(z - largest).mean(axis=0))
    return result


def checked_networks(networks: Any) -> list[Sequential]:
    """A list of networks that share no layer, or a ConfigurationError."""
    if isinstance(networks, Layer | str) or not isinstance(networks, Iterable):
        raise ConfigurationError(f"networks is a list of Sequentials; received {networks!r}")
    found = list(networks)
    if not found or not all(isinstance(network, Sequential) for network in found):
        raise ConfigurationError(f"networks is a list of at least one Sequential; received {found!r}")
    leaves = [id(leaf) for network in found for leaf in network.leaves()]
    if len(set(leaves)) < len(leaves):
        raise ConfigurationError("a layer stands in two networks: make layers for each, [build_network() for _ in range(K)]")
    return found
