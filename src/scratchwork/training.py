"""The training loop: one function that reads from top to bottom.

Every step does four things: forward, loss, backward, update. The rest of this file is what people need around them.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array
from .callbacks import Callback, checked_callbacks, hooked
from .diagnosis import diverged, penalty_diverged
from .epochs import Batches, Seen, begin_epoch, end_epoch, finish_epoch, measured, validated
from .errors import ConfigurationError
from .guards import ending, interruptible, thread_limit
from .history import History, Run, TrainingState
from .losses import Loss
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
from .sparse_rows import SciPySparse
from .updates import Updater


def fit(
    network: Sequential,
    x: ArrayLike | SciPySparse,
    y: ArrayLike,
    *,
    loss: Loss | str,
    optimizer: Optimizer | LBFGS | str,
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
    state: TrainingState | None = None,
    checkpoint: Any = None,
    every: int | None = None,
    resume: bool = False,
    doctor: bool = False,
) -> History:
    """Train `network` on rows `x` and targets `y`, and return one number per epoch of all that was measured.

    Parameters
    ----------
    network : Sequential
        Built for the shape of `x` with `seed` where it is not built yet; trained on from where it is otherwise.
    x : array (N, ...), or a SciPy sparse matrix (N, D)
        Finite numbers. A sparse matrix is never written out as a whole: `Dense` as the first layer takes it as it is, and for
        any other first layer one batch at a time gets its zeros. uint8 and float16 arrays stay as they are in memory and are
        converted batch by batch (not scaled).
    y : array
        As the loss takes it: labels 0..C-1, one-hot or soft rows, or numbers.
    loss, optimizer : objects, or their names
        `SoftmaxCrossEntropy()`, `Adam(1e-3)`, ...; with `LBFGS()` an epoch is one iteration on all rows. Without `state`
        the optimizer starts afresh in every call of fit: its moments at zero, its schedule at the first step.
    epochs : int ≥ 1
    batch_size : int ≥ 1, or None for all rows at once
        The last batch of an epoch may be smaller,
    drop_last : bool
        unless it is left out: then every step sees `batch_size` rows, and shuffling leaves other rows out in every epoch.
    validation_data : (x, y) or (x, y, sample_weight), optional
    validation_split : float, 0 ≤ split < 1
        Or hold out this fraction of the rows, stratified by class, drawn with `seed`.
    sample_weight : array (N,), optional
        ≥ 0; a weight of 2 means the row twice.
    metrics : names or functions (prediction, target[, weight]) -> float, or a dict of them
        A function gets the network's outputs, the targets as the loss prepared them, and weights where there are some and
        it takes a third argument.
    regularizer : Regularizer, optional
        A penalty on all weights (on biases when it says so); part of the reported loss.
    constraint : Constraint, optional
        Projects every weight matrix after each step. A layer's own penalty or constraint replaces the general one.
    clip_value, clip_norm : float > 0, optional
        Bound every entry of the gradient, penalties included, or its norm over all parameters.
    callbacks : sequence of Callback
    engine : "numpy", "auto" or "compiled"
        "auto" takes the compiled path where Numba is installed and every part of the network is known to it
        (`scratchwork.engine`), else NumPy's; "compiled" refuses to do without. Both compute the same to rounding.
    threads : int, optional
        How many threads the compiled path may use (None: all cores, at most 4; small networks take one, and its bits do not
        depend on it), or BLAS on NumPy's (needs threadpoolctl; None leaves it as it is).
    shuffle : bool
        A new order of the rows every epoch, a function of `seed` and how many epochs the network has seen.
    seed : int ≥ 0
        For building, splitting and shuffling.
    progress : bool
        Show progress on stderr once training takes longer than two seconds.
    state : TrainingState, optional
        Where the optimizer goes on from, and what it leaves there: two calls are then one longer one, bit for bit. The rows
        may then be a part of the data, of one class only.
    checkpoint : path of a folder, or Checkpoints(...), optional
        Where everything that the run needs is written as it goes: see `scratchwork.storage.checkpoints`.
    every : int ≥ 1, optional
        Steps between two checkpoints; None: one after every epoch.
    resume : bool
        Go on from the newest checkpoint in the folder that is whole, if there is one: what comes of it has the same bits as
        a run that was never interrupted. False refuses a folder that holds checkpoints.
    doctor : bool
        Look now and then at what goes wrong in training, on a copy of the network: the run has the same bits. What is found
        is in `history.findings`, the likeliest cause first, and with `progress` on stderr.

    Raises
    ------
    DataError, ShapeError, ConfigurationError
        Before any work, in one sentence; a network that was not built is left so.
    DivergedError
        At the first loss that is not finite, naming step, layer and array.

    Notes
    -----
    Ctrl-C ends the run after the present step and returns what was learned, with `history.stopped == "interrupted"`; a
    second Ctrl-C interrupts at once.

    Examples
    --------
    >>> import scratchwork as sw
    >>> rows = sw.data.xor()
    >>> network = sw.Sequential([sw.Dense(8), sw.Tanh(), sw.Dense(2)])
    >>> history = sw.fit(network, rows.x, rows.y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(0.05), epochs=100)
    >>> network.predict(rows.x).argmax(axis=1).tolist()
    [0, 1, 1, 0]
    """
    _check_kinds(network, engine, state)
    loss, rule = resolve_loss(loss), resolve_optimizer(optimizer)
    measures = resolve_metrics(metrics, loss)
    check_counts(epochs, batch_size, threads, seed)
    limited_threads, hooks = thread_limit(threads), [*checked_callbacks(callbacks), *([Progress()] if progress else [])]
    with unbuilt_on_error(network):
        data = prepare_data(network, loss, x, y, sample_weight, validation_data, validation_split, seed, part=state is not None)
        updater = Updater(network, rule, regularizer, constraint, clip_value, clip_norm)
        count = len(data.training)
        size = count if batch_size is None or isinstance(rule, LBFGS) else min(int(batch_size), count)
        steps = count // size if drop_last else math.ceil(count / size)
        run = Run(network, loss, rule, int(epochs), steps, count, state=updater.state)
        run.metrics, run.validated = measures, data.validation is not None
        if state is not None:
            state.resume(run)
        machine, order = _machine(run, updater, data, size, threads, engine, hooks), int(seed) if shuffle else None
        same = {**updater.settings, "batch size": size, "steps in an epoch": steps, "shuffling seed": order}
        hooks = [*hooks, *_doctor(doctor, run, updater, data, size, order, threads, tell=progress)]
        hooks, hand_over = _with_checkpoints(run, data, hooks, (checkpoint, every, resume), same)
        with limited_threads(), interruptible(run), np.errstate(all="ignore"), ending(run, hooks):
            for hook in hooked(hooks, "on_fit_begin"):
                hook(run)
            hand_over()
            walk = machine.train if machine is not None else _iterations if isinstance(rule, LBFGS) else _epochs
            walk(run, updater, data, size, order, hooks)
    if state is not None:
        state.keep(run)
    if not run.history.epochs:  # Ctrl-C came early: no number is an empty list, and no unknown name
        run.history.columns = {name: [] for name in run.entries}
    return run.history


def _check_kinds(network: Any, engine: Any, state: Any) -> None:
    if not isinstance(network, Sequential):
        raise ConfigurationError(f"fit trains a Sequential([...]); received {network!r}")
    if engine not in ENGINES:
        raise ConfigurationError(f"engine is one of {', '.join(map(repr, ENGINES))}; received {engine!r}")
    if not isinstance(state, TrainingState | None):
        raise ConfigurationError(f"state is a TrainingState(), or None; received {state!r}")


def _machine(run: Run, updater: Updater, data: Data, size: int, threads: int | None, engine: str, hooks: list[Callback]) -> Any:
    """A machine of the compiled path, or None for NumPy's."""
    if engine == "numpy" or (engine == "auto" and isinstance(run.optimizer, LBFGS)):
        return None
    from .engine.choice import machine_for  # Numba is imported when there is something for it to do

    tell = any(isinstance(hook, Progress) for hook in hooks)  # who shows progress says what takes so long
    return machine_for(run, updater, data.training, size, threads, required=engine == "compiled", tell=tell)


def _doctor(
    wanted: bool, run: Run, updater: Updater, data: Data, size: int, seed: int | None, threads: int | None, *, tell: bool
) -> list[Callback]:
    """The callback of the doctor, where he is wanted."""
    if not isinstance(wanted, bool | np.bool_):
        raise ConfigurationError(f"doctor is True or False; received {wanted!r}")
    if not wanted:
        return []
    from .doctor.watch import Watch  # it asks for nearly everything that is made below

    return [Watch(run, updater, data, size, seed, threads, tell=tell)]


def _with_checkpoints(
    run: Run, data: Data, hooks: list[Callback], wanted: tuple[Any, int | None, bool], settings: dict[str, Any]
) -> tuple[list[Callback], Callable[[], None]]:
    """The callbacks with the one that writes checkpoints, and what to call when all of them have begun."""
    if wanted == (None, None, False):
        return hooks, lambda: None
    from .storage.resuming import checkpointing  # the files are made far below

    first, last = checkpointing(run, data, hooks, *wanted, settings)
    return [first, *hooks, last], first.hand_over


def _epochs(run: Run, updater: Updater, data: Data, size: int, seed: int | None, hooks: list[Callback]) -> None:
    """The loop itself."""
    batches = Batches(data.training, size, run.network.dtype)
    after_batch = hooked(hooks, "on_batch_end")
    while not run.over:
        started = time.perf_counter()
        loss, seen = one_epoch(run, updater, batches, seed, after_batch)
        finish_epoch(run, updater, data, loss, seen, started, hooks)


def one_epoch(
    run: Run, updater: Updater, batches: Batches, seed: int | None, after_batch: Sequence[Callable[[Run], None]] = ()
) -> tuple[float, list[Seen]]:
    """All steps of the next epoch, or what is left of one: the mean of their losses, and what metrics need."""
    network, loss = run.network, run.loss
    part, seen = begin_epoch(run, batches, seed)
    for x, target, weight in batches.epoch(seed, network.epochs_seen - 1, run.steps_per_epoch, part.steps):
        network.steps_seen += 1
        prediction, caches = network.forward(x, training=True, step=network.steps_seen)
        value, dprediction = _checked(loss, loss.value_and_grad(prediction, target, weight), prediction)
        if not math.isfinite(value):
            raise diverged(network, x, epoch=run.epoch, step=run.step + 1, loss=value)
        network.backward(dprediction, caches, need_dx=False)
        run.step += 1
        run.batch_loss = value + updater.step(run)
        if not math.isfinite(run.batch_loss):
            raise penalty_diverged(network, epoch=run.epoch, step=run.step, loss=run.batch_loss)
        batch_weight = float(len(x)) if weight is None else float(weight.sum())
        part.add(run.batch_loss, batch_weight)
        if run.metrics:
            part.predictions.append(prediction)
            seen.append((prediction, target.copy(), None if weight is None else weight.copy()))
        for hook in after_batch:
            hook(run)
        if run.stop:
            break
    return end_epoch(run), seen


def _iterations(run: Run, updater: Updater, data: Data, size: int, seed: int | None, hooks: list[Callback]) -> None:
    """L-BFGS: each iteration evaluates all rows as often as its line search asks, and counts as one epoch."""
    network, rows, flat, measures, rule = run.network, data.training, run.network.flat(), run.metrics, run.optimizer
    assert isinstance(rule, LBFGS)
    x = rows.x.astype(network.dtype, copy=False)
    started = time.perf_counter()

    def function(value: Array) -> tuple[float, Array]:
        flat.value[...] = value
        prediction, caches = network.forward(x, training=True, step=network.steps_seen)
        given = run.loss.value_and_grad(prediction, rows.target, rows.weight)
        loss, dprediction = _checked(run.loss, given, prediction)
        network.backward(dprediction, caches, need_dx=False)
        return loss + updater.add_penalties(), flat.grad

    def after_iteration(iteration: int, loss: float) -> bool:
        nonlocal started
        if not math.isfinite(loss):
            raise diverged(network, x, epoch=max(iteration, 1), step=max(iteration, 1), loss=loss)
        run.epoch = run.step = iteration
        run.batch_loss, run.learning_rate = loss, 1.0
        network.epochs_seen += 1
        seen = [(network.predict(x), rows.target, rows.weight)] if measures else []
        row = {"loss": loss, **measured(measures, seen), **validated(run, updater, data.validation, measures)}
        run.history.append({**row, "learning_rate": 1.0, "seconds": time.perf_counter() - started})
        for hook in (*hooked(hooks, "on_batch_end"), *hooked(hooks, "on_epoch_end")):
            hook(run)
        started = time.perf_counter()
        return run.stop is not None or iteration >= run.epochs

    if run.stop:
        return
    by_itself = rule.minimize(function, flat.value, after_iteration)
    if not run.history.epochs:  # it began at a minimum: no step, and one entry that says how good it is
        after_iteration(1, function(flat.value)[0])
    if run.history.epochs < run.epochs:
        run.stop = run.stop or ("converged" if by_itself else "evaluations")


def _checked(loss: Loss, given: Any, prediction: Array) -> tuple[float, Array]:
    """What a loss gave, or a ConfigurationError for one of somebody's own that gives something else."""
    pair = isinstance(given, tuple) and len(given) == 2
    if not pair or np.shape(given[1]) != prediction.shape or not isinstance(given[0], float | int | np.number):
        found = f"({type(given[0]).__name__}, array of shape {np.shape(given[1])})" if pair else type(given).__name__
        raise ConfigurationError(
            f"value_and_grad of {loss!r} gives a number and a gradient of the shape of the prediction, {prediction.shape}; "
            f"received {found}"
        )
    return given  # type: ignore[no-any-return]
