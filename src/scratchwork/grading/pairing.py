"""Which array is the gradient of which parameter, and which weights and biases make up a chain of layers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise, permutations

from ..arrays import Array
from ..gradient_patterns import is_bias
from .names import canonical, is_gradient_name, plain


def pair(parameters: list[tuple[str, Array]], candidates: list[tuple[str, Array]]) -> dict[str, Array | None]:
    """The gradient of each parameter: by its name, else by the order of those whose shapes fit."""
    found: dict[str, Array | None] = {}
    taken: set[int] = set()
    for name, _ in parameters:
        own = canonical(name)
        owner = name.rpartition(".")[0]
        tests: list[Callable[[str], bool]] = [
            lambda path, own=own: canonical(path) in ("d" + own, own + "d"),  # type: ignore[misc]
            lambda path, own=own, owner=owner: (
                bool(owner)
                and path.rpartition(".")[0] == owner  # type: ignore[misc]
                and is_gradient_name(path)
                and canonical(path).lstrip("d")[:1] == own[:1]
            ),
            lambda path, own=own: canonical(path) == own and path not in dict(parameters),  # type: ignore[misc]
            lambda path, own=own: plain(path.split(".")[-1]) == "grad" + own,  # type: ignore[misc]
        ]
        for test in tests:
            hits = [number for number, (path, _) in enumerate(candidates) if number not in taken and test(path)]
            if hits:
                found[name] = candidates[hits[0]][1]
                taken.add(hits[0])
                break
    if found or not candidates:
        for name, array in parameters:
            if name not in found:
                rest = [n for n, (_, a) in enumerate(candidates) if n not in taken and a.shape == array.shape and a.ndim]
                found[name] = candidates[rest[0]][1] if len(rest) == 1 else None
                taken |= set(rest[:1])
        return found
    arrays = [array for _, array in candidates]
    for order in _orders(parameters):
        for start in range(len(arrays) - len(order) + 1):
            piece = arrays[start : start + len(order)]
            if sum(a.shape == p.shape for a, (_, p) in zip(piece, order, strict=True)) >= max(len(order) - 1, 1):
                return {name: a for (name, _), a in zip(order, piece, strict=True)}
    return {name: next((a for a in arrays if a.shape == array.shape), None) for name, array in parameters}


def _orders(parameters: list[tuple[str, Array]]) -> list[list[tuple[str, Array]]]:
    """The orders in which gradients are returned: as the parameters, backwards, weights first."""
    biases = [entry for entry in parameters if looks_like_bias(*entry)]
    weights = [entry for entry in parameters if not looks_like_bias(*entry)]
    pairs = [entry for both in zip(weights, biases, strict=False) for entry in both]
    backwards = [entry for both in zip(weights[::-1], biases[::-1], strict=False) for entry in both]
    return [parameters, parameters[::-1], weights + biases, biases + weights, pairs, backwards, weights[::-1] + biases[::-1]]


def looks_like_bias(name: str, array: Array) -> bool:
    """Whether a parameter is a bias, by its name or else by its shape."""
    text = canonical(name)
    if is_bias(name) or is_bias(text) or (text[:1] == "b" and (array.ndim == 1 or 1 in array.shape)):
        return True
    return array.ndim == 1 or (1 in array.shape and text[:1] != "w" and array.shape[0] == 1)


def chain(parameters: list[tuple[str, Array]]) -> tuple[list[str], list[str | None], str] | None:
    """The names of weights and biases in the order of the layers, and "in, out" or "out, in" for how weights lie."""
    weights = [(n, a) for n, a in parameters if a.ndim == 2 and not looks_like_bias(n, a)]
    biases = [(n, a) for n, a in parameters if looks_like_bias(n, a)]
    if not weights or len(weights) > 6 or len(weights) + len(biases) != len(parameters):
        return None
    numbers = [re.findall(r"\d+", canonical(n)) for n, _ in weights]
    if all(numbers):
        weights = [entry for _, entry in sorted(zip([int(n[-1]) for n in numbers], weights, strict=True), key=lambda e: e[0])]
    orders = [weights, *(list(p) for p in permutations(weights))] if len(weights) <= 3 else [weights]
    for order in orders:
        shapes = [a.shape for _, a in order]
        links = {
            "in, out": all(a[1] == b[0] for a, b in pairwise(shapes)),
            "out, in": all(a[0] == b[1] for a, b in pairwise(shapes)),
        }
        fits = [way for way, ok in links.items() if ok]
        for way in sorted(fits, key=lambda way: way != _way_of_biases(biases)):
            outs = [a[1] if way == "in, out" else a[0] for a in shapes]
            chosen = _biases(outs, [n for n, _ in order], biases)
            if chosen is not None:
                return [n for n, _ in order], chosen, way
    return None


def _way_of_biases(biases: list[tuple[str, Array]]) -> str:
    columns = [a for _, a in biases if a.ndim == 2 and a.shape[1] == 1 and a.shape[0] > 1]
    return "out, in" if columns else "in, out"


def _biases(outs: list[int], names: list[str], biases: list[tuple[str, Array]]) -> list[str | None] | None:
    if not biases:
        return [None] * len(outs)
    if len(biases) == len(outs):
        digits = [re.findall(r"\d+", canonical(n)) for n, _ in biases]
        if all(digits):
            biases = [e for _, e in sorted(zip([int(d[-1]) for d in digits], biases, strict=True), key=lambda e: e[0])]
        for order in (biases, biases[::-1]):
            if [a.size for _, a in order] == outs:
                return [n for n, _ in order]
    return None
