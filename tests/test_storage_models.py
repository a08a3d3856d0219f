"""What was saved comes back with the same bits, says the same of itself, and can be trained on."""

import json
import os
import resource
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scratchwork as sw
from cases import LAYER_CASES
from scratchwork import initializers as init
from scratchwork import preprocessing as prep
from scratchwork.errors import ConfigurationError, DataError, FileFormatError, MissingFileError, NotBuiltError, StorageError
from scratchwork.layers import Layer
from scratchwork.parameter import Parameter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4)) + 1
K = np.arange(30) % 3


def trained(dtype=np.float32, *more):
    network = sw.Sequential([sw.Dense(5), sw.BatchNorm(), sw.ReLU(), sw.Dropout(0.3), *more, sw.Dense(3)])
    network.build(4, 0, dtype)
    train(network)
    return network


def train(network, epochs=2):
    settings = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.Adam(0.01), "batch_size": 8, "progress": False}
    return sw.fit(network, X, K, epochs=epochs, **settings)


def there_and_back(thing, tmp_path, **settings):
    path = tmp_path / "thing.safetensors"
    sw.save(thing, path)
    return sw.load(str(path), **settings)


@pytest.mark.parametrize("case", LAYER_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layer(case, dtype, tmp_path):
    network = sw.Sequential([case.make()])
    network.build(case.in_shape, 1, dtype)
    x = case.rows(6, dtype)
    for _, parameter in network.parameters():
        parameter.value += np.asarray(RNG.normal(size=parameter.value.shape), dtype)
    network.forward(x, training=True, step=1)  # running statistics move
    again = there_and_back(network, tmp_path)
    assert repr(again) == repr(network)
    assert again.dtype == dtype
    for (name, array), (same, other) in zip(
        [*((n, p.value) for n, p in network.parameters()), *network.buffers()],
        [*((n, p.value) for n, p in again.parameters()), *again.buffers()],
        strict=True,
    ):
        assert name == same
        assert array.dtype == other.dtype
        assert np.array_equal(array, other)
    for mode in ({}, {"training": True, "step": 5}):
        assert np.array_equal(again.forward(x, **mode)[0], network.forward(x, **mode)[0])


def test_training_goes_on_as_if_nothing_had_been(tmp_path):
    """Orders and masks go on where they were; the optimizer starts afresh in either."""
    network = trained()
    again = there_and_back(network, tmp_path)
    assert (again.epochs_seen, again.steps_seen) == (2, 8)
    one, two = train(network), train(again)
    assert one["loss"] == two["loss"]
    assert np.array_equal(network.flat().value, again.flat().value)


def test_settings_of_layers_come_back(tmp_path):
    layer = sw.Dense(
        3,
        weight_initializer=init.VarianceScaling(2.0, "fan_avg", "uniform"),
        bias_initializer=init.Constant(0.01),
        weight_regularizer=sw.ElasticNet(0.1, 0.2),
        bias_regularizer=sw.L2(0.5, biases=True),
        weight_constraint=sw.MaxNorm(2.0, axis=1),
    )
    network = sw.Sequential([sw.Sequential([layer]), sw.LeakyReLU(0.2)])
    network.build(4)
    again = there_and_back(network, tmp_path)
    assert again[0][0].config() == layer.config()
    assert again[0][0].weight.regularizer == sw.ElasticNet(0.1, 0.2)
    again.build(4)  # the initializers are its own again
    assert np.array_equal(again[0][0].weight.value, network[0][0].weight.value)
    assert not vars(again[0][0]).keys() - vars(layer).keys()


class Twice(Layer):
    """A layer of somebody's own, with a gain, numbers of several kinds, and a layer inside."""

    def __init__(self, inner, table, sizes=(1, 2), *, options=None):
        self.inner, self.table, self.sizes, self.options = inner, np.asarray(table), tuple(sizes), options

    def build(self, in_shape, rng, dtype):
        self.gain = Parameter(np.ones(1, dtype))
        return self.inner.build(in_shape, rng, dtype)

    def parameters(self):
        yield "gain", self.gain
        yield from self.inner.parameters()

    def forward(self, x, *, training=False, step=0):
        y, cache = self.inner.forward(x)
        return y * self.gain.value, (y, cache)

    def backward(self, dy, cache, *, need_dx=True):
        self.gain.grad[...] = (dy * cache[0]).sum()
        return self.inner.backward(dy * self.gain.value, cache[1], need_dx=need_dx)


def test_a_layer_of_one_s_own(tmp_path):
    layer = Twice(sw.Dense(4), [1.5, np.float32(2)], (3, np.int64(4)), options={"a": 1, "rule": sw.L1(0.1)})
    network = trained(np.float32, layer)
    again = there_and_back(network, tmp_path, layers=[Twice])
    assert np.array_equal(again.predict(X), network.predict(X))
    assert again[4].table.tolist() == [1.5, 2.0]
    assert again[4].sizes == (3, 4)
    assert again[4].options == {"a": 1, "rule": sw.L1(0.1)}
    with pytest.raises(FileFormatError, match=r"speaks of 'Twice'.*load\(path, layers=\[...\]\)"):
        there_and_back(network, tmp_path)
    for wrong in ([layer], ["Twice"]):
        with pytest.raises(ConfigurationError, match="takes classes of your own"):
            there_and_back(network, tmp_path, layers=wrong)


def test_a_layer_that_keeps_a_setting_under_another_name(tmp_path):
    class Times(sw.Linear):
        def __init__(self, factor, also=1):
            self.stored = factor

    network = trained(np.float32, Times(2.0))
    assert repr(network[4]) == "Times(Ellipsis, also=Ellipsis)"
    with pytest.raises(ConfigurationError, match=r"Times.* does not keep its setting 'factor' .* self.factor = factor"):
        sw.save(network, tmp_path / "a.safetensors")


MODELS = {
    "text": (
        {"image_shape": (2, 2), "feature_names": list("abcd"), "target_name": "ä"},
        ["ä", "b c", "c\n"],
        "SoftmaxCrossEntropy",
    ),
    "numbers": ({"preprocessing": [prep.Standardize(), prep.PCA(3), prep.Whiten(eps=0.1)]}, [-5, 7, 10**12], "MulticlassHinge"),
    "regression": ({"preprocessing": [prep.MinMax(), prep.MeanSubtraction()]}, [0.1, 0.2, 0.3], "MeanSquaredError"),
    "one-hot": ({"preprocessing": [prep.Rescale(0.5), prep.Whiten("zca", eps=0.1)]}, None, "SoftmaxCrossEntropy"),
}


@pytest.mark.parametrize(("settings", "labels", "loss"), MODELS.values(), ids=MODELS.keys())
def test_models(settings, labels, loss, tmp_path):
    y = np.eye(3)[K] if labels is None else np.array(labels)[K]
    model = sw.Model(sw.Sequential([sw.Dense(5), sw.Tanh(), sw.Dense(1 if loss == "MeanSquaredError" else 3)]), **settings)
    model.fit(X, y, loss=loss, optimizer=sw.Adam(0.01), epochs=3, validation_split=0.2, progress=False)
    again = there_and_back(model, tmp_path)
    assert isinstance(again, sw.Model)
    for name in ("labels", "task", "link", "feature_names", "target_name", "image_shape", "record"):
        assert getattr(again, name) == getattr(model, name), name
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.predict(X).dtype == model.predict(X).dtype
    assert repr(again) == repr(model)
    assert again.preprocessing.config() == model.preprocessing.config()
    assert str(again.evaluate(X, y)) == str(model.evaluate(X, y))


def test_the_same_bytes_twice(tmp_path):
    model = sw.Model(sw.Sequential([sw.Dense(3)]), preprocessing=[prep.Standardize()])
    model.fit(X, K, loss="SoftmaxCrossEntropy", optimizer="adam", epochs=1, progress=False)
    contents = set()
    for i in range(8):
        sw.save(model, tmp_path / f"{i}.safetensors")
        contents.add((tmp_path / f"{i}.safetensors").read_bytes())
    sw.save(sw.load(tmp_path / "0.safetensors"), tmp_path / "again.safetensors")
    assert contents == {(tmp_path / "again.safetensors").read_bytes()}


def test_it_is_a_safetensors_file_for_everybody(tmp_path):
    import safetensors
    from safetensors.numpy import load_file

    network = trained()
    network[4].weight.value = np.asfortranarray(network[4].weight.value.astype(np.float64))
    path = tmp_path / "network.safetensors"
    sw.save(network, path)
    arrays = load_file(path)
    assert np.array_equal(arrays["network.4.weight"], network[4].weight.value)
    assert arrays["network.4.weight"].dtype == np.float32
    content = path.read_bytes()
    assert (8 + struct.unpack("<Q", content[:8])[0]) % 8 == 0
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    assert (metadata["format"], metadata["format_version"]) == ("scratchwork", "1")
    document = json.loads(metadata["document"])
    assert document["in_shape"] == [4]
    assert document["network"]["config"]["layers"][0]["type"] == "Dense"


@pytest.mark.parametrize(
    ("thing", "error", "words"),
    [
        (sw.Sequential([sw.Dense(2)]), ConfigurationError, "no parameters yet"),
        (sw.Model(sw.Sequential([sw.Dense(2)])), ConfigurationError, "no parameters yet"),
        ("model.safetensors", ConfigurationError, "takes a Sequential or a Model; received 'model.safetensors'"),
        (sw.Dense(2), ConfigurationError, "takes a Sequential or a Model"),
    ],
)
def test_what_cannot_be_saved(thing, error, words, tmp_path):
    with pytest.raises(error, match=words):
        sw.save(thing, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_should_not_be_saved(tmp_path):
    path = tmp_path / "x.safetensors"
    sw.save(trained(), path)
    before = path.read_bytes()
    network = trained()
    network[0].weight.value[0, 0] = np.nan
    with pytest.raises(ConfigurationError, match=r"network.0.weight holds NaN or an infinity"):
        sw.save(network, path)
    odd = trained(np.float32, Twice(sw.Dense(4), [1.0], options=lambda: 0))
    with pytest.raises(DataError, match="cannot be written as JSON"):
        sw.save(odd, path)
    with pytest.raises(ConfigurationError, match="half of a character"):
        sw.save(sw.Model(trained(), labels=["a", "b", "\ud800"]), path)
    with pytest.raises(NotBuiltError):
        sw.save(sw.Model(trained(), preprocessing=[prep.Standardize()]), path)

    class Mine(prep.Rescale):
        pass

    with pytest.raises(ConfigurationError, match="a transformer of your own"):
        sw.save(sw.Model(trained(), preprocessing=[Mine(0.5)]), path)
    assert path.read_bytes() == before


def test_where_nothing_can_be_written_the_old_file_stays(tmp_path):
    path = tmp_path / "x.safetensors"
    sw.save(trained(), path)
    before = path.read_bytes()
    with pytest.raises(MissingFileError, match="is not there; create it first"):
        sw.save(trained(), tmp_path / "none" / "x.safetensors")
    with pytest.raises(StorageError, match="it is a folder"):
        sw.save(trained(), tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # what a full disk does, without filling one
    try:
        with pytest.raises(StorageError):
            sw.save(trained(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.safetensors"]


OTHER_SHAPES = ("Average", "Flatten", "Reshape", "Sequential", "Step")  # which do not follow any layer
FLAT = [case for case in LAYER_CASES if type(case.make()).__name__ not in OTHER_SHAPES]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(FLAT), max_size=5), st.sampled_from([np.float32, np.float64]), st.integers(1, 12))
def test_any_chain_of_layers_trains_comes_back_and_trains_on(tmp_path, chain, dtype, size):
    layers = [case.make() for case in chain]
    network = sw.Sequential([sw.Sequential(layers), sw.LayerNorm(), sw.Dense(3)] if layers else [sw.Dense(3)])
    network.build(4, 0, dtype)
    how = {"loss": "SoftmaxCrossEntropy", "optimizer": sw.SGD(0.01), "batch_size": size, "progress": False, "epochs": 1}
    x = X[:12]
    first = sw.fit(network, x, K[:12], **how)
    assert np.isfinite(first["loss"]).all()
    again = there_and_back(network, tmp_path)
    assert np.array_equal(again.predict(x), network.predict(x))
    assert again.predict(x).dtype == dtype
    one, two = sw.fit(network, x, K[:12], **how), sw.fit(again, x, K[:12], **how)
    assert one["loss"] == two["loss"]
    assert np.array_equal(again.flat().value, network.flat().value)
