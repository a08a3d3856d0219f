"""`import scratchwork` needs NumPy (and, at most, safetensors) and nothing else that anybody would have to install."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

CORE = {"scratchwork", "numpy", "safetensors"}

# What an import of the library must leave alone because it is slow to import or only some users need it.
LATER = ["argparse", "multiprocessing", "concurrent", "csv", "http", "urllib.request", "xml", "unittest", "asyncio", "sqlite3"]

PROGRAM = """
import json, sys
before = set(sys.modules)
import numpy
with_numpy = set(sys.modules)
{statement}
print(json.dumps([sorted(set(sys.modules) - before), sorted(set(sys.modules) - with_numpy)]))
"""


def loaded(statement: str) -> tuple[set[str], set[str]]:
    """Modules that a fresh process loads for this statement after NumPy: all of them, and those NumPy had not loaded."""
    program = PROGRAM.format(statement=statement)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"a fresh process could not run {statement!r}:\n{done.stderr}"
    everything, added = json.loads(done.stdout)
    return set(everything), set(added)


def foreign(modules: set[str]) -> set[str]:
    """Top-level names that come from an installed distribution other than the core's."""
    owners = importlib.metadata.packages_distributions()
    names = {module.partition(".")[0] for module in modules} - CORE
    return {name for name in names if name in owners and name not in sys.stdlib_module_names}


@pytest.fixture(scope="module")
def package() -> tuple[set[str], set[str]]:
    return loaded("import scratchwork as sw; sw.Dense, sw.Adam, sw.SoftmaxCrossEntropy, sw.fit, sw.Model, sw.save")


def test_nothing_that_must_be_installed_is_imported(package):
    everything, _ = package
    assert "scratchwork.layers.dense" in everything  # else the statement proves nothing
    assert foreign(everything) == set()


def test_what_costs_time_is_imported_where_it_is_used(package):
    _, added = package
    assert sorted(name for name in LATER if name in added) == []


def test_the_package_is_no_heavier_when_its_names_are_listed():
    """`dir` and tab completion must not pull the optional parts in."""
    everything, _ = loaded("import scratchwork; dir(scratchwork)")
    assert foreign(everything) == set()


def test_the_check_can_fail():
    everything, added = loaded("import scratchwork, hypothesis, csv")
    assert "hypothesis" in foreign(everything)
    assert "csv" in added
