"""A run goes on from a checkpoint with the same bits; what is damaged, foreign or cannot be written is one sentence."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import checkpointed
import scratchwork as sw
from checkpointed import network, numbers, outcome, trained
from scratchwork.errors import ConfigurationError, FileFormatError, ScratchworkError, StorageError
from scratchwork.estimators.stopping import Convergence
from scratchwork.storage import files as layer
from scratchwork.storage.checkpoints import Checkpoints
from scratchwork.storage.models import read_arrays, to_bytes

engines = pytest.mark.parametrize("engine", ["numpy", "compiled"])


class CutError(Exception):
    """A power cut, as far as a callback can make one."""


class CutAt(sw.Callback):
    every_batch = False

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, run):
        if run.step >= self.step:
            raise CutError


class InterruptAt(sw.Callback):
    def __init__(self, step):
        self.step = step

    def on_batch_end(self, run):
        if run.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(autouse=True)
def interruptible_as_in_a_terminal():
    """A shell gives what it runs in the background no Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nobody pulls the plug here: what waits for the disk is tested elsewhere."""
    monkeypatch.setattr(layer.os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def whole():
    return {engine: outcome(None, engine) for engine in ("numpy", "compiled")}


def cut(folder, step, engine="numpy", **settings):
    with pytest.raises(CutError):
        trained(folder, engine, callbacks=(CutAt(step),), **settings)


# Exact resume


@engines
@pytest.mark.parametrize("every", [1, 2, 5, None])
def test_cut_at_any_step_and_resumed_is_never_interrupted(tmp_path, engine, every, whole):
    for step in range(1, 31, 3 if every else 4):
        folder = tmp_path / f"{step}"
        cut(folder, step, engine, every=every)
        assert outcome(folder, engine, every=every) == whole[engine], f"cut at step {step}"


@engines
def test_many_cuts_of_one_run(tmp_path, engine, whole):
    for step in range(2, 30):
        cut(tmp_path, step, engine, every=1)
    assert outcome(tmp_path, engine, every=1) == whole[engine]


@engines
def test_how_often_changes_no_bit_also_by_the_clock(tmp_path, engine, whole):
    for seconds in (1e-9, 0.01, 1e9):
        place = Checkpoints(tmp_path / str(seconds), seconds=seconds)
        assert outcome(place, engine) == whole[engine]
        assert place.files(), "a run that has ended leaves one in any case"
    folder = tmp_path / "cut"
    cut(Checkpoints(folder, seconds=1e-9), 17, engine)
    assert 10 < int(Checkpoints(folder).files()[0].stem[5:]) < 18, "in the middle of an epoch"
    assert outcome(Checkpoints(folder, seconds=1e-9), engine) == whole[engine]


@engines
def test_a_run_that_has_ended_comes_back_at_once(tmp_path, engine, whole):
    assert outcome(tmp_path, engine) == whole[engine]
    count = []
    assert outcome(tmp_path, engine, callbacks=[sw.Monitor(count.append)]) == whole[engine]
    assert not count


@engines
def test_more_epochs_than_before_go_on(tmp_path, engine):
    def quiet(folder, epochs):
        found, learned = checkpointed.rows(), network()
        settings = {} if folder is None else {"checkpoint": folder, "resume": True}
        rule = sw.SGD(0.05, momentum=0.9)
        history = sw.fit(learned, found.x, found.y, loss="SoftmaxCrossEntropy", optimizer=rule, epochs=epochs, engine=engine,
                         progress=False, **settings)  # fmt: skip
        return learned.flat().value.tobytes(), numbers(history)

    quiet(tmp_path, 2)
    assert quiet(tmp_path, 5) == quiet(None, 5)
    assert json.loads(quiet(tmp_path, 3)[1]) == json.loads(quiet(None, 5)[1]), "fewer than there were: nothing is taken back"


@engines
@pytest.mark.parametrize("step", [1, 4, 6, 9, 12, 29])  # six steps an epoch: in its middle, and at its last step
def test_control_c_writes_one_and_the_run_goes_on(tmp_path, engine, step, whole):
    place = Checkpoints(tmp_path, seconds=1e9)
    _, history = trained(place, engine, callbacks=(InterruptAt(step),))
    assert history.stopped == "interrupted" if step < 30 else "early stopping"
    assert [path.name for path in place.files()] == [f"step-{step:012d}.checkpoint"]
    assert outcome(place, engine) == whole[engine]


def test_a_second_control_c_is_no_moment_to_go_on_from(tmp_path, whole):
    class Twice(InterruptAt):
        def on_batch_end(self, run):
            if run.step == self.step:
                run.network.flat().value[...] = 0.0  # as far as an update had come
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, every=4, callbacks=(Twice(10),))
    assert Checkpoints(tmp_path).files()[0].name == "step-000000000008.checkpoint"
    assert outcome(tmp_path) == whole["numpy"]


def test_early_stopping_that_meets_control_c_stays_what_it_was(tmp_path, whole):
    class LastMoment(sw.Callback):
        def on_epoch_end(self, run):
            if run.stop == "early stopping":
                os.kill(os.getpid(), signal.SIGINT)

    assert outcome(tmp_path, callbacks=[LastMoment()]) == whole["numpy"]
    assert outcome(tmp_path) == whole["numpy"]


@engines
@pytest.mark.parametrize("step", [8, 12])  # in the middle of the second epoch, and at its last step
def test_a_run_that_a_callback_has_ended_is_killed_before_the_entry_of_its_epoch(tmp_path, engine, step):
    class StopAt(sw.Callback):
        def on_batch_end(self, run):
            if run.step == step:
                run.stop = "enough"

    class CutBeforeItIsWritten(sw.Callback):
        def on_epoch_end(self, run):
            if run.step == step:
                raise CutError

    wanted = outcome(None, engine, callbacks=(StopAt(),))
    with pytest.raises(CutError):
        trained(tmp_path, engine, every=1, callbacks=(StopAt(), CutBeforeItIsWritten()))
    assert outcome(tmp_path, engine, every=1, callbacks=(StopAt(),)) == wanted


def test_a_model_goes_on_with_its_preprocessing(tmp_path):
    def learned(folder, **settings):
        rows = checkpointed.rows()
        model = sw.Model(network(), preprocessing=[sw.preprocessing.Standardize()])
        names = np.array(["a", "b", "c"])[rows.y]
        model.fit(rows.x, names, loss="SoftmaxCrossEntropy", optimizer="adam", epochs=3, progress=False, **settings)
        sw.save(model, tmp_path / "model.safetensors")
        return (tmp_path / "model.safetensors").read_bytes()

    wanted = learned(None)
    with pytest.raises(CutError):
        learned(None, checkpoint=tmp_path / "c", every=2, callbacks=[CutAt(7)])
    assert learned(None, checkpoint=tmp_path / "c", every=2, resume=True) == wanted


def test_without_metrics_weights_and_validation_and_with_all_rows_at_once(tmp_path):
    def learned(folder, **settings):
        rows, net = checkpointed.rows(), network()
        sw.fit(net, rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer=sw.RMSProp(0.01), epochs=8, batch_size=None,
               progress=False, **({} if folder is None else {"checkpoint": folder, "resume": True}), **settings)  # fmt: skip
        return net.flat().value.tobytes()

    with pytest.raises(CutError):
        learned(tmp_path, callbacks=[CutAt(5)], every=1)
    assert learned(tmp_path, every=1) == learned(None)


def test_sparse_rows(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    x = sparse.random(80, 30, 0.2, random_state=np.random.default_rng(0), format="csr")
    y = np.arange(80) % 3

    def learned(folder, **settings):
        net = sw.Sequential([sw.Dense(8), sw.ReLU(), sw.Dense(3)])
        more = {} if folder is None else {"checkpoint": folder, "every": 1, "resume": True}
        sw.fit(net, x, y, loss="SoftmaxCrossEntropy", optimizer="adam", epochs=3, progress=False, **more, **settings)
        return net.flat().value.tobytes()

    with pytest.raises(CutError):
        learned(tmp_path, callbacks=[CutAt(4)])
    assert learned(tmp_path) == learned(None)


# What callbacks remember


class Remembering(sw.Callback):
    """Says what it was given."""

    def __init__(self, state):
        self.given, self.got = state, None

    def state(self):
        return self.given

    def load_state(self, state):
        self.got = state


def test_states_of_ones_own_come_back_as_they_were(tmp_path):
    state = {
        "text": "ä\n", "number": float("nan"), "list": [1, [float("-inf"), "b"], {"float": 2.5}], "none": None, "flag": True,
        "array": np.arange(6, dtype=">i4").reshape(2, 3)[:, ::2], "scalar": np.float32(0.1), "empty": np.zeros((0, 3)),
        "point": np.array(1.5),
    }  # fmt: skip
    trained(tmp_path, callbacks=(Remembering(state),), epochs=1)
    other = Remembering({"array": 0})
    trained(tmp_path, callbacks=(other,), epochs=1)
    assert other.got["array"].tolist() == [[0, 2], [3, 5]]
    assert other.got["empty"].shape == (0, 3)
    assert other.got["point"].tolist() == 1.5
    plain = {name: other.got[name] for name in ("text", "list", "none", "flag")}
    assert plain == {name: state[name] for name in plain}
    assert np.isnan(other.got["number"])
    assert other.got["scalar"] == float(np.float32(0.1))


@pytest.mark.parametrize("state", [{"array": np.array(["a"])}, {"array": np.array([None])}, {"thing": object()}, {"c": 1j}])
def test_a_state_that_no_file_holds(tmp_path, state):
    with pytest.raises(ScratchworkError, match=r"Remembering|JSON"):
        trained(tmp_path, callbacks=(Remembering(state),), epochs=1)


def test_callbacks_with_a_memory_must_be_there_again_and_others_need_not(tmp_path):
    trained(tmp_path, callbacks=(Remembering({"a": 1}), sw.Monitor(print)), epochs=1)
    with pytest.raises(
        ConfigurationError, match=r"EarlyStopping, ReduceOnPlateau, Remembering then, EarlyStopping, Reduce\w+ now"
    ):
        trained(tmp_path, epochs=2)
    trained(tmp_path, callbacks=(Remembering({"a": 1}),), epochs=2)


def test_a_memory_that_is_none_of_its_own(tmp_path):
    class Picky(Remembering):
        def load_state(self, state):
            raise KeyError("there")

    trained(tmp_path, callbacks=(Picky({"a": 1}),), epochs=1)
    with pytest.raises(FileFormatError, match="Picky"):
        trained(tmp_path, callbacks=(Picky({"a": 1}),), epochs=2)


def test_convergence_of_the_estimators_remembers(tmp_path):
    def learned(folder, *more, **settings):
        rows, net = checkpointed.rows(), network()
        settings |= {} if folder is None else {"checkpoint": folder, "resume": True}
        history = sw.fit(net, rows.x, rows.y, loss="SoftmaxCrossEntropy", optimizer=sw.SGD(0.1), epochs=60, progress=False,
                         callbacks=[Convergence("loss", 0.02, 3.0, adaptive=True), *more], **settings)  # fmt: skip
        return numbers(history)

    wanted = learned(None)
    for step in (4, 21, 33, 40, 50):
        with pytest.raises(CutError):
            learned(tmp_path, CutAt(step))
    assert learned(tmp_path) == wanted


def test_the_history_file_holds_all_epochs(tmp_path):
    lines = tmp_path / "history.jsonl"
    with pytest.raises(CutError):
        trained(tmp_path / "c", callbacks=(sw.HistoryFile(lines), CutAt(15)))
    _, history = trained(tmp_path / "c", callbacks=(sw.HistoryFile(lines),))
    assert lines.read_text() == history.to_json_lines()


# Another run


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"network": sw.Sequential([sw.Dense(40), sw.Dense(3)])}, "its network was"),
        ({"optimizer": sw.Adam(0.02)}, "its optimizer was Adam"),
        ({"loss": sw.SoftmaxCrossEntropy()}, "its loss was"),
        ({"data": 3}, "its data was"),
        ({"engine": "compiled"}, "its engine was numpy, and now is compiled"),
        ({"shuffle": False}, "shuffling seed was 3, and now is None"),
        ({"drop_last": True}, "steps in an epoch"),
    ],
)
def test_a_checkpoint_of_another_run_is_one_sentence(tmp_path, settings, told):
    cut(tmp_path, 9, every=3)
    learned = settings.pop("network", None) or network()
    with pytest.raises(ConfigurationError, match=told) as error:
        trained(tmp_path, network=learned, every=3, **settings)
    assert "step-000000000006.checkpoint belongs to another run" in str(error.value)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)
    assert not learned.built


def test_a_network_with_other_random_masks_is_another_one(tmp_path):
    cut(tmp_path, 9, every=3)
    other = network()
    other.build((2,), rng=99)
    before = other.flat().value.copy()
    with pytest.raises(ConfigurationError, match="seeds of its layers"):
        trained(tmp_path, network=other)
    assert np.array_equal(other.flat().value, before)


def test_a_folder_with_checkpoints_is_not_begun_anew_by_mistake(tmp_path):
    cut(tmp_path, 9, every=3)
    with pytest.raises(ConfigurationError, match="resume=True"):
        trained(tmp_path, resume=False)


def test_another_machine_is_told(tmp_path, capsys):
    cut(tmp_path, 9, every=3)
    change(Checkpoints(tmp_path).files()[0], lambda document, arrays: document["environment"].update(numpy="1.0"))
    trained(tmp_path)
    assert "numpy 1.0 before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"every": 0, "checkpoint": "c"}, "at least 1"),
        ({"every": True, "checkpoint": "c"}, "at least 1"),
        ({"every": 1}, "checkpoint=FOLDER"),
        ({"resume": True}, "checkpoint=FOLDER"),
        ({"checkpoint": 7}, "path of a folder"),
        ({"checkpoint": "a\0b"}, "path of a folder"),
        ({"checkpoint": Checkpoints("c", every=2), "every": 3}, "given twice"),
        ({"checkpoint": "c", "optimizer": sw.LBFGS(), "batch_size": None}, "LBFGS"),
    ],
)
def test_settings_that_cannot_be_meant(tmp_path, monkeypatch, settings, told):
    monkeypatch.chdir(tmp_path)
    usual = {"loss": "SoftmaxCrossEntropy", "optimizer": "adam", "progress": False}
    with pytest.raises(ConfigurationError, match=told):
        sw.fit(sw.Sequential([sw.Dense(2)]), np.eye(4), [0, 1, 0, 1], **(usual | settings))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("settings", [{"keep": 0}, {"seconds": 0}, {"seconds": 1, "every": 1}, {"on_error": "panic"}])
def test_checkpoints_with_settings_out_of_range(settings):
    with pytest.raises(ConfigurationError):
        Checkpoints("c", **settings)
    with pytest.raises(ConfigurationError):
        Checkpoints("")


# Damage


def change(path, how):
    """A checkpoint that is whole, with a right checksum, and says something else."""
    document, arrays = read_arrays(path)
    arrays = dict(arrays)
    how(document, arrays)
    path.write_bytes(to_bytes(arrays, json.dumps(document)))


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "zeros", "gone", "foreign"])
def test_a_damaged_newest_one_goes_back_to_the_one_before_and_says_so(tmp_path, damage, capsys, whole):
    cut(tmp_path, 20, every=3)
    newest, before, *_ = Checkpoints(tmp_path).files()
    content = newest.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 4
    changed = {"cut": content[: len(content) // 2], "bit": flipped, "empty": b"", "zeros": bytes(len(content))}
    if damage == "foreign":
        sw.save(trained(None)[0], newest)
    elif damage == "gone":
        newest.unlink()
        newest.mkdir()
    else:
        newest.write_bytes(changed[damage])
    assert outcome(tmp_path, every=3) == whole["numpy"]
    told = capsys.readouterr().err
    assert newest.name in told
    assert f"going back to {before.name}" in told
    assert told.count("\n") == (2 if damage == "gone" else 1)  # a folder stays in the way of the one that would be written


def test_when_all_are_damaged_nothing_is_made_up(tmp_path):
    cut(tmp_path, 20, every=3)
    for path in Checkpoints(tmp_path).files():
        path.write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"all 3 checkpoints .* begin anew in another folder"):
        trained(tmp_path)
    assert len(Checkpoints(tmp_path).files()) == 3


def test_a_damaged_one_never_costs_a_good_one_its_place(tmp_path, whole):
    """Kept by its greater number, it would have pushed out those that a run by the clock writes after going back."""
    cut(Checkpoints(tmp_path, every=1, keep=2), 20)
    Checkpoints(tmp_path).files()[0].write_bytes(b"damaged")
    place = Checkpoints(tmp_path, keep=1, seconds=1e-9)
    with pytest.raises(CutError):
        trained(place, callbacks=(CutAt(19),))  # cut at once, after the first step that it repeats
    assert read_arrays(place.files()[0])
    assert outcome(place) == whole["numpy"]


@pytest.mark.parametrize(
    "how",
    [
        lambda document, arrays: arrays.pop("value"),
        lambda document, arrays: arrays.update(value=arrays["value"][:-1]),
        lambda document, arrays: arrays.update(value=arrays["value"].astype(np.float64)),
        lambda document, arrays: arrays.update(buffer0=np.zeros(1)),
        lambda document, arrays: arrays.pop("state.m"),
        lambda document, arrays: arrays.update(predictions=arrays["predictions"][:, :1]),
        lambda document, arrays: arrays.update(predictions=np.zeros((10**4, 3), np.float32)),
        lambda document, arrays: arrays.pop("predictions"),
        lambda document, arrays: document.update(step=-1),
        lambda document, arrays: document.update(step=10**400),
        lambda document, arrays: document.update(steps_seen=2.5),
        lambda document, arrays: document.update(epoch="many"),
        lambda document, arrays: document.update(epoch=10**9),
        lambda document, arrays: document.update(stop=7),
        lambda document, arrays: document.update(learning_rate_factor={"float": []}),
        lambda document, arrays: document.update(learning_rate=[1.0]),
        lambda document, arrays: document.update(history=[]),
        lambda document, arrays: document.update(history={}),
        lambda document, arrays: document["history"].update(loss=[]),
        lambda document, arrays: document["history"].update(other=document["history"]["loss"]),
        lambda document, arrays: document["part"].update(steps=10**6),
        lambda document, arrays: document.update(part=None),
        lambda document, arrays: document.update(callbacks="none"),
        lambda document, arrays: document["callbacks"][0].update(arrays=["nowhere"]),
        lambda document, arrays: document.pop("best_epoch"),
        lambda document, arrays: document.pop("fingerprint"),
        lambda document, arrays: document.update(kind="other"),
    ],
)
def test_a_checkpoint_that_says_nonsense_is_passed_over_before_anything_is_changed(tmp_path, how, capsys, whole):
    cut(tmp_path, 20, every=5)
    newest, *_ = Checkpoints(tmp_path).files()
    change(newest, how)
    assert outcome(tmp_path, every=5) == whole["numpy"]
    assert f"going back to step-{10:012d}.checkpoint" in capsys.readouterr().err


def test_weights_of_another_network_in_the_memory_of_a_callback(tmp_path):
    trained(tmp_path, epochs=2)
    change(Checkpoints(tmp_path).files()[0], lambda document, arrays: arrays.update({"callback0.weights0": np.zeros(3)}))
    with pytest.raises(ScratchworkError):
        trained(tmp_path, epochs=2)


# The folder


def test_the_newest_few_are_kept_and_what_was_left_half_written_goes(tmp_path):
    place = Checkpoints(tmp_path / "deep" / "inside", every=2, keep=2)
    cut(place, 9)
    assert [path.name[-14:] for path in place.files()] == ["008.checkpoint", "006.checkpoint"]
    leftover = place.folder / ".unfinished-0123456789ab.checkpoint"
    leftover.write_bytes(b"half")
    other = place.folder / "notes.txt"
    other.write_text("mine")
    trained(place)
    assert not leftover.exists()
    assert other.read_text() == "mine"


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "c").write_text("")
    for on_error in ("go on", "stop"):
        with pytest.raises(ConfigurationError, match="is a file"):
            trained(Checkpoints(tmp_path / "c", on_error=on_error))


def test_one_run_at_a_time(tmp_path):
    class Second(sw.Callback):
        def on_epoch_end(self, run):
            with pytest.raises(ConfigurationError, match="another run is writing"):
                trained(tmp_path)

    trained(tmp_path, callbacks=(Second(),), epochs=1)
    cut(tmp_path, 8, every=1)
    trained(tmp_path)  # a run that failed has let go of it


def test_a_folder_that_vanishes_in_the_middle_is_made_again(tmp_path, whole):
    class Vanish(sw.Callback):
        def on_batch_end(self, run):
            if run.step == 8:
                for path in (tmp_path / "c").iterdir():
                    path.unlink()
                (tmp_path / "c").rmdir()

    assert outcome(tmp_path / "c", every=1, callbacks=[Vanish()]) == whole["numpy"]
    assert len(Checkpoints(tmp_path / "c").files()) == 3


def failing(monkeypatch, when, number=errno.ENOSPC):
    """os.fsync of files fails as long as `when()` says so."""
    real = os.fsync

    def fsync(descriptor):
        if when():
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(layer.os, "fsync", fsync)


def test_a_full_disk_is_told_once_and_training_goes_on(tmp_path, monkeypatch, capsys, whole):
    now = []

    class Clock(sw.Callback):
        def on_batch_end(self, run):
            now[:] = [run.step]

    failing(monkeypatch, lambda: now and (5 <= now[0] < 12 or now[0] > 20))
    assert outcome(tmp_path, every=1, callbacks=[Clock()]) == whole["numpy"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "once, and again after it had worked in between"
    assert "no checkpoint at step 5: cannot write" in lines[0]
    assert "the disk is full" in lines[0]
    assert "training goes on" in lines[0]
    assert "step 21" in lines[1]
    assert Checkpoints(tmp_path).files()[0].name == f"step-{20:012d}.checkpoint"
    monkeypatch.undo()
    assert outcome(tmp_path, every=1) == whole["numpy"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENOENT, errno.EACCES])
def test_or_it_stops_as_asked_and_the_last_good_one_is_there(tmp_path, monkeypatch, number, whole):
    now = []

    class Clock(sw.Callback):
        def on_batch_end(self, run):
            now[:] = [run.step]

    failing(monkeypatch, lambda: now and now[0] == 9, number)
    with pytest.raises(StorageError, match="cannot write"):
        trained(Checkpoints(tmp_path, every=1, on_error="stop"), callbacks=(Clock(),))
    assert Checkpoints(tmp_path).files()[0].name == f"step-{8:012d}.checkpoint"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert outcome(tmp_path, every=1) == whole["numpy"]


def test_old_ones_that_cannot_be_removed_are_no_failure(tmp_path, monkeypatch, capsys, whole):
    def unlink(self, missing_ok=False):
        if self.suffix == ".checkpoint" and not self.name.startswith("."):
            raise PermissionError(errno.EPERM, "no")
        os.unlink(self)

    monkeypatch.setattr("pathlib.Path.unlink", unlink)
    assert outcome(Checkpoints(tmp_path, every=1, on_error="stop")) == whole["numpy"]
    assert len(Checkpoints(tmp_path).files()) > 20
    assert not capsys.readouterr().err


def test_a_checkpoint_is_bytes_that_run_nothing(tmp_path):
    """One that Python's own tools read: a JSON header, then arrays."""
    trained(tmp_path, epochs=1)
    content = Checkpoints(tmp_path).files()[0].read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert {"value", "state.m", "state.v", "callback0.weights0"} <= set(header)


def test_the_script_of_the_kill_tests(tmp_path):
    script = [sys.executable, checkpointed.__file__, str(tmp_path), "numpy", "1"]
    subprocess.run(script, check=True, timeout=120)
    assert sw.load(tmp_path / "model.safetensors").epochs_seen
