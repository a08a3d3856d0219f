"""Run the recipes in full, keep their numbers in benchmarks/results/recipes.json, and write the tables of docs/recipes.md.

    OPENBLAS_NUM_THREADS=1 SCRATCHWORK_DATA=FOLDER python benchmarks/recipes.py [NAME ...]

Without names all recipes are run, in 20 to 40 minutes; with names the others keep the numbers that they have.
`--tables` runs nothing: it writes the tables again, with the titles and remarks that the recipes have now. MNIST must be
there, or be downloadable.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "recipes.json"
PAGE = ROOT / "docs" / "recipes.md"
BEGIN = "<!-- written by benchmarks/recipes.py from benchmarks/results/recipes.json: begin -->"
END = "<!-- end of what benchmarks/recipes.py writes -->"
HEADLINES = ("test accuracy", "development accuracy", "mean squared error", "sum of squares")


def overview(results: dict[str, Any]) -> list[str]:
    """One table: what the source got, what its setting gives here, what the same net gives trained well."""
    lines = ["| recipe | measure | the source | its setting, here | trained well |", "|---|---|---:|---:|---:|"]
    for name, result in results.items():
        rows = [row for row in result["rows"] if row["measure"] in HEADLINES]
        well = [row for row in rows if row["kind"] == "well"]
        source = [row for row in rows if row["kind"] == "source"]
        measures = " / ".join(dict.fromkeys(row["measure"] for row in rows))
        stated = next((row["source"] for row in source if row["source"]), "not stated")
        lines.append(f"| [{name}](#{name}) | {measures} | {stated} | {span(source)} | {span(well)} |")
    return lines


def span(rows: list[dict[str, Any]]) -> str:
    """One number as it is, several as from the least to the largest mean."""
    if len(rows) == 1:
        return str(rows[0]["here"])
    shown = sorted({row["here"].partition(" ")[0] for row in rows if row["here"] != "nan"}, key=float)
    return shown[0] if len(shown) == 1 else f"{shown[0]} … {shown[-1]}"


def section(name: str, result: dict[str, Any]) -> list[str]:
    """A recipe's own part: every number, the further tables, the remarks."""
    lines = [f"### {name}", "", f"{result['title']}.", "", "| setting | measure | the source | here |", "|---|---|---:|---:|"]
    lines += [
        f"| {row['setting']} | {row['measure']} | {row['source'] or 'not stated'} | {row['here']} |" for row in result["rows"]
    ]
    for block in result["details"]:
        lines += ["", "```text", *block, "```"]
    for note in result["notes"]:
        lines += ["", note]
    machine = result["machine"]
    threads = machine["thread_settings"].get("OPENBLAS_NUM_THREADS") or machine["blas_threads"] or "?"
    return [
        *lines,
        "",
        f"*{result['seconds']:.0f} seconds on {machine['processor']}, {machine['cores']} cores, {machine['python']}, NumPy "
        f"{machine['numpy']} ({machine['blas']}, BLAS threads: {threads}), scratchwork {machine['versions']['scratchwork']}, "
        f"{machine['date']}.*",
        "",
    ]


def tables(results: dict[str, Any]) -> str:
    """All that stands between the markers of the page."""
    lines = [*overview(results), ""]
    for name, result in results.items():
        lines += section(name, result)
    return "\n".join(lines).rstrip() + "\n"


def with_tables(page: str, results: dict[str, Any]) -> str:
    """The page with its tables replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}"


def with_words(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """The numbers as they were measured, with the title and the remarks as the recipe has them now."""
    recipe = importlib.import_module(f"scratchwork.recipes.{name.replace('-', '_')}")
    notes = [" ".join(note.split()) for note in recipe.NOTES]
    if getattr(recipe, "WITHOUT_CIFAR10", None) in result["notes"]:
        notes.append(recipe.WITHOUT_CIFAR10)
    return {**result, "title": recipe.TITLE, "notes": notes}


def main() -> int:
    from machine import describe_machine, write_result
    from scratchwork.recipes import RECIPES, run
    from scratchwork.storage.files import atomic_write_text

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--tables", action="store_true", help="only write the tables again")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in () if arguments.tables else arguments.names or RECIPES:
        machine = describe_machine()
        result = run(name)
        print(result, end="\n\n", flush=True)
        results[name] = {**result.to_json(), "machine": machine}
        results = {known: results[known] for known in RECIPES if known in results}
        write_result("recipes", results)
        atomic_write_text(PAGE, with_tables(PAGE.read_text(encoding="utf-8"), results))
    results = {name: with_words(name, result) for name, result in results.items()}
    write_result("recipes", results)
    atomic_write_text(PAGE, with_tables(PAGE.read_text(encoding="utf-8"), results))
    print(f"written to {os.path.relpath(RESULTS)} and {os.path.relpath(PAGE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
