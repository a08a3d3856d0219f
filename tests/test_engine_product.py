"""The product of the compiled path: every size around the edges of tiles, every form, every kind of processor."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from product_checks import CANARY, FORMS, SPARE, Factors, check_grid, check_infinities, in_panels
from scratchwork.engine import product
from scratchwork.engine.product import OFTEN, PANEL, VECTOR, WIDE

DTYPES = [np.float32, np.float64]
NEAR = [*range(1, 21), *range(31, 35), *range(47, 51), *range(63, 67), *range(95, 98), *range(127, 131)]
DEPTHS = [*range(1, 6), *range(15, 19), *range(31, 34), 47, 48, 49, *range(63, 67), 97, 127, 128, 129]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_size_around_the_edges_of_tiles(dtype):
    """Right to rounding against longer numbers, and the same bits wherever a block is cut from; nothing beside C is written."""
    ms = [*NEAR, *range(OFTEN - 1, OFTEN + 3)]
    assert check_grid(ms, NEAR, DEPTHS, dtype) == len(ms) * len(NEAR) * len(DEPTHS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(name for name in form if form[name]) or "plain")
def test_every_form_at_every_kind_of_tile(form, dtype):
    """Widths of whole vectors and of one number more or less, heights of each tile, in each form."""
    lanes = VECTOR // np.dtype(dtype).itemsize
    factors = Factors(OFTEN + 20 + SPARE, 2 * PANEL + 1 + SPARE, 19, dtype)
    whole = factors.block(0, OFTEN + 20 + SPARE, 0, 2 * PANEL + 1 + SPARE, **form)
    true, size = factors.true(bias=form["bias"])
    assert (np.abs(whole - true) <= 20 * np.finfo(dtype).eps * size).all()
    widths = {max(1, v * lanes + more) for v in (1, 2, 3, WIDE, WIDE + 1) for more in (-1, 0, 1)} | {PANEL, 2 * PANEL + 1}
    for n in widths:
        for m in (1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 23, OFTEN - 1, OFTEN, OFTEN + 20):
            i, j = (m * 5 + n) % SPARE, (m + n * 3) % SPARE
            assert np.array_equal(factors.block(i, m, j, n, **form), whole[i : i + m, j : j + n]), (i, m, j, n)


@pytest.mark.parametrize("ldc", [5, 6, 64, 200])
def test_rows_of_c_may_lie_far_apart(ldc):
    factors = Factors(20, 5, 8, np.float64)
    found = [factors.block(0, 20, 0, 5, ldc=ldc, **form) for form in FORMS]
    for form, made in zip(FORMS, found, strict=True):
        np.testing.assert_allclose(made, factors.true(bias=form["bias"])[0].astype(float), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_and_infinities(dtype):
    check_infinities(dtype)


def test_what_lies_beside_the_factors_does_not_count():
    """Next to the last row and column of A, B and the bias there may be NaN."""
    for form in FORMS:
        factors = Factors(30, 40, 7, np.float32)
        clean = factors.block(0, 29, 0, 39, **form)
        factors.a[29], factors.b[:, 39], factors.bias[39] = np.nan, np.nan, np.nan
        factors.arrange()
        assert factors.block(0, 29, 0, 39, **form).tobytes() == clean.tobytes()


def test_each_number_is_one_sum_in_the_order_of_k():
    """1e16 + 1 − 1e16 is 0 in this order, and 1 in the other: fused or not, and in every place of every tile."""
    factors = Factors(31, 77, 3, np.float64)
    factors.a[...], factors.b[...], factors.bias[...] = 1.0, np.array([[1e16], [1.0], [-1e16]]), 0.0
    factors.arrange()
    for form in FORMS:
        assert (factors.block(0, 31, 0, 77, **form) == 0).all()
    factors.b[...] = np.array([[1e16], [-1e16], [1.0]])
    factors.arrange()
    for form in FORMS:
        assert (factors.block(0, 31, 0, 77, **form) == 1).all()


def test_panels_lie_one_after_the_other():
    w = np.arange(2 * 130).reshape(2, 130)
    found = in_panels(w)
    assert found[:64].tolist() == list(range(64))
    assert found[64:128].tolist() == list(range(130, 194))
    assert found[-4:].tolist() == [128, 129, 258, 259]


def test_the_comparison_can_fail(monkeypatch):
    factors = Factors(9, 9, 4, np.float32)
    made = factors.block(0, 9, 0, 9, **FORMS[0])
    assert not np.array_equal(made, factors.block(1, 8, 0, 9, **FORMS[0])[:8])
    assert CANARY not in made
    true = Factors.true

    def shifted(self, *, bias):
        value, size = true(self, bias=bias)
        return value + 1e-3, size

    monkeypatch.setattr(Factors, "true", shifted)
    with pytest.raises(AssertionError):
        check_grid([9], [9], [4], np.float32)


# -- other processors ------------------------------------------------------------------------------------------------

ELSEWHERE = """
    import sys
    import llvmlite.binding as binding
    real = binding.get_host_cpu_features()
    class Features(dict):
        def flatten(self, sort=True):
            return ",".join(("+" if there else "-") + name for name, there in sorted(self.items()))
    pretended = Features({name: there and not name.startswith(%(without)r) for name, there in real.items()})
    binding.get_host_cpu_features = lambda: pretended
    sys.path.insert(0, %(tests)r)
    import numpy as np, scratchwork as sw
    from scratchwork.engine import product
    from numba.core.registry import cpu_target
    machine = cpu_target.target_context.codegen()._tm_features
    assert "+avx512f" not in machine, machine
    print(product.VECTOR, product.REGISTERS, product.WIDE)
    from product_checks import check_grid, check_infinities
    near = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 31, 33, 63, 64, 65, 66, 97, 130]
    for dtype in (np.float32, np.float64):
        check_grid([*near, 191, 192, 193], near, [1, 2, 16, 17, 65], dtype)
        check_infinities(dtype)
    import pytest
    assert pytest.main(["-q", "-n0", "-p", "no:cacheprovider", %(tests)r + "/test_engine_exponential.py"]) == 0
    from two_paths import require_agreement
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(70, 80)), rng.integers(0, 3, 70)
    for dtype in (np.float32, np.float64):
        network = sw.Sequential([sw.Dense(130), sw.Tanh(), sw.Dense(70), sw.ELU(), sw.Dense(3)])
        network.build(80, 0, dtype)
        require_agreement(network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.SGD(0.05, momentum=0.9), tolerance=1e-5)
    print("fine")
"""
SSE = ("avx", "fma", "f16c", "vaes", "vpclmul", "gfni", "xop", "evex", "amx")
PROCESSORS = {
    "haswell": (("avx512", "evex", "amx", "avx10"), "+avx,+avx2,+fma,-avx512f", "32 16 2"),
    "x86-64-v2": (SSE, "-avx,-avx2,-fma,-avx512f", "16 16 2"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PROCESSORS)
def test_other_processors(name, tmp_path):
    """Products, exponentials, and a whole fit against NumPy's path, compiled for less than this processor."""
    if not product.FEATURES.get("avx2"):  # already the least that there is
        assert VECTOR == 16
        return
    without, features, said = PROCESSORS[name]
    program = textwrap.dedent(ELSEWHERE) % {"without": without, "tests": str(Path(__file__).parent)}
    settings = {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    environment: dict[str, Any] = {**os.environ, **settings, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=230, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == (said, "fine")
