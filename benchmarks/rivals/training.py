"""The training sides: scratchwork and its rivals, each at its best setting, and PyTorch as its tutorials write it.

All train in float32 with Adam(1e-3) from the same weights on the same batches in the same order, except where a docstring
says otherwise. The order of the rows is drawn inside the timing, by every side.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import scratchwork as sw
from scratchwork.data import epoch_order

from .task import LEARNING_RATE, SEED, Task, torch_network
from .turns import Clock

MANY = 10**6  # epochs: the parent hangs up long before


class HandOver(sw.Callback):
    """Reports every epoch of `sw.fit` to the clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_epoch_end(self, run: sw.Run) -> None:
        """Hand over."""
        self.clock.epoch(run.history["loss"][-1])


def scratchwork(task: Task, clock: Clock, engine: str = "compiled", uint8: bool = False) -> None:
    """`sw.fit`: float32 rows, or uint8 rows that a first layer scales."""
    x, y = task.rows
    network = task.network()
    if uint8:
        x, network = task.pixels, task.network(sw.Rescaling(1 / 255))
        numbers = [number for part in task.weights() for number in part]  # a layer's place decides what it starts with
        for (_, parameter), number in zip(network.parameters(), numbers, strict=True):
            parameter.value[...] = number
    clock.begin()
    sw.fit(
        network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(LEARNING_RATE), epochs=MANY, batch_size=task.batch,
        callbacks=[HandOver(clock)], seed=SEED, progress=False, engine=engine, threads=task.threads,
    )  # fmt: skip


def scratchwork_numpy(task: Task, clock: Clock) -> None:
    """The NumPy path of the same call."""
    scratchwork(task, clock, engine="numpy")


def scratchwork_uint8(task: Task, clock: Clock) -> None:
    """The compiled path with the images as they lie in the files."""
    if task.data != "mnist":
        raise SystemExit("these rows are no images of bytes")
    scratchwork(task, clock, uint8=True)


def torch_eager(task: Task, clock: Clock, compiled: bool = False) -> None:
    """PyTorch at its best for such nets: tensors indexed directly, Adam(fused=True), losses kept without arithmetic."""
    import torch

    torch.set_num_threads(task.threads)
    x, y = (torch.from_numpy(part) for part in task.rows)
    network, cross_entropy = torch_network(task.weights()), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

    def loss_of(chosen: Any) -> Any:
        return cross_entropy(network(x[chosen]), y[chosen])

    if compiled:
        loss_of = torch.compile(loss_of, dynamic=False)
        for rows in {task.batch, len(x) % task.batch or task.batch}:  # compile before the clock runs
            loss_of(torch.arange(rows)).backward()
    clock.begin()
    for epoch in range(MANY):
        order = torch.from_numpy(epoch_order(len(x), SEED, epoch))
        losses = []
        for chosen in order.split(task.batch):
            optimizer.zero_grad()
            loss = loss_of(chosen)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        sizes = torch.tensor([len(chosen) for chosen in order.split(task.batch)], dtype=torch.float32)
        clock.epoch(float(torch.stack(losses) @ sizes) / len(x))


def torch_compiled(task: Task, clock: Clock) -> None:
    """torch.compile of gather, net and loss (mode default); the fused Adam is one call already."""
    torch_eager(task, clock, compiled=True)


def torch_loader(task: Task, clock: Clock) -> None:
    """PyTorch as its tutorials write it: TensorDataset, DataLoader(shuffle=True), Adam. It draws its own order."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(task.threads)
    torch.manual_seed(SEED)
    x, y = (torch.from_numpy(part) for part in task.rows)
    loader = DataLoader(TensorDataset(x, y), batch_size=task.batch, shuffle=True)
    network, loss_of = torch_network(task.weights()), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    clock.begin()
    for _ in range(MANY):
        total = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = loss_of(network(inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        clock.epoch(total / len(x))


def jax_step(x: Any, y: Any) -> Callable[..., Any]:
    """One step of Adam in JAX on the rows `chosen`: (parameters, m, v, t), chosen -> the same and the loss."""
    import jax
    import jax.numpy as jnp

    def loss_of(parts: Any, inputs: Any, labels: Any) -> Any:
        for weight, bias in parts[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        logits = inputs @ parts[-1][0] + parts[-1][1]
        right = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(logits, axis=1) - right).mean()

    def step(carry: Any, chosen: Any) -> Any:
        parts, m, v, t = carry
        loss, grad = jax.value_and_grad(loss_of)(parts, x[chosen], y[chosen])
        t = t + 1
        c1, c2 = 1 - 0.9**t, jnp.sqrt(1 - 0.999**t)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grad)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grad)
        rate = LEARNING_RATE / c1
        parts = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / c2 + 1e-8), parts, m, v)
        return (parts, m, v, t), loss

    return step


def jax_start(task: Task) -> tuple[Any, Any, Any]:
    """Rows on the device, and what the step carries."""
    import os

    if hasattr(os, "sched_setaffinity"):  # XLA has no other setting for the number of its threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task.threads])
    import jax
    import jax.numpy as jnp

    x, y = task.rows
    parts = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in task.weights()]
    m, v = (jax.tree.map(jnp.zeros_like, parts) for _ in "mv")
    return jax.device_put(x), jax.device_put(y.astype(np.int32)), (parts, m, v, jnp.float32(0))


def jax_jit(task: Task, clock: Clock) -> None:
    """JAX with one jitted call per step, its state donated; data on the device, gathered inside."""
    import jax

    x, y, carry = jax_start(task)
    step = jax.jit(jax_step(x, y), donate_argnums=0)
    clock.begin()
    for epoch in range(MANY):
        order = epoch_order(len(x), SEED, epoch).astype(np.int32)
        losses, sizes = [], []
        for start in range(0, len(x), task.batch):
            chosen = order[start : start + task.batch]
            carry, loss = step(carry, chosen)
            losses.append(loss)
            sizes.append(len(chosen))
        clock.epoch(float(np.dot(jax.device_get(losses), sizes)) / len(x))


def jax_scan(task: Task, clock: Clock) -> None:
    """JAX with the epoch in one jitted call: lax.scan over the whole batches, then the smaller last one."""
    import jax
    import jax.numpy as jnp

    x, y, carry = jax_start(task)
    step, batch, whole = jax_step(x, y), task.batch, len(x) // task.batch

    def walk(carry: Any, order: Any) -> Any:
        carry, losses = jax.lax.scan(step, carry, order[: whole * batch].reshape(whole, batch))
        total = losses.sum() * batch
        if len(order) > whole * batch:
            carry, last = step(carry, order[whole * batch :])
            total += last * (len(order) - whole * batch)
        return carry, total / len(order)

    walk = jax.jit(walk, donate_argnums=0)
    clock.begin()
    for epoch in range(MANY):
        carry, loss = walk(carry, jnp.asarray(epoch_order(len(x), SEED, epoch).astype(np.int32)))
        jax.block_until_ready(carry)
        clock.epoch(float(loss))


def scikit_learn(task: Task, clock: Clock) -> None:
    """MLPClassifier in one call of fit. It draws its own weights and order, and has one logistic output for two classes."""
    from sklearn.neural_network import MLPClassifier

    class Timed(MLPClassifier):  # type: ignore[misc]
        """Hands over at the place where an epoch's loss was just written down."""

        def _update_no_improvement_count(self, *args: Any, **words: Any) -> None:
            clock.epoch(self.loss_curve_[-1])

    assert hasattr(MLPClassifier, "_update_no_improvement_count"), "this scikit-learn counts its epochs elsewhere"
    x, y = task.rows
    network = Timed(task.sizes[1:-1], batch_size=task.batch, alpha=0.0, max_iter=MANY, random_state=SEED)
    clock.begin()
    network.fit(x, y)


def products(task: Task, clock: Clock) -> None:
    """No training: the products of it alone in NumPy, into arrays made beforehand, and no gather.

    Per layer and step: forward, the gradient of the weights, and that of the inputs except in the first layer.
    """
    steps = list(product_arrays(task))
    clock.begin()
    while True:
        for count, layers in steps:
            for _ in range(count):
                for x, weight, y, _, _ in layers:
                    np.matmul(x, weight, out=y)
                for x, weight, y, dweight, dx in reversed(layers):
                    np.matmul(x.T, y, out=dweight)
                    if dx is not None:
                        np.matmul(y, weight.T, out=dx)
        clock.epoch(math.nan)


def product_arrays(task: Task) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """How many steps of which size an epoch has, and per layer (input, weight, output, and both gradients)."""
    rows, rng = len(task.rows[0]), np.random.default_rng(SEED)
    for count, batch in ((rows // task.batch, task.batch), (1, rows % task.batch)):
        layers: list[tuple[Any, ...]] = []
        for weight, _ in task.weights():
            x, y = rng.random((batch, len(weight)), np.float32), np.empty((batch, weight.shape[1]), np.float32)
            layers.append((x, weight, y, np.empty_like(weight), np.empty_like(x) if layers else None))
        if batch:
            yield count, layers


SIDES: dict[str, Callable[[Task, Clock], None]] = {
    "scratchwork": scratchwork,
    "scratchwork uint8": scratchwork_uint8,
    "scratchwork numpy": scratchwork_numpy,
    "torch eager": torch_eager,
    "torch compile": torch_compiled,
    "jax jit": jax_jit,
    "jax scan": jax_scan,
    "scikit-learn": scikit_learn,
    "torch dataloader": torch_loader,
    "products": products,
}
