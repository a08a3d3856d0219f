"""`scratchwork run RECIPE`: one of the sources reproduced."""

import argparse
import textwrap

from .. import recipes
from ..errors import look_up
from .arguments import checked
from .settings import SettingsError, whole

DESCRIPTION = """Reproduce one of the sources that the project starts from: its own setting
first, then the same net trained well, and a table of what the source got and
what we get. --list names the recipes."""

EPILOG = """examples:
  scratchwork run --list
  scratchwork run spirals
  scratchwork run walkthrough --data-dir ~/data/mnist --quick"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RECIPE and where to."""
    parser.add_argument("recipe", metavar="RECIPE", nargs="?", help="its name")
    parser.add_argument("--list", action="store_true", help="list the recipes")
    parser.add_argument("--out", metavar="FOLDER", help="folder for pictures and tables")
    parser.add_argument("--quick", action="store_true", help="a few epochs only, to see that it runs")
    parser.add_argument("--seed", type=checked(whole(0)), default=0, metavar="N", help="of everything random (default 0)")
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")


def run(options: argparse.Namespace) -> int:
    """List the recipes, or run one."""
    if options.list or options.recipe is None:
        wide = max(map(len, recipes.RECIPES), default=0)
        for name, summary in recipes.RECIPES.items():
            print(textwrap.fill(f"{name:<{wide}}  {summary}", 80, subsequent_indent=" " * (wide + 2)))
        if not options.list:
            raise SettingsError("which recipe? Give one of these names")
        return 0
    name = look_up(options.recipe, {name: name for name in recipes.RECIPES}, "recipe")
    result = recipes.run(name, data_dir=options.data_dir, out=options.out, quick=options.quick, seed=options.seed)
    print(result)
    return 0
