"""The package as users get it: small, complete, without the tests, and working where the repository is not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import scratchwork
from source_code import ROOT

pytestmark = pytest.mark.slow

PROGRAM = """
import pathlib, sys
import numpy as np
import scratchwork as sw
assert pathlib.Path(sw.__file__).is_relative_to(sys.argv[1]), sw.__file__
digits = sw.data.digits()
x, y = digits.x[:256] / 16, digits.y[:256]
network = sw.Sequential([sw.Dense(16), sw.ReLU(), sw.Dense(10)])
history = sw.fit(network, x, y, loss=sw.SoftmaxCrossEntropy(), optimizer=sw.Adam(1e-3), epochs=1, batch_size=64,
                 metrics=["accuracy"], seed=0, progress=False)
sw.save(network, "model.safetensors")
assert np.array_equal(sw.load("model.safetensors").predict(x), network.predict(x))
print(len(history["loss"]), sw.__version__)
"""


def run(*arguments: str | Path, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONWARNINGS"}}
    done = subprocess.run(
        [str(argument) for argument in arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{arguments[0]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, folder=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", target]
    run(sys.executable, *pip, wheel, folder=target)
    return target


def test_it_is_small_and_complete(wheel):
    assert wheel.name == f"scratchwork-{scratchwork.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size <= 1_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "src"
    ours = {path.relative_to(source).as_posix() for path in (source / "scratchwork").rglob("*") if path.is_file()}
    ours = {name for name in ours if "__pycache__" not in name}
    assert ours <= names, f"missing in the wheel: {sorted(ours - names)}"
    assert "scratchwork/py.typed" in names
    assert any("digits" in name and not name.endswith(".py") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        outside = [name for name in archive.namelist() if not name.startswith(("scratchwork/", "scratchwork-"))]
        own = ("__pycache__/", "/test", "/conftest")
        inside = [name for name in archive.namelist() if any(part in f"/{name.lower()}" for part in own)]
    assert outside == []
    assert inside == []


def test_it_trains_saves_and_loads_where_the_repository_is_not(installed, tmp_path):
    # -P keeps the caller's folder out; the target comes first, before the repository that is installed as editable.
    program = f"import sys; sys.path.insert(0, {str(installed)!r})\n{PROGRAM}"
    out = run(sys.executable, "-P", "-W", "error", "-c", program, installed, folder=tmp_path)
    assert out.split() == ["1", scratchwork.__version__]


def test_its_command_starts(installed, tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); from scratchwork.cli import main; sys.exit(main(['--help']))"
    )
    out = run(sys.executable, "-P", "-W", "error", "-c", program, folder=tmp_path)
    assert "scratchwork" in out
