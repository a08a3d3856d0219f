"""Compiled code is kept on disk: the second process does not compile, and where nothing can be kept all works the same."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from source_code import SOURCE

pytestmark = pytest.mark.slow

PROGRAM = """
    import numpy as np, scratchwork as sw
    from scratchwork.engine.interpreter import run_steps
    x, y = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32), np.arange(60) % 3
    deep = [sw.Dense(4), sw.BatchNorm(), sw.Tanh(), sw.Dropout(0.2), sw.Dense(3)]
    for layers in ([sw.Dense(70), sw.ReLU(), sw.Dense(3)], deep):
        network = sw.Sequential(layers)
        sw.fit(network, x, y, loss="SoftmaxCrossEntropy", optimizer="Adam", engine="compiled", epochs=2)
        print(network.flat().value.tobytes().hex())
    stats = run_steps.stats
    print("kept" if stats.cache_path else "not kept", sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def process(house: Path, **environment: str) -> tuple[list[str], str, str]:
    """(weights of two networks, whether code is kept with hits and misses, what was said); the package is that in `house`."""
    own = {"PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PROGRAM)],
        capture_output=True, text=True, timeout=300, env={**os.environ, **own, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *weights, cache = done.stdout.splitlines()
    return weights, cache, done.stderr


@pytest.fixture
def house(tmp_path):
    """A copy of the package without anything compiled, which processes import instead of the installed one."""
    shutil.copytree(SOURCE, tmp_path / "scratchwork", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_what_one_process_compiled_the_next_one_loads(house):
    cold = process(house)
    assert cold[1] == "kept 0 1"
    assert cold[2].count("compiling the fast path") == 1
    kept = {path.name: path.stat().st_mtime_ns for path in (house / "scratchwork" / "engine" / "__pycache__").glob("*.nb?")}
    assert any("run_steps" in name for name in kept)
    warm = process(house)
    assert warm == (cold[0], "kept 1 0", "")
    again = {path.name: path.stat().st_mtime_ns for path in (house / "scratchwork" / "engine" / "__pycache__").glob("*.nb?")}
    assert again == kept


def test_what_any_file_of_the_compiled_path_changed_is_not_loaded(house):
    """Numba looks at the file of the outermost function alone; what that calls lies in others."""
    before = process(house)
    kernels = house / "scratchwork" / "engine" / "kernels_activation.py"
    kernels.write_text(kernels.read_text().replace("e / (e + 2)", "e / (e + 3)"))
    after = process(house)
    assert after[1] == "kept 0 1"
    assert after[0] != before[0]


def test_where_nothing_can_be_kept_it_still_works(house, tmp_path):
    """Neither beside the source nor in the home: files stand where the folders would be, which stops root too."""
    kept = process(house)
    shutil.rmtree(house / "scratchwork" / "engine" / "__pycache__")
    (house / "scratchwork" / "engine" / "__pycache__").write_text("")
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "cache")
    weights, cache, said = process(house, HOME=nowhere, XDG_CACHE_HOME=nowhere, NUMBA_CACHE_DIR="")
    assert weights == kept[0]
    assert cache == "not kept 0 1"
    assert said.count("compiling the fast path") == 1


def test_a_folder_of_one_s_own(house, tmp_path):
    (house / "scratchwork" / "engine" / "__pycache__").write_text("")
    first = process(house, NUMBA_CACHE_DIR=str(tmp_path / "kept"))
    assert process(house, NUMBA_CACHE_DIR=str(tmp_path / "kept")) == (first[0], "kept 1 0", "")
