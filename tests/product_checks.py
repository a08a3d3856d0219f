"""What the tests of the product share; also run in processes that pretend to be another processor."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numba import njit

from scratchwork.engine.intrinsics import address, call_product
from scratchwork.engine.product import OFTEN, PANEL, product_address

Array = Any
CANARY = 77  # in memory that is not the product's to write to
SPARE = 70  # rows and columns that A and B have besides, so that blocks of them can be taken anywhere


@njit
def call(product, room, a, a0, rs, cs, b, b0, ldb, turned, bias, bias0, c, c0, ldc, m, n, k):
    """As the kernels call it; `bias0` < 0 for no bias. Places are counted in numbers."""
    before = address(bias, bias0) if bias0 >= 0 else 0
    b_at, c_at = address(b, b0), address(c, c0)
    call_product(product, address(room, 0), address(a, a0), rs, cs, b_at, ldb, turned, before, c_at, ldc, m, n, k)


def in_panels(w: Array) -> Array:
    """A matrix as wide ones lie in training: panel after panel."""
    return np.concatenate([w[:, low : low + PANEL].reshape(-1) for low in range(0, w.shape[1], PANEL)])


class Factors:
    """A (rows, k), B (k, columns) and a bias, in every form that the product reads."""

    def __init__(self, rows: int, columns: int, k: int, dtype: Any, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.k, self.dtype = k, np.dtype(dtype)
        self.a, self.b = rng.normal(size=(rows, k)).astype(dtype), rng.normal(size=(k, columns)).astype(dtype)
        self.bias = rng.normal(size=columns).astype(dtype)
        self.arrange()

    def arrange(self) -> None:
        """Write the forms anew, after a number was changed."""
        self.flat_a, self.flat_at = self.a.ravel(), np.ascontiguousarray(self.a.T).ravel()
        self.flat_b, self.panels = self.b.ravel(), in_panels(self.b.T)  # W = Bᵀ: its rows are B's columns

    def block(self, i: int, m: int, j: int, n: int, *, transposed: bool, turned: bool, bias: bool, ldc: int = 0) -> Array:
        """C's rows i..i+m and columns j..j+n by the product, after a look at the memory around."""
        k, (rows, columns) = self.k, (len(self.a), self.b.shape[1])
        ldc = ldc or n + (i + j) % 3
        room = np.full(PANEL * (k + 1), CANARY, self.dtype)
        c = np.full((m + 2, ldc), CANARY, self.dtype)
        call(
            product_address(self.dtype), room, self.flat_at if transposed else self.flat_a, i if transposed else i * k,
            1 if transposed else k, rows if transposed else 1, self.panels if turned else self.flat_b, 0 if turned else j,
            j if turned else columns, columns if turned else 0, self.bias, j if bias else -1, c.ravel(), ldc, ldc, m, n, k,
        )  # fmt: skip
        found = c[1 : m + 1, :n].copy()
        c[1 : m + 1, :n] = CANARY
        assert (room[PANEL * k :] == CANARY).all()
        assert (c == CANARY).all(), (i, m, j, n, k, transposed, turned, bias)
        return found

    def true(self, *, bias: bool) -> tuple[Array, Array]:
        """(C in double precision or better, the sum of the absolute values of what is added up)."""
        a, b = self.a.astype(np.longdouble), self.b.astype(np.longdouble)
        start = self.bias.astype(np.longdouble) if bias else np.zeros(b.shape[1])
        return a @ b + start, np.abs(a) @ np.abs(b) + np.abs(start)


FORMS = [
    {"transposed": transposed, "turned": turned, "bias": bias}
    for transposed in (False, True)
    for turned in (False, True)
    for bias in (False, True)
]


def check_grid(ms: Iterable[int], ns: Iterable[int], ks: Iterable[int], dtype: Any) -> int:
    """All of C is right, in every form; and blocks of every size from anywhere have the same bits."""
    ms, ns, count = list(ms), list(ns), 0
    for k in ks:
        factors = Factors(max(ms) + SPARE, max(ns) + SPARE, k, dtype, seed=k)
        rows, columns = len(factors.a), factors.b.shape[1]
        whole = {}
        for bias in (False, True):
            true, size = factors.true(bias=bias)
            forms = [form for form in FORMS if form["bias"] == bias]
            made = [factors.block(0, rows, 0, columns, **form) for form in forms]
            assert (np.abs(made[0] - true) <= (k + 1) * np.finfo(dtype).eps * size).all()
            for other in made[1:]:
                assert made[0].tobytes() == other.tobytes()
            whole[bias] = made[0]
        for m in ms:
            for n in ns:
                form, i, j = FORMS[count % len(FORMS)], 7 * count % SPARE, 11 * count % SPARE
                found = factors.block(i, m, j, n, **form)
                assert np.array_equal(found, whole[form["bias"]][i : i + m, j : j + n]), (i, m, j, n, k, form)
                count += 1
    return count


def check_infinities(dtype: Any) -> None:
    """NaN and infinities of A, B and the bias come where IEEE says, and nowhere else."""
    inf, nan = np.inf, np.nan
    for m, n, k in ((5, 70, 3), (OFTEN + 1, 67, 9), (13, 17, 66), (1, 1, 1)):
        factors = Factors(m, n, k, dtype)
        factors.a[0, 0], factors.b[k - 1, n - 1], factors.bias[n // 2] = inf, nan, -inf
        factors.a[m - 1, k // 2], factors.b[0, 0] = -inf, 0.0
        factors.arrange()
        for form in FORMS:
            found = factors.block(0, m, 0, n, **form)
            with np.errstate(invalid="ignore"):
                products = factors.a[:, :, None].astype(np.float64) * factors.b[None].astype(np.float64)
                true = products.sum(axis=1) + (factors.bias.astype(np.float64) if form["bias"] else 0.0)
            assert np.array_equal(np.isnan(found), np.isnan(true))
            assert np.array_equal(np.isposinf(found), np.isposinf(true))
            assert np.array_equal(np.isneginf(found), np.isneginf(true))
            assert np.isnan(found).any()
