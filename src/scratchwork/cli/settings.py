"""All settings of a training run: one tree of frozen dataclasses, filled from the data set's defaults, a file, and flags.

Each field carries its help text and its check, so that the flags of `scratchwork train`, the keys of a configuration
file and the entries of a run's config.json are one list.
"""

import dataclasses
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import ConfigurationError, MissingFileError, look_up, nearest_name
from ..initializers import INITIALIZERS
from ..losses import LOSSES
from ..perceptron import ACTIVATIONS
from .tables import (
    DATA_DEFAULTS,
    ENGINE_NAMES,
    OPTIMIZER_NAMES,
    PREPROCESSING,
    SCHEDULE_NAMES,
    SHORT_LOSSES,
    TASK_NAMES,
)

Check: TypeAlias = Callable[[Any], Any]
Overrides: TypeAlias = dict[str, Any]  # key -> checked value; keys are unique over all sections

NOTHING = (None, "", "none")
MOST_CONFIG = 1 << 20


class SettingsError(ConfigurationError):
    """A setting that cannot be meant: bad usage, where other errors say that a run failed."""


def whole(least: int, zero_means: str | None = None) -> Check:
    """A whole number of at least `least`; with `zero_means`, that word stands for 0."""

    def check(value: Any) -> int:
        if zero_means is not None and value in (0, "0", zero_means):
            return 0
        number = None if isinstance(value, bool | float) else _number(value, int)
        if number is None or number < least:
            words = f", or {zero_means}" if zero_means else ""
            raise SettingsError(f"a whole number of at least {least}{words} is needed; received {value!r}")
        return int(number)

    return check


def real(least: float, most: float = math.inf, *, above: bool = False, below: bool = False) -> Check:
    """A finite number in [least, most]; `above` and `below` leave an end out."""

    def check(value: Any) -> float:
        number = None if isinstance(value, bool) else _number(value, float)
        inside = number is not None and math.isfinite(number) and least <= number <= most
        if not inside or (above and number == least) or (below and number == most):
            low = f"{'above' if above else 'of at least'} {least:g}"
            high = "" if most == math.inf else f" and {'below' if below else 'at most'} {most:g}"
            raise SettingsError(f"a number {low}{high} is needed; received {value!r}")
        return float(number or 0.0)

    return check


def optional(inner: Check, word: str = "auto") -> Check:
    """What `inner` accepts, or None for `word`."""
    return lambda value: None if value is None or value == word else inner(value)


def name_in(table: Mapping[str, Any], what: str, short: Mapping[str, str] | None = None) -> Check:
    """A name of the table, in the spelling of the table; an unknown one gets the nearest as a proposal."""
    names = {**{name: name for name in table}, **(short or {})}

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise SettingsError(f"the name of a {what} is needed; received {value!r}: {nearest_name(str(value), names)}")
        try:
            return look_up(value, names, what)
        except ConfigurationError as error:
            raise SettingsError(str(error)) from None

    return check


def sizes(value: Any) -> tuple[int, ...]:
    """Layer sizes from 128,64 or a list; none (or nothing) for a linear model."""
    if value in NOTHING:
        return ()
    entries = value.replace(" ", "").split(",") if isinstance(value, str) else value
    numbers = [entries] if isinstance(entries, int) else entries
    try:
        return tuple(whole(1)(number) for number in numbers)
    except (SettingsError, TypeError):
        raise SettingsError(f"layer sizes like 128,64 are needed, or none for a linear model; received {value!r}") from None


def words(value: Any) -> tuple[str, ...] | None:
    """Column names from a,b,c or a list; None for all."""
    if value in NOTHING:
        return None
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, str) and entry.strip() for entry in entries):
        raise SettingsError(f"column names like age,height are needed; received {value!r}")
    return tuple(entry.strip() for entry in entries)


def text(value: Any) -> str:
    """Any text or whole number (a column by its number)."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise SettingsError(f"a name is needed; received {value!r}")
    return str(value)


def switch(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise SettingsError(f"true or false is needed; received {value!r}")
    return value


def _number(value: Any, kind: type) -> Any:
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        return None


def setting(default: Any, check: Check, help: str, show: str | None = None) -> Any:
    """A field with its check and its help; `show` is how flags call their value."""
    return field(default=default, metadata={"check": check, "help": help, "show": show})


@dataclass(frozen=True)
class DataSettings:
    """Which columns are used, how rows are divided, and what is done to them first."""

    target: str | None = setting(None, optional(text), "column of a table to predict, by name or number from 0", "COLUMN")
    features: tuple[str, ...] | None = setting(None, words, "columns of a table to predict from (all others)", "A,B,...")
    categories: tuple[str, ...] | None = setting(
        None, words, "columns of numbers that are codes, such as postal ones", "A,B,..."
    )
    task: str = setting("auto", name_in(TASK_NAMES, "task"), "what the target is: auto, classification or regression", "TASK")
    test_fraction: float = setting(
        0.2, real(0, 1, below=True), "part held out for the test, where the data has no test part of its own; 0: none", "F"
    )
    validation_fraction: float = setting(
        0.1, real(0, 1, below=True), "part of the training rows that epochs are compared on; 0: none", "F"
    )
    preprocessing: str = setting(
        "auto", name_in(PREPROCESSING, "preprocessing"), f"fitted on the training rows: {', '.join(PREPROCESSING)}", "NAME"
    )


@dataclass(frozen=True)
class NetworkSettings:
    """The network between the features and one output per class or number."""

    hidden: tuple[int, ...] = setting((64,), sizes, "sizes of the hidden layers, or none for a linear model", "128,64")
    activation: str = setting("relu", name_in(ACTIVATIONS, "activation"), f"one of {', '.join(ACTIVATIONS)}", "NAME")
    initializer: str = setting(
        "auto",
        name_in({"auto": None, **INITIALIZERS}, "initializer"),
        f"one of {', '.join(INITIALIZERS)}; auto suits the activation: glorot_uniform for tanh, he_normal for relu",
        "NAME",
    )
    input_dropout: float = setting(0.0, real(0, 1, below=True), "probability of dropping an input while training", "P")
    dropout: float = setting(0.0, real(0, 1, below=True), "probability of dropping a hidden unit while training", "P")
    batch_norm: bool = setting(False, switch, "normalize each hidden layer over the batch")


@dataclass(frozen=True)
class TrainingSettings:
    """What is minimized, and how."""

    loss: str = setting(
        "auto",
        name_in({"auto": None, **LOSSES}, "loss", SHORT_LOSSES),
        f"auto: SoftmaxCrossEntropy for classes, MeanSquaredError for numbers; or {', '.join(LOSSES)}; or mse, mae, hinge",
        "NAME",
    )
    label_smoothing: float = setting(0.0, real(0, 1, below=True), "share of each label spread over all classes", "S")
    optimizer: str = setting("adam", name_in(OPTIMIZER_NAMES, "optimizer"), f"one of {', '.join(OPTIMIZER_NAMES)}", "NAME")
    learning_rate: float | None = setting(
        None, optional(real(0, above=True)), "its greatest value where a schedule changes it; auto suits the optimizer", "R"
    )
    schedule: str = setting(
        "constant", name_in(SCHEDULE_NAMES, "schedule"), f"of the learning rate: {', '.join(SCHEDULE_NAMES)}", "NAME"
    )
    epochs: int = setting(100, whole(1), "times that all training rows are seen", "N")
    batch_size: int = setting(32, whole(1, "all"), "rows per step, or all", "N")
    l1: float = setting(0.0, real(0), "strength of the penalty λ Σ|w| on weights", "λ")
    l2: float = setting(0.0, real(0), "strength of the penalty ½ λ Σw² on weights", "λ")
    max_norm: float | None = setting(None, optional(real(0, above=True), "none"), "bound on the norm of a unit's weights", "C")
    clip_norm: float | None = setting(None, optional(real(0, above=True), "none"), "bound on the norm of the gradient", "C")
    patience: int = setting(
        0, whole(1, "none"), "stop after so many epochs without a better validation loss, and keep the best; none: never", "N"
    )
    threads: int | None = setting(
        None, optional(whole(1)), "threads that matrix products may use; auto: one for small networks", "N"
    )
    engine: str = setting(
        "auto", name_in(ENGINE_NAMES, "engine"), "auto: compiled where that can be (needs Numba); compiled; numpy", "NAME"
    )
    seed: int = setting(0, whole(0), "decides the split, the start, the order and the dropout masks", "N")


@dataclass(frozen=True)
class Settings:
    """The whole tree: [data], [network] and [training]."""

    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Section -> key -> value, without what is None: what config.json and a TOML file hold."""
        tree = {section: dataclasses.asdict(getattr(self, section)) for section in SECTIONS}
        return {
            section: {
                key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value is not None
            }
            for section, values in tree.items()
        }


SECTIONS: dict[str, Any] = {"data": DataSettings, "network": NetworkSettings, "training": TrainingSettings}
KEYS: dict[str, tuple[str, Any]] = {one.name: (name, one) for name, kind in SECTIONS.items() for one in fields(kind)}


def resolve(kind: str, overrides: Overrides) -> Settings:
    """Defaults, then those of this kind of data, then what was asked for; what does not go together is an error."""
    own = dict(DATA_DEFAULTS.get(kind, {}))
    if overrides.get("optimizer", own.get("optimizer", "adam")) != own.get("optimizer", "adam"):
        own.pop("learning_rate", None)  # tuned for another optimizer
    if "loss" in overrides and overrides["loss"] not in ("auto", "SoftmaxCrossEntropy", "CategoricalCrossEntropy"):
        own.pop("label_smoothing", None)
    if overrides.get("validation_fraction") == 0 and own.pop("patience", None):
        own.pop("epochs", None)  # so many only because most runs stop before
    values = {**own, **overrides}
    sections = {
        section: cls(**{one.name: values[one.name] for one in fields(cls) if one.name in values})
        for section, cls in SECTIONS.items()
    }
    settings = Settings(**sections)
    _check_together(settings, overrides)
    return settings


def _check_together(settings: Settings, overrides: Overrides) -> None:
    training, data = settings.training, settings.data
    if training.patience and data.validation_fraction == 0:
        raise SettingsError("--patience needs rows to compare epochs on: give a --validation-fraction above 0")
    smooth = ("auto", "SoftmaxCrossEntropy", "CategoricalCrossEntropy")
    if training.label_smoothing and training.loss not in smooth:
        raise SettingsError(
            f"--label-smoothing belongs to SoftmaxCrossEntropy and CategoricalCrossEntropy, not {training.loss}"
        )
    if training.optimizer == "lbfgs":
        wrong = [key for key in ("learning_rate", "schedule", "batch_size", "clip_norm", "max_norm") if overrides.get(key)]
        if wrong:
            raise SettingsError(f"lbfgs works on all rows and finds its own steps: leave {flag_of(wrong[0])} out")
        if settings.network.dropout or settings.network.input_dropout:
            raise SettingsError("lbfgs needs a loss that is the same at each evaluation: set --dropout 0 --input-dropout 0")


def flag_of(key: str) -> str:
    """--learning-rate for learning_rate."""
    return "--" + key.replace("_", "-")


def read_config(path: str) -> Overrides:
    """The settings of a TOML file with the tables [data], [network] and [training], or of a run's config.json."""
    file = Path(path)
    try:
        if file.exists() and (not file.is_file() or file.stat().st_size > MOST_CONFIG):
            raise SettingsError(f"the configuration file {path} cannot be read: it is no file of at most {MOST_CONFIG:,} bytes")
        content = file.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"there is no configuration file {path}") from None
    except OSError as error:
        raise SettingsError(f"the configuration file {path} cannot be read: {error.strerror or error}") from None
    try:
        document = json.loads(content) if file.suffix == ".json" else tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise SettingsError(f"{path} is no {kind}: {error}") from None
    if file.suffix == ".json" and isinstance(document, dict):
        document = document.get("settings", document)
    if not isinstance(document, dict):
        raise SettingsError(f"{path} holds no tables [data], [network], [training]")
    return _checked_document(document, path)


def _checked_document(document: dict[str, Any], path: str) -> Overrides:
    found: Overrides = {}
    for section, entries in document.items():
        if section not in SECTIONS:
            home = f"it belongs in the table [{KEYS[section][0]}]" if section in KEYS else nearest_name(section, SECTIONS)
            raise SettingsError(f"{path}: unknown table or key {section!r}: {home}")
        if not isinstance(entries, dict):
            raise SettingsError(f"{path}: {section} is a table: write [{section}], and its settings below")
        for key, value in entries.items():
            if key not in KEYS or KEYS[key][0] != section:
                known = [name for name, (home, _) in KEYS.items() if home == section]
                hint = f"it belongs in [{KEYS[key][0]}]" if key in KEYS else nearest_name(key, known)
                raise SettingsError(f"{path}: unknown key {key!r} in [{section}]: {hint}")
            try:
                found[key] = KEYS[key][1].metadata["check"](value)
            except SettingsError as error:
                raise SettingsError(f"{path}: {key}: {error}") from None
    return found
