"""Rows that are handed to `predict`, held against those of training: which change of them would make them alike?

Every guess is measured: the rows are turned back by it, and their distance from the mean row of training, in units of each
feature's spread, tells whether it was right. A guess counts where it brings unlike rows to where training rows are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, Shape
from ..errors import ShapeError
from ..row_profile import RowProfile, size_of
from ..sparse_rows import SparseRows
from .findings import Diagnosis, Finding, found

ENDS = 24  # rows, in which a column shows its ends
USUAL = tuple(f for one in (255.0, 127.5, 16.0, 10.0, 100.0, 1000.0) for f in (one, 1 / one))
OTHER_SIZE = 2.0
SOME = 8  # rows, from which a spread can be told
SHOWN = (1.3, 0.87, 8.0), (1.5, 0.7, 5.0)  # (times the usual distance, share of it that is left, standard errors)
ROWS = 256  # are looked at, evenly spread
BETTER = 0.75  # times the distance of the rows as they are
HANDICAP = 0.2
LEAST = 0.3  # of the usual distance: who is nearer to the mean row than training rows are is no such row
REACH = 4  # pixels in each direction
FAR = 8.0  # standard deviations of a feature
SAME = 0.1  # how far a factor is from 1 where it is no other scale


@dataclass(frozen=True)
class Guess:
    """What may have been done to rows, and the rows with it undone."""

    code: str
    what: str
    fix: str
    rows: Array
    known: Array | None = None  # which features it says something of; None: all
    exact: bool = False  # whether it was fitted to the rows, so that it has to be right and not only better
    bold: bool = False  # whether a guess that is nearly as good is the better one
    subtle: bool = False  # whether many rows may show it that are, each alone, not unlike those of training


def compare(
    profile: RowProfile, rows: Any, *, names: Sequence[str] | None = None, image_shape: Shape | None = None
) -> Diagnosis:
    """SW1201 to SW1203 for rows that are not like those of training; nothing where they are.

    Raises ShapeError for rows of another shape.
    """
    if math.prod(rows.shape[1:]) != math.prod(profile.shape):
        expected = str(("N", *profile.shape)).replace("'", "")
        raise ShapeError(f"the model was trained on rows of shape {expected}; received {rows.shape}")
    if not len(rows):
        return Diagnosis()
    if len(rows) > ROWS:
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, ROWS).astype(np.int64))]
    flat = profile.chosen(rows)
    if not np.isfinite(flat).all():
        bad = int((~np.isfinite(flat)).any(axis=1).sum())
        cause = f"{bad} of {len(flat)} rows hold NaN or infinities, and no row of training did"
        return Diagnosis([found("SW1203", cause, "fill or remove them as for training", rows=bad)])
    return Diagnosis(
        _by_feature(profile, flat, names, rest_alike=True)
        or _by_size(profile, flat)
        or _by_ends(profile, flat)
        or _by_guess(profile, flat, _all_guesses(profile, rows, flat, image_shape or profile.shape))
        or _by_feature(profile, flat, names)
    )


def _all_guesses(profile: RowProfile, rows: Any, flat: Array, shape: Shape) -> Iterator[Guess]:
    yield from _inversions(profile, flat)
    yield from _scalings(profile, flat)
    yield from _movements(profile, rows, flat, shape)


def _by_guess(profile: RowProfile, flat: Array, guesses: Iterator[Guess]) -> list[Finding]:
    if not (profile.spread > 1e-6 * np.abs(profile.mean)).any():
        return []  # all rows of training were the same, and nothing tells how another one may differ
    here, (usual, rare, most) = profile.distance(flat), profile.distances.tolist()
    distance, few = float(here.mean()), len(flat) < SOME
    allowed = usual + (rare - usual) * max(1.0 / math.sqrt(len(flat)), 0.25) if len(flat) > 2 else 1.1 * most
    measured = [(profile.distance(guess.rows, guess.known), guess) for guess in guesses]
    for undone, guess in sorted(measured, key=lambda pair: float(pair[0].mean()) * (1.0 + HANDICAP * pair[1].bold)):
        best = float(undone.mean())
        mine = here if guess.known is None else profile.distance(flat, guess.known)  # what moved in from outside is unknown
        gain = best / max(float(mine.mean()), 1e-30)
        if gain > 0.95 or best < LEAST * usual or (guess.exact and not _as_wide(profile, guess.rows)):
            continue
        limit = min(allowed, max(rare, usual)) if guess.exact else max(min(allowed, rare), 0.5 * distance)
        surely = distance > allowed and gain < BETTER and best <= limit
        if surely or (guess.subtle and not few and _plain(distance / max(usual, 1e-30), gain, _paired(mine - undone))):
            return [_finding(profile, flat, guess, distance, best)]
    return []


def _as_wide(profile: RowProfile, undone: Array) -> bool:
    """Whether rows vary as those of training do: whatever shrinks them brings them nearer to the mean row, too."""
    if len(undone) < SOME:
        return True
    wide = math.sqrt(float((undone.var(axis=0) / profile.scale**2).mean()))
    own = math.sqrt(float((profile.spread**2 / profile.scale**2).mean()))
    return 0.4 * own < wide < 2.5 * own


def _plain(distance: float, gain: float, surely: float) -> bool:
    """Whether a movement shows in the mean of many rows. One class alone may look like a movement of all, a little."""
    return any(distance > far and gain < better and surely > sure for far, better, sure in SHOWN)


def _paired(gain: Array) -> float:
    """How many standard errors a mean gain is above 0."""
    return float(gain.mean()) / max(float(gain.std()) / math.sqrt(len(gain)), 1e-30)


def _finding(profile: RowProfile, flat: Array, guess: Guess, distance: float, best: float) -> Finding:
    usual = float(profile.distances[0])
    cause = (
        f"{guess.what}: as they are, the rows are {distance:.3g} from the mean row of training (training rows: {usual:.3g}), "
        f"and with that undone {best:.3g}"
    )
    numbers: dict[str, Any] = {
        "distance": distance,
        "distance_undone": best,
        "distance_of_training": usual,
        "range": [float(flat.min()), float(flat.max())],
        "range_of_training": list(profile.range),
        "rows": len(flat),
    }
    return found(guess.code, cause, guess.fix, **numbers)


def _by_size(profile: RowProfile, flat: Array) -> list[Finding]:
    """SW1203 for rows that are, as a whole, far smaller or larger than any of training."""
    least, usual, largest = profile.sizes.tolist()
    size = float(np.median(size_of(flat)))
    low, high = profile.range
    mirrored = profile.distance(low + high - flat).mean() <= profile.distances[1]
    if usual <= 0 or size <= 0 or mirrored or least / OTHER_SIZE <= size <= OTHER_SIZE * largest or 1 / 4 < size / usual < 4:
        return []
    factor = size / usual
    near = min(USUAL, key=lambda one: abs(math.log(factor / one)))
    known = near if abs(math.log(factor / near)) < 0.5 else float(f"{factor:.2g}")
    text = f"multiplied by {known:g}" if known >= 1 else f"divided by {1 / known:g}"
    cause = (
        f"the inputs are not scaled as in training, it looks as if they were {text}: they reach from {flat.min():.4g} to "
        f"{flat.max():.4g}, and in training from {low:.4g} to {high:.4g}"
    )
    fix = f"scale the rows as those of training: {'divide' if known >= 1 else 'multiply'} by {max(known, 1 / known):g}"
    numbers: dict[str, Any] = {"factor": factor, "size": size, "size_of_training": usual, "range": [flat.min(), flat.max()]}
    return [found("SW1203", cause, fix, range_of_training=[low, high], rows=len(flat), **numbers)]


def _by_ends(profile: RowProfile, flat: Array) -> list[Finding]:
    """SW1203 for rows of which nearly every column fills 0..1, where the columns of training reached well beyond that."""
    vary = profile.high > profile.low
    if len(flat) < ENDS or vary.sum() < 3:
        return []
    low, high = flat.min(axis=0)[vary], flat.max(axis=0)[vary]
    filled = (np.abs(low) < 0.15) & (high > 0.75) & (high < 1.15)
    beyond = (profile.low[vary] < -0.5) & (profile.high[vary] > 1.4)
    if filled.mean() < 0.9 or beyond.mean() < 0.9:
        return []
    span = f"{float(np.median(profile.low[vary])):.3g} to {float(np.median(profile.high[vary])):.3g}"
    cause = f"the inputs are not scaled as in training: {int(filled.sum())} of {vary.sum()} columns fill 0..1, as if scaled by "
    cause += f"their smallest and largest numbers, and in training a column reached from {span}"
    fix = "prepare the rows with what was fitted to those of training"
    return [found("SW1203", cause, fix, columns=int(filled.sum()), of=int(vary.sum()), rows=len(flat))]


def _inversions(profile: RowProfile, flat: Array) -> Iterator[Guess]:
    """Turned over, at the scale of training or at the rows' own."""
    low, high = profile.range
    fix = "predict on rows as they were for training"
    yield Guess("SW1201", f"the inputs are inverted, {low + high:g} − x", fix, low + high - flat, bold=True)
    if low < 0 or float(flat.mean()) * float(profile.mean.mean()) < 0:
        yield Guess("SW1201", "the inputs have the other sign, −x", fix, -flat, bold=True)
    least, largest = float(flat.min()), float(flat.max())
    if largest > least and high > low:  # inverted and at another scale: the ends of one are the ends of the other
        undone = high - (flat - least) / (largest - least) * (high - low)
        straight = low + (flat - least) / (largest - least) * (high - low)
        if profile.distance(undone).mean() < BETTER * profile.distance(straight).mean():
            what = f"the inputs are inverted and at another scale, from {least:.4g} to {largest:.4g}"
            yield Guess("SW1201", what, fix, undone, exact=True, bold=True)


def _scalings(profile: RowProfile, flat: Array) -> Iterator[Guess]:
    """Multiplied, moved by a number, standardized: the same for all features."""
    move = float((flat - profile.mean).mean())
    if abs(move) > 1e-12:
        fix = f"subtract {move:.3g}, or do not subtract it in training either"
        yield Guess("SW1202", f"the inputs are shifted by {move:.3g}", fix, flat - move, exact=True)
    slope, offset = _line(profile, flat)
    if slope > 0 and abs(slope - 1) > SAME:
        sign = "+" if offset >= 0 else "−"
        what = f"the inputs are not scaled as in training, they are {slope:.3g}·x {sign} {abs(offset):.3g}"
        fix = "give predict rows that are scaled as those of training"
        yield Guess("SW1203", what, fix, (flat - offset) / slope, exact=True)
    spread, own = np.median(flat.std(axis=0)), np.median(profile.spread)
    like = 1 / 1.5 < own < 1.5 and np.median(np.abs(profile.mean)) < 0.5  # those of training are of that size themselves
    if len(flat) >= SOME and 0.3 < spread < 3.0 and not like and np.median(np.abs(flat.mean(axis=0))) < 1.0:
        what = "the inputs are standardized, and those of training were not"
        fix = "give predict the rows without that step"
        yield Guess("SW1203", what, fix, flat * profile.spread + profile.mean, exact=True)


def _line(profile: RowProfile, flat: Array) -> tuple[float, float]:
    """(a, b) of rows ≈ a · training + b, from the mean rows of both; a is 0 where the mean row of training is flat."""
    centre = flat.mean(axis=0)
    vary, spread = float(profile.mean.std()), math.sqrt(float((profile.spread**2).mean()))
    if len(profile.mean) < 8 or vary < 0.1 * spread or vary == 0:
        return 0.0, 0.0
    slope = float(np.mean((profile.mean - profile.mean.mean()) * (centre - centre.mean()))) / vary**2
    ratio = math.sqrt(float(flat.var(axis=0).mean())) / spread if len(flat) >= SOME and spread > 0 else 0.0
    if ratio and 0.5 < abs(slope) / ratio < 2.0:  # the spread knows the size better than the mean row, which is of few classes
        slope = math.copysign(ratio, slope)
    return slope, float(centre.mean() - slope * profile.mean.mean())


def _movements(profile: RowProfile, rows: Any, flat: Array, shape: Shape) -> Iterator[Guess]:
    """Images that are moved, turned or mirrored; columns that changed places."""
    side = math.isqrt(flat.shape[1])
    image = tuple(shape) if len(shape) in (2, 3) else (side, side) if side * side == flat.shape[1] and side >= 5 else ()
    whole = len(profile.features) == math.prod(profile.shape) and not isinstance(rows, SparseRows)
    if image and whole and math.prod(image) == flat.shape[1]:
        yield from _image_movements(profile, flat.reshape(len(flat), *image))
    elif flat.shape[1] <= 64:
        yield from _exchanges(profile, flat)


def _image_movements(profile: RowProfile, pictures: Array) -> Iterator[Guess]:
    count = len(pictures)
    fix = "prepare the images as those of training"
    background = float(profile.quantiles[profile.quantiles.size // 2]) if profile.constant else 0.0
    reach = min(REACH, pictures.shape[1] // 4, pictures.shape[2] // 4)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down or right:
                moved = _moved(pictures, -down, -right, background).reshape(count, -1)
                inside = _moved(np.ones((1, *pictures.shape[1:])), -down, -right, 0.0).reshape(-1) > 0
                what = f"the images are shifted by {down} pixels down and {right} to the right"
                yield Guess("SW1202", what, fix, moved, known=inside, subtle=True)
    turned = {
        "mirrored, left and right exchanged": pictures[:, :, ::-1],
        "upside down": pictures[:, ::-1],
        "turned by 180°": pictures[:, ::-1, ::-1],
    }
    if pictures.shape[1] == pictures.shape[2]:
        turned["transposed, rows and columns exchanged"] = pictures.swapaxes(1, 2)
        turned["turned by 90° to the left"] = np.rot90(pictures, -1, (1, 2))
        turned["turned by 90° to the right"] = np.rot90(pictures, 1, (1, 2))
    if pictures.ndim == 4 and pictures.shape[3] == 3:
        turned["in another order of colours (BGR for RGB)"] = pictures[..., ::-1]
    for what, undone in turned.items():
        yield Guess("SW1203", f"the images are {what}", fix, np.ascontiguousarray(undone).reshape(count, -1), subtle=True)


def _moved(pictures: Array, down: int, right: int, background: float) -> Array:
    moved = np.full(pictures.shape, background)
    height, width = pictures.shape[1:3]
    to = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
    of = slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0))
    moved[(slice(None), *to)] = pictures[(slice(None), *of)]
    return moved


def _exchanges(profile: RowProfile, flat: Array) -> Iterator[Guess]:
    """Two columns that changed places, all in the reverse order, or all moved by one."""
    z = np.abs(flat.mean(axis=0) - profile.mean) / profile.scale
    odd = np.argsort(-z)[:8]
    fix = "give the columns in the order that they had in training"
    for i in odd:
        for j in odd:
            if i < j:
                undone = flat.copy()
                undone[:, [i, j]] = flat[:, [j, i]]
                yield Guess("SW1203", f"columns {i} and {j} have changed places", fix, undone)
    yield Guess("SW1203", "the columns come in reverse order", fix, flat[:, ::-1])
    for by in (1, -1):
        yield Guess("SW1203", "the columns are moved by one place", fix, np.roll(flat, by, axis=1))


def _by_feature(profile: RowProfile, flat: Array, names: Sequence[str] | None, *, rest_alike: bool = False) -> list[Finding]:
    """SW1203 for features that are, in nearly all rows, far outside what training knew.

    rest_alike   only where these are few, and all others are as in training
    """
    width = np.where(profile.high > profile.low, profile.high - profile.low, np.inf)
    outside = (flat < profile.low - width) | (flat > profile.high + width)
    centre = np.median(flat, axis=0)
    far = (np.abs(centre - profile.mean) > FAR * np.maximum(profile.spread, 1e-30)) & np.isfinite(width)
    odd = np.flatnonzero((outside.mean(axis=0) > 0.9) & far)
    if not odd.size or (len(flat) < 3 and odd.size < 0.5 * flat.shape[1]):
        return []
    if rest_alike:
        rest = flat.copy()
        rest[:, odd] = profile.mean[odd]
        if odd.size > 0.4 * flat.shape[1] or profile.distance(rest).mean() > profile.distances[1]:
            return []
    first = int(odd[0])
    name = str(names[first]) if names is not None and len(names) == flat.shape[1] else f"feature {int(profile.features[first])}"
    cause = (
        f"{odd.size} of {flat.shape[1]} features are far from all that training has seen: {name} is about {centre[first]:.4g}, "
        f"and was {profile.low[first]:.4g} to {profile.high[first]:.4g}"
    )
    numbers: dict[str, Any] = {
        "features": odd[:50],
        "median": centre[first],
        "low": profile.low[first],
        "high": profile.high[first],
    }
    return [found("SW1203", cause, "use the units and the preprocessing of training", where=name, **numbers)]
