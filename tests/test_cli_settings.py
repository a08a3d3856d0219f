"""Settings: defaults, then a file, then flags; and each mistake with the name that was probably meant."""

import dataclasses
import json

import pytest

from scratchwork.cli.settings import (
    KEYS,
    SECTIONS,
    Settings,
    SettingsError,
    name_in,
    read_config,
    real,
    resolve,
    sizes,
    whole,
    words,
)
from scratchwork.cli.tables import DATA_DEFAULTS, FIVE_SEED_MEAN, LEARNING_RATES, OPTIMIZER_NAMES, SCHEDULE_NAMES, SET_LINES
from scratchwork.data import BUILT_IN
from scratchwork.errors import MissingFileError
from source_code import ROOT


def test_each_key_stands_in_one_section_only():
    assert len(KEYS) == sum(len(dataclasses.fields(kind)) for kind in SECTIONS.values())


@pytest.mark.parametrize("kind", DATA_DEFAULTS)
def test_the_defaults_of_every_kind_pass_their_own_checks(kind):
    for key, value in DATA_DEFAULTS[kind].items():
        assert KEYS[key][1].metadata["check"](value) == value
    resolve(kind, {})


def test_tables_belong_together():
    assert set(SET_LINES) == set(BUILT_IN)
    assert set(DATA_DEFAULTS) == {*BUILT_IN, "images", "table"}
    assert set(LEARNING_RATES) == set(OPTIMIZER_NAMES) - {"lbfgs"}
    for make in SCHEDULE_NAMES.values():
        for steps in (1, 2, 100):
            schedule = make(0.1, steps)
            rates = [schedule(step) if callable(schedule) else schedule for step in range(steps)]
            assert 0 < max(rates) <= 0.1 * (1 + 1e-9)


def test_the_mean_that_is_printed_is_the_one_that_was_measured():
    for name, (mean, script) in FIVE_SEED_MEAN.items():
        measured = json.loads((ROOT / "benchmarks" / "results" / f"{name}_accuracy.json").read_text())
        assert round(measured["mean"], 4) == mean
        assert [run["seed"] for run in measured["runs"]] == [0, 1, 2, 3, 4]
        assert measured["mean"] >= 0.975
        assert (ROOT / script).is_file()


def test_what_is_asked_for_wins_over_what_suits_the_data():
    settings = resolve("digits", {"hidden": (7,), "seed": 3})
    assert settings.network.hidden == (7,)
    assert settings.training.seed == 3
    assert settings.training.epochs == DATA_DEFAULTS["digits"]["epochs"]


def test_a_rate_tuned_for_one_optimizer_is_not_used_with_another():
    assert resolve("digits", {}).training.learning_rate == DATA_DEFAULTS["digits"]["learning_rate"]
    assert resolve("digits", {"optimizer": "sgd"}).training.learning_rate is None
    assert resolve("digits", {"optimizer": "sgd", "learning_rate": 0.3}).training.learning_rate == 0.3


def test_label_smoothing_of_the_defaults_gives_way_to_a_hinge():
    assert resolve("digits", {"loss": "MulticlassHinge"}).training.label_smoothing == 0


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ({"patience": 3, "validation_fraction": 0.0}, "--validation-fraction"),
        ({"label_smoothing": 0.1, "loss": "Huber"}, "--label-smoothing"),
        ({"optimizer": "lbfgs", "learning_rate": 0.1}, "--learning-rate"),
        ({"optimizer": "lbfgs", "dropout": 0.1}, "--dropout"),
    ],
)
def test_settings_that_do_not_go_together(overrides, told):
    with pytest.raises(SettingsError, match=told):
        resolve("", overrides)


def test_lbfgs_accepts_all_rows():
    assert resolve("", {"optimizer": "lbfgs", "batch_size": 0}).training.batch_size == 0


@pytest.mark.parametrize(
    ("check", "given", "expected"),
    [
        (whole(1), "3", 3),
        (whole(1, "all"), "all", 0),
        (real(0, 1), "0.5", 0.5),
        (real(0), 2, 2.0),
        (sizes, "128, 64", (128, 64)),
        (sizes, [5], (5,)),
        (sizes, 5, (5,)),
        (sizes, "none", ()),
        (words, "a, b", ("a", "b")),
        (name_in({"leaky_relu": 0}, "activation"), "LeakyReLU", "leaky_relu"),
    ],
)
def test_checks_accept(check, given, expected):
    assert check(given) == expected


@pytest.mark.parametrize(
    ("check", "given"),
    [
        (whole(1), "0"),
        (whole(1), "1.5"),
        (whole(1), 2.0),
        (whole(1), True),
        (whole(1), None),
        (real(0, 1, below=True), "1"),
        (real(0, above=True), 0),
        (real(0), "nan"),
        (real(0), "inf"),
        (real(0), "-1"),
        (real(0), True),
        (sizes, "0"),
        (sizes, "3,,4"),
        (sizes, [True]),
        (sizes, 3.5),
        (words, ["a", 1]),
        (words, "a,,b"),
        (name_in({"relu": 0}, "activation"), 3),
        (name_in({"relu": 0}, "activation"), "rellu"),
    ],
)
def test_checks_refuse(check, given):
    with pytest.raises(SettingsError):
        check(given)


def test_a_toml_file(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[data]\ntest_fraction = 0.25\n[network]\nhidden = [8, 4]\nactivation = "Tanh"\n[training]\nepochs = 2\n')
    assert read_config(str(file)) == {"test_fraction": 0.25, "hidden": (8, 4), "activation": "tanh", "epochs": 2}


def test_the_settings_of_a_run_come_back_from_its_config(tmp_path):
    settings = resolve("digits", {"seed": 5, "max_norm": 2.0})
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"data": "digits", "settings": settings.to_dict()}))
    assert resolve("", read_config(str(file))) == settings
    assert Settings().to_dict()["network"]["hidden"] == [64]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[network]\nhiden = [3]", "did you mean 'hidden'"),
        ("[netwrok]\nhidden = [3]", "did you mean 'network'"),
        ("hidden = [3]", r"belongs in the table \[network\]"),
        ("[network]\nepochs = 3", r"belongs in \[training\]"),
        ("[training]\nepochs = 0", "epochs: a whole number"),
        ('[training]\noptimizer = "adm"', "did you mean 'adam'"),
        ("network = 3", r"write \[network\]"),
        ("[network", "no TOML"),
    ],
)
def test_mistakes_in_a_file(tmp_path, text, told):
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=told):
        read_config(str(file))


def test_files_that_are_none(tmp_path):
    with pytest.raises(MissingFileError, match=r"nowhere\.toml"):
        read_config(str(tmp_path / "nowhere.toml"))
    with pytest.raises(SettingsError, match="cannot be read"):
        read_config(str(tmp_path))
    (tmp_path / "c.json").write_text("[1]")
    with pytest.raises(SettingsError, match="holds no tables"):
        read_config(str(tmp_path / "c.json"))
    (tmp_path / "d.json").write_text("{")
    with pytest.raises(SettingsError, match="no JSON"):
        read_config(str(tmp_path / "d.json"))
