"""The book's contents are those of the source: every file once, in the order in which it may be read."""

import re
from itertools import pairwise

import pytest

from source_code import ROOT, SOURCE, files
from test_meta_order import ORDER, place

INDEX = ROOT / "docs" / "index.md"
BY_THE_PACKAGE = ("recipes.", "cli.")  # named as a whole: their files are programs side by side
NO_CHAPTER = {"_version", "__main__"}


def chapters(text: str) -> list[str]:
    """The modules that the tables name, in their order: "layers.dense", "" for the root."""
    paths = re.findall(r"^\| \[[^]]+\]\(\.\./src/scratchwork/([^)]+)\.py\) \| \S", text, re.MULTILINE)
    return [path.removesuffix("__init__").strip("/").replace("/", ".") for path in paths]


def test_every_file_has_its_line():
    wanted = {name for name in files() if not name.startswith(BY_THE_PACKAGE)} - NO_CHAPTER
    named = chapters(INDEX.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(wanted)


def test_the_lines_stand_in_the_house_order():
    places = [place(name, ORDER) for name in chapters(INDEX.read_text(encoding="utf-8"))]
    for (unit, inner), (next_unit, next_inner) in pairwise(places):
        free = unit == next_unit and not list(ORDER.values())[unit]  # packages without an order inside
        assert free or (unit, inner) < (next_unit, next_inner)


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_link_between_files_leads_somewhere(page):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) if "://" not in target]
    missing = [target for target in targets if not (ROOT / "docs" / target).exists()]
    assert not missing, f"docs/{page} links to {missing}"


def test_files_that_numerics_names_are_there():
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)?\.py)`", (ROOT / "docs" / "numerics.md").read_text(encoding="utf-8"))
    assert len(named) > 5
    assert [name for name in named if not (SOURCE / name).is_file()] == []
