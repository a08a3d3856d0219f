"""The small functions of a program: activations, their derivatives, one-hot rows, and how the weights begin."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays import Array
from .binding import required
from .hints import Book, departure
from .known import act, activation_word, is_derivative, kinds_of, one_hot, pull, slope
from .loading import Program, ProgramError
from .names import plain
from .pairing import looks_like_bias
from .subject import Subject, first_array

Z = np.random.default_rng(11).normal(size=(6, 4)) * 1.5


def check_helpers(program: Program, book: Book) -> None:
    """Every function whose name speaks of an activation, and one-hot encoders."""
    derivatives = []
    for name, function in program.functions.items():
        word = activation_word(name)
        arguments = required(function)
        if re.search(r"one_?hot|to_categorical", name.lower()):
            check_one_hot(program, book, name, function)
        elif word is None or re.search(
            r"loss|cost|entropy|train|model|init|layer|net|linear_|affine|forward_prop", name.lower()
        ):
            continue
        elif is_derivative(name):
            derivatives.append((name, function, word, len(arguments)))
        elif len(arguments) == 1 and word not in ("linear",):
            check_activation(program, book, name, function, word)
    for name, function, word, count in derivatives:
        if count == 1 and word != "softmax":
            check_derivative(program, book, name, function, word)
        elif count == 2:
            check_pull(program, book, name, function, word)


def near(a: Array | None, b: Array) -> bool:
    """Whether they agree; the tolerance lets an ε of 1e-7 pass."""
    return a is not None and a.shape == b.shape and bool((np.abs(a - b) <= 1e-5 * max(1.0, float(np.abs(b).max()))).all())


def is_leaky(z: Array, a: Array) -> bool:
    """Whether it is z above 0 and a constant part of z below."""
    if a.shape != z.shape or not near(a[z > 0], z[z > 0]):
        return False
    ratio = a[z < 0] / z[z < 0]
    return bool(ratio.size == 0 or (np.ptp(ratio) < 1e-6 and 0 < ratio.flat[0] < 1))


def right_activation(word: str, z: Array, a: Array | None) -> bool:
    """Whether a is this activation of z; of a softmax along either axis, or over everything where there is one sample."""
    if a is None:
        return False
    if word == "leaky relu":
        return is_leaky(z, a)
    if word == "softmax":
        whole = np.exp(z) / np.exp(z).sum()
        return near(a, act(word, z)) or near(a, act(word, z.T).T) or near(a, whole)
    if word == "elu" and a.shape == z.shape:
        return near(a[z > 0], z[z > 0]) and bool((a[z < 0] < 0).all())
    return any(near(a, act(kind, z)) for kind in kinds_of(word))


def softmax_of_another_axis(z: Array, a: Array | None) -> bool:
    """Whether a is e^z, divided by sums that mix the samples: log a − z is a number for its row plus one for its column."""
    if a is None or a.shape != z.shape or not (a > 0).all() or not np.isfinite(a).all():
        return False
    rest = np.log(a) - z
    return near(rest, rest.mean(axis=0) + rest.mean(axis=1, keepdims=True) - rest.mean())


def check_activation(program: Program, book: Book, name: str, function: Callable[..., Any], word: str) -> None:
    """Its values, what it does to its argument, and softmax at large numbers."""
    handed = Z.copy()
    try:
        given = first_array(program.call(function, handed))
    except ProgramError as error:
        if error.kind == "hangs":
            book.error(f"{word} is right", name, error)
        return
    if given is None or (word == "softmax" and given.shape != Z.shape):
        return
    if right_activation(word, Z, given):
        book.passed(f"{word} is right", name)
    else:
        right = act(kinds_of(word)[0], Z)
        text = f"{name} does not compute {word}"
        mixed = word == "softmax" and softmax_of_another_axis(Z, given)
        diagnosis = "softmax axis" if mixed else "wrong activation"
        book.failed(f"{word} is right", name, diagnosis, text, 2.0, departure(name, "result", given, right))
    if not np.array_equal(handed, Z):
        book.failed("its argument is left alone", name, "inputs changed", f"{name} overwrites the array that it is handed")
    if word in ("softmax", "sigmoid"):
        try:
            large = first_array(program.call(function, Z + 5000.0 if word == "softmax" else Z * 5000.0))
        except ProgramError:
            return
        if large is not None and not np.isfinite(large).all():
            book.failed(f"{word} at large numbers", name, f"{word} overflow", f"{name} gives nan at numbers of 5000", 2.0)
        else:
            book.passed(f"{word} at large numbers", name)


def check_derivative(program: Program, book: Book, name: str, function: Callable[..., Any], word: str) -> None:
    """f'(z), or the same as a function of a = f(z)."""
    fits = []
    given = None
    for kind in kinds_of(word):
        z, right = Z, slope(kind, Z)
        for argument in (z, act(kind, z)):
            try:
                given = first_array(program.call(function, argument.copy()))
            except ProgramError:
                return
            if given is not None and given.shape == right.shape and near(given * 1.0, right):
                fits.append(kind)
    if given is None or given.shape != Z.shape:
        return
    own = first_array(program.call(function, Z.copy()))
    if word == "leaky relu" and own is not None and is_leaky(Z, own * Z):
        fits.append(word)
    if word == "elu":
        return
    if fits:
        book.passed(f"derivative of {word}", name)
    else:
        text = f"{name} is the derivative of {word} neither at z nor as a function of the output a"
        right = slope(kinds_of(word)[0], Z)
        book.failed(
            f"derivative of {word}", name, "wrong activation derivative", text, 2.0, departure(name, "result", own, right)
        )


def check_pull(program: Program, book: Book, name: str, function: Callable[..., Any], word: str) -> None:
    """A derivative that is handed what comes back and z (or a, or the output): relu_backward(dA, Z)."""
    dy = np.random.default_rng(12).normal(size=Z.shape)
    dy[np.abs(Z) > 2.5] = 0.5
    results, wrote = [], False
    for kind in kinds_of(word):
        right = pull(kind, Z, dy)
        for other in (Z, act(kind, Z)):
            for pair in ((dy, other), (other, dy)):
                try:
                    handed = [array.copy() for array in pair]
                    given = first_array(program.call(function, *handed))
                except ProgramError:
                    continue
                if given is not None and given.shape == right.shape:
                    results.append((given, right))
                    wrote |= near(given, right) and not all(map(np.array_equal, handed, pair))
    if wrote:
        book.failed(f"{name} leaves its arguments alone", name, "inputs changed", f"{name} writes to what it is handed")
    if not results or word in ("elu", "linear"):
        return
    if any(near(given, right) for given, right in results) or (word == "leaky relu"):
        book.passed(f"derivative of {word}", name)
    else:
        text = f"{name} does not multiply what comes back by the derivative of {word}"
        kind = "missing activation derivative" if near(results[0][0], dy) else "wrong activation derivative"
        book.failed(f"derivative of {word}", name, kind, text, 2.0, departure(name, "result", *results[0]))


def check_one_hot(program: Program, book: Book, name: str, function: Callable[..., Any]) -> None:
    """Row (or column) i has its one 1 at the label."""
    labels = np.array([2, 0, 1, 3, 1, 0, 2])
    right = one_hot(labels, 4)
    for arguments in ((labels,), (labels, 4), (4, labels)):
        try:
            given = first_array(program.call(function, *(np.array(a) if isinstance(a, np.ndarray) else a for a in arguments)))
        except ProgramError:
            continue
        if given is None or given.size < right.size:
            continue
        if given.shape[0] == 1 or given.ndim == 3:
            given = given.reshape(given.shape[-2:])
        if given.ndim == 2 and len(labels) in given.shape:  # a default of ten classes has columns of its own, empty here
            right = one_hot(labels, max(4, given.size // len(labels)))
        if near(given, right) or near(given, right.T):
            book.passed("one-hot rows", name)
        else:
            at = departure(name, "result", given, right if given.shape == right.shape else right.T)
            book.failed("one-hot rows", name, "one-hot", f"{name} puts the 1 of a label elsewhere", 2.0, at)
        return


def looks_like_weight(path: str, a: Array) -> bool:
    """Whether an array is a matrix of weights, also one for a single output."""
    return not looks_like_bias(path, a) or plain(path.split(".")[-1]).startswith("w")


def check_start(subject: Subject, book: Book) -> None:
    """The weights as the program makes them: no two arrays in one, no units that are equal."""
    name = subject.name("init") or type(subject.holder).__name__
    weights = [(path, a) for path, a in subject.raw if a.ndim == 2 and 1 not in a.shape and a.dtype.kind == "f"]
    if not weights:
        return
    for number, (path, a) in enumerate(weights):
        for other, b in weights[:number]:
            if a is b or np.shares_memory(a, b):
                text = f"{other} and {path} are one array: a step of one moves the other"
                book.failed("the start of the weights", name, "shared weights", text, 2.0)
                return
    last = [path for path, a in subject.raw if a.ndim == 2 and looks_like_weight(path, a)][-1:]
    still = [path for path, a in weights if path not in last and a.size > 1 and np.ptp(a) == 0]
    if still:
        text = f"{still[0]} starts with one number everywhere: all units of the layer stay equal"
        book.failed("the start of the weights", name, "zero initialization", text, 2.0)
    else:
        book.passed("the start of the weights", name)
