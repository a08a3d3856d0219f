"""Many networks trained at once.

On the compiled path every network is a program of its own, which needs no meeting of threads: each thread takes the next
network that nobody has taken and walks through its whole epoch, while its weights, moments and activations stay in that
processor's cache.
"""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .averaging import average, checked_networks, combined
from .callbacks import Callback, checked_callbacks, hooked
from .errors import ConfigurationError, DivergedError
from .guards import ending, interruptible, thread_limit
from .history import History, Run, TrainingState
from .losses import Loss
from .members import Desk, Member, checked_seeds, chosen_rows
from .optimizers import Optimizer
from .preparation import (
    Data,
    check_counts,
    prepare_data,
    resolve_loss,
    resolve_metrics,
    resolve_optimizer,
    unbuilt_on_error,
)
from .progress import Progress
from .regularizers import Constraint, Regularizer
from .second_order import LBFGS
from .sequential import ENGINES, Sequential
from .updates import Updater


def fit_many(
    networks: Sequence[Sequential],
    x: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss | str,
    optimizer: Optimizer | str | Sequence[Optimizer],
    seeds: Sequence[int] | None = None,
    bootstrap: bool = False,
    rows: Sequence[ArrayLike] | None = None,
    epochs: int = 10,
    batch_size: int | None = 32,
    drop_last: bool = False,
    validation_data: tuple[Any, ...] | None = None,
    validation_split: float = 0.0,
    sample_weight: ArrayLike | None = None,
    metrics: Iterable[Any] | Mapping[str, Any] | str = (),
    regularizer: Regularizer | None = None,
    constraint: Constraint | None = None,
    clip_value: float | None = None,
    clip_norm: float | None = None,
    callbacks: Sequence[Callback] | None = (),
    engine: str = "auto",
    threads: int | None = None,
    shuffle: bool = True,
    seed: int = 0,
    progress: bool = True,
    states: Sequence[TrainingState] | None = None,
) -> History:
    """Train all `networks` at once on `x` and `y`, each as though it were alone, epoch by epoch.

    ::

        network k is what fit(networks[k], x, y, seed=seeds[k], ...) makes of it          bit for bit
        with rows: fit(networks[k], x[rows[k]], y[rows[k]], seed=seeds[k], ...)           bit for bit

    Each has its own loss, gradient, shuffling and updates: nothing is summed over networks. What is shared is the data, the
    validation rows, and the moment when all stop. The arguments are those of `fit`, but for these:

    Parameters
    ----------
    networks : sequence of Sequential
        Of one type of numbers and one width of output; they may have different layers. Those that are not built are, each
        with its seed.
    optimizer : one for all, or one for each network
        Other learning rates, for example: a small sweep. First-order ones: LBFGS trains one network at a time.
    seeds : sequence of int, optional
        For building and shuffling each network; drawn from `seed` where they are not given (`member_seeds`).
    bootstrap : bool
        Each network sees as many rows as there are, drawn with replacement: `bootstrap_rows(N, seeds[k])`.
    rows : sequence of integer arrays, optional
        Or the row numbers of `x` that each network sees, at most as many as there are: the folds of a cross-validation.
    validation_data, validation_split
        The same rows for all (the split is drawn with `seed`). What is measured on them is the average of all networks, as
        `average` predicts it; so early stopping looks at the ensemble.
    callbacks
        Their run's network is the average. Batches have no common end: `on_batch_end` is not called.
    threads : int, optional
        How many networks are worked on at a time; None: as many as there are cores, at most 4. Bits do not depend on it.
    states : sequence of TrainingState, optional
        One for each network: two calls are then one longer one, bit for bit.

    Returns
    -------
    History
        loss and metrics are the mean over the networks, val_loss and val_<metric> those of their average (penalties: the
        mean). `history.members[k]` holds loss and metrics of network k.

    Raises
    ------
    As `fit`, with the number of the network where it is about one.

    Examples
    --------
    >>> import scratchwork as sw
    >>> data = sw.data.xor()
    >>> networks = [sw.Sequential([sw.Dense(8), sw.Tanh(), sw.Dense(2)]) for _ in range(5)]
    >>> loss, adam = sw.SoftmaxCrossEntropy(), sw.Adam(0.05)
    >>> history = fit_many(networks, data.x, data.y, loss=loss, optimizer=adam, epochs=100)
    >>> average(networks, loss.link).predict(data.x).argmax(axis=1).tolist()
    [0, 1, 1, 0]
    """
    networks = checked_networks(networks)
    if engine not in ENGINES:
        raise ConfigurationError(f"engine is one of {', '.join(map(repr, ENGINES))}; received {engine!r}")
    loss, optimizers = resolve_loss(loss), _rules(optimizer, len(networks))
    measures = resolve_metrics(metrics, loss)
    check_counts(epochs, batch_size, threads, seed)
    seeds, kept = checked_seeds(seeds, seed, len(networks)), _states(states, len(networks))
    hooks = [*_callbacks(callbacks), *([Progress()] if progress else [])]
    with ExitStack() as fresh:
        for network in networks:
            fresh.enter_context(unbuilt_on_error(network))
        data = _prepared(networks, seeds, loss, x, y, sample_weight, validation_data, validation_split, seed)
        count = len(data.training)
        chosen = chosen_rows(rows, bootstrap, seeds, count, split=bool(validation_split))
        members = []
        for network, rule, own, picked in zip(networks, optimizers, seeds, chosen, strict=True):
            updater = Updater(network, rule, regularizer, constraint, clip_value, clip_norm)
            met = count if picked is None else len(picked)
            size = met if batch_size is None else min(int(batch_size), met)
            steps = met // size if drop_last else math.ceil(met / size)
            run = Run(network, loss, rule, int(epochs), steps, met, state=updater.state, metrics=measures)
            members.append(Member(run, updater, data, size, int(own) if shuffle else None, picked))
        whole = _whole(members, kept)
        _choose_path(whole, members, engine, tell=progress)
        blas = thread_limit(threads)() if whole.engine == "numpy" else _blas_alone()
        with blas, interruptible(whole), np.errstate(all="ignore"), ending(whole, hooks):
            _epochs(whole, members, threads, hooks)
    for member, state in zip(members, kept, strict=True):
        if state is not None:
            state.keep(member.run)
    return whole.history


def _whole(members: list[Member], states: list[TrainingState | None]) -> Run:
    """The run that callbacks see, whose network is the average; each network's own goes on from its state."""
    for member, state in zip(members, states, strict=True):
        if state is not None:
            state.resume(member.run)
    first, data = members[0].run, members[0].data
    network = average([member.run.network for member in members], first.loss.link)
    whole = Run(network, first.loss, first.optimizer, first.epochs, first.steps_per_epoch, len(data.training))
    whole.metrics, whole.validated = first.metrics, data.validation is not None
    whole.step, whole.first_step, whole.learning_rate_factor = first.step, first.first_step, first.learning_rate_factor
    return whole


def _blas_alone() -> AbstractContextManager[Any]:
    """One thread for each BLAS: the networks are the parallel part."""
    from .engine.runner import blas_alone

    manager: AbstractContextManager[Any] = blas_alone()
    return manager


def _epochs(whole: Run, members: list[Member], threads: int | None, hooks: list[Callback]) -> None:
    """The loop itself: an epoch of every network, then what is measured on their average."""
    from .engine.threads import processors, share

    crew = 1 if whole.engine == "numpy" else threads or min(processors(), 4)
    for hook in hooked(hooks, "on_fit_begin"):
        hook(whole)
    after_epoch = hooked(hooks, "on_epoch_end")
    desks = _desks(members, crew)
    while not whole.over:
        whole.epoch += 1
        started = time.perf_counter()

        def work(k: int) -> None:
            desk = desks.pop()  # there is one for each thread, and the last one put back is the one in this cache
            try:
                with np.errstate(all="ignore"):  # of this thread
                    members[k].epoch(whole, desk)
            except DivergedError as error:
                raise DivergedError(f"network {k} of {len(members)}: {error}") from error
            finally:
                desks.append(desk)

        share(work, len(members), crew)
        first = members[0].run
        whole.step, whole.learning_rate = first.step, first.learning_rate
        whole.network.epochs_seen, whole.network.steps_seen = first.network.epochs_seen, first.network.steps_seen
        if whole.stop == "interrupted" and any(m.run.steps < m.run.epoch * m.run.steps_per_epoch for m in members):
            whole.history.columns = whole.history.columns or {name: [] for name in whole.entries}
            return  # an epoch that was not finished is no entry of the history
        _enter(whole, members, started)
        for hook in after_epoch:
            hook(whole)
        if after_epoch and any(member.moved for member in members):
            raise ConfigurationError(
                "a callback moved the parameters elsewhere: write into them, parameter.value[...] = numbers"
            )


def _desks(members: list[Member], crew: int) -> list[Desk]:
    """Room for activations and copies, one for each thread: it is in the cache when the next network needs it."""
    machines = [member.machine for member in members if member.machine is not None]
    if not machines:
        return [None] * crew
    arena, room = max(machine.arena.size for machine in machines), max(machine.rooms.shape[1] for machine in machines)
    dtype = machines[0].arena.dtype
    return [(np.zeros(arena, dtype), np.zeros((1, room), dtype)) for _ in range(crew)]


def _enter(whole: Run, members: list[Member], started: float) -> None:
    """The epoch's entry in the history."""
    row = {name: float(np.mean([member.measured[name] for member in members])) for name in members[0].measured}
    whole.batch_loss = row["loss"]
    for member in members:
        member.run.history.append(member.measured)
    validation = members[0].data.validation
    if validation is not None:
        prediction = combined([member.outputs for member in members if member.outputs is not None], whole.loss.link)
        value, _ = whole.loss.value_and_grad(prediction, validation.target, validation.weight)
        row["val_loss"] = value + float(np.mean([member.updater.penalty() for member in members]))
        for name, measure in whole.metrics.items():
            row[f"val_{name}"] = measure(prediction, validation.target, validation.weight)
    whole.history.members = [member.run.history for member in members]
    whole.history.append({**row, "learning_rate": whole.learning_rate, "seconds": time.perf_counter() - started})


def _callbacks(callbacks: Any) -> list[Callback]:
    """The callbacks as a list, or a ConfigurationError for one that wants to see batches."""
    listed = checked_callbacks(callbacks)
    for callback in listed:
        if hooked([callback], "on_batch_end") and getattr(callback, "every_batch", True):
            raise ConfigurationError(
                f"{type(callback).__name__} looks at batches, and networks that are trained at once meet at epochs only: "
                "call fit for each of them, or take on_epoch_end"
            )
    return listed


def _rules(optimizer: Any, count: int) -> list[Optimizer]:
    listed = list(optimizer) if isinstance(optimizer, list | tuple) else [optimizer] * count
    if len(listed) != count:
        raise ConfigurationError(f"give one optimizer, or one for each of the {count} networks; received {len(listed)}")
    rules = [resolve_optimizer(rule) for rule in listed]
    if any(isinstance(rule, LBFGS) for rule in rules):
        raise ConfigurationError("LBFGS trains one network at a time: call fit for each, or take Adam")
    return [rule for rule in rules if isinstance(rule, Optimizer)]


def _states(states: Any, count: int) -> list[TrainingState | None]:
    listed = [None] * count if states is None else list(states)
    if len(listed) != count or not all(isinstance(state, TrainingState | None) for state in listed):
        raise ConfigurationError(f"states needs one TrainingState() for each of the {count} networks")
    return listed


def _prepared(networks: list[Sequential], seeds: list[int], loss: Loss, x: Any, y: Any, *rest: Any) -> Data:
    """The data, checked against the first network, and all networks built."""
    unbuilt = [not network.built for network in networks]
    data = prepare_data(networks[0], loss, x, y, *rest)
    for network, seed, new in zip(networks, seeds, unbuilt, strict=True):
        if new:
            network.build(networks[0].in_shape, rng=seed)
        network.check_rows(data.training.x)
        if network.dtype != networks[0].dtype:
            raise ConfigurationError(f"all networks need one type of numbers: {networks[0].dtype}, and not {network.dtype}")
    return data


def _choose_path(whole: Run, members: list[Member], engine: str, *, tell: bool) -> None:
    """Compiled machines for all networks, or NumPy's path for all."""
    if engine == "numpy":
        return
    from .engine.choice import machine_for

    for member in members:
        rows = member.data.training
        member.machine = machine_for(member.run, member.updater, rows, member.size, 1, required=engine == "compiled", tell=tell)
        if member.machine is None:
            for other in members:
                other.machine = None
            return
    whole.engine = "compiled"
