"""`scratchwork evaluate MODEL DATA`: measure a saved model on rows whose answer is known."""

import argparse

from .arguments import checked
from .models import PART_NAMES, choose_part, load_for, load_model
from .report import measure, measures_line, mistakes_text
from .settings import name_in
from .summary import left_out

DESCRIPTION = """Measure a saved model on data whose answers are known: accuracy, balanced
accuracy, log loss, the area under the ROC curve, the confusion matrix and the
worst mistakes for classes; rmse, mae and r2 for numbers.

Where DATA is what the model was trained on, the rows that were held out from
training are taken (--part train and --part all take others); the test part of
sets that have one; otherwise all rows. Columns of a table are found by
name, and rows without an answer are left out."""

EPILOG = """examples:
  scratchwork evaluate runs/digits-1 digits
  scratchwork evaluate runs/digits-1/model.safetensors digits --part all
  scratchwork evaluate runs/flowers-1 new-flowers.csv --target species"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, DATA and which rows."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or the folder of a run")
    parser.add_argument("data", metavar="DATA", help="a built-in set or a path")
    parser.add_argument("--target", metavar="COLUMN", help="the column of a table that holds the answers (as in training)")
    parser.add_argument(
        "--part", type=checked(name_in(PART_NAMES, "part")), default="auto", metavar="PART", help="auto, test, train or all"
    )
    parser.add_argument("--data-dir", metavar="FOLDER", help="where mnist and cifar10 are looked for first")


def run(options: argparse.Namespace) -> int:
    """Print the measures."""
    model = load_model(options.model)
    dataset = load_for(model, options.data, target=options.target, data_dir=options.data_dir)
    part, which = choose_part(model, dataset, options.part)
    result = measure(model, dataset, part)
    print(f"{dataset.name}: {which}, {len(part):,} rows")
    for line in left_out(dataset):
        print(line.strip())
    print(measures_line(result.measures))
    answers = result.answers
    if answers is None:
        return 0
    from ..pictures import text_confusion

    print(f"\n{text_confusion(answers.confusion, model.labels)}")
    if answers.right < len(answers):
        print(f"\n{len(answers) - answers.right:,} of {len(answers):,} wrong, the worst of them:\n")
        print(mistakes_text(model, dataset, part, answers))
    return 0
