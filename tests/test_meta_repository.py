"""The repository as a whole: versions that agree, pins that are plain, and nothing of the machine it was written on."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import scratchwork
from source_code import ROOT, tracked_files

# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = ["/" + name + "/" for name in ("work", "root", "home", "Users")]
PACKAGE_HOSTS = ["py" + "pi.org", "python" + "hosted.org", "download.py" + "torch.org", "ana" + "conda.org", "npm" + "js.org"]
LOCK_FILES = {"uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "pdm.lock", "package-lock.json", "yarn.lock"}


def texts() -> dict[str, str]:
    """The text files of the repository by their name; pictures, archives and models are left out."""
    found = {}
    for path in tracked_files():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", entry), f"constraints.txt holds more than name==version: {entry!r}"
    return dict(entry.split("==") for entry in entries)


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere():
    version = scratchwork.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert project()["project"]["dynamic"] == ["version"]


def test_no_file_names_the_machine_it_was_written_on():
    found = [
        f"{name}, line {number}: {word}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        for word in [*MACHINE_PATHS, *PACKAGE_HOSTS]
        if word in line
    ]
    assert not found, "\n".join(found)


def test_no_lock_file_records_download_addresses():
    assert sorted(path.name for path in tracked_files() if path.name in LOCK_FILES) == []


def test_no_run_nor_cache_is_in_the_repository():
    unwanted = re.compile(r"(^|/)(runs|__pycache__|\.venv|dist|build|\.hypothesis)/|\.(pyc|tmp)$")
    assert [name for path in tracked_files() if unwanted.search(name := path.relative_to(ROOT).as_posix())] == []


def test_no_file_is_large():
    """A clone stays quick: data sets are downloaded or made, not kept."""
    large = {path.name: path.stat().st_size for path in tracked_files() if path.stat().st_size > 600_000}
    assert not large


def test_each_dependency_is_pinned_within_its_bounds():
    table = project()["project"]
    requirements = [Requirement(text) for text in table["dependencies"]]
    requirements += [Requirement(text) for texts in table["optional-dependencies"].values() for text in texts]
    pinned = pins()
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name == "scratchwork":
            continue
        assert name in pinned, f"{name} is in pyproject.toml and not in constraints.txt"
        assert requirement.specifier.contains(pinned[name]), f"{name}=={pinned[name]} is outside {requirement.specifier}"


def test_the_core_depends_on_two_packages():
    assert {Requirement(text).name for text in project()["project"]["dependencies"]} == {"numpy", "safetensors"}


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "Makefile"]
)
def test_the_papers_of_the_project_are_there(name):
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_the_makefile_explains_its_goals():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    goals = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert goals is not None
    for goal in goals.group(1).split():
        assert re.search(rf"^{goal}:.*## \w", makefile, re.MULTILINE), f"make help does not explain {goal}"


def test_what_ci_runs_is_what_the_makefile_offers():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (\w+)$", script, re.MULTILINE) == ["test", "lint", "slow"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_readers_of_text_find_what_they_look_for():
    assert any(word in "see /" + "home/me/x" for word in MACHINE_PATHS)
    assert any(word in "https://files.python" + "hosted.org/x" for word in PACKAGE_HOSTS)
    assert {"Makefile", "pyproject.toml", "src/scratchwork/__init__.py"} <= set(texts())


def test_names_of_tests_are_the_same_in_every_process(request):
    """Addresses and times in them are not, and then pytest-xdist ends before the first test."""
    passing = re.compile(r" at 0x|\\x1f\\x8b\\x08\\x00(?!(\\x00){4})")
    assert not [item.nodeid for item in request.session.items if passing.search(item.nodeid)]
