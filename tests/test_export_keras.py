"""Networks that Keras itself wrote as ONNX, by its own exporter and by tf2onnx: tests/golden/make_keras.py made the files."""

import json
from pathlib import Path

import numpy as np
import pytest

import scratchwork as sw

GOLDEN = Path(__file__).parent / "golden"
DOCUMENT = json.loads((GOLDEN / "keras.json").read_text(encoding="utf-8"))
ROWS = np.array(DOCUMENT["rows"], np.float32)
LAYERS = {
    "every": [
        "Rescaling", "Dense", "BatchNorm", "ReLU", "Dense", "Tanh", "Dense", "SiLU", "Dense", "ELU", "Dense", "LeakyReLU",
        "Dense", "Softplus", "Dense", "SELU", "Dense", "Sigmoid", "Dense", "Softmax",
    ],
    "flat": ["Flatten", "Dense", "ReLU", "Dense"],
}  # fmt: skip


@pytest.mark.parametrize("writer", ["", "_tf2onnx"])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_networks_of_keras_predict_the_same_and_are_trained_on(name, writer):
    network = sw.from_onnx(GOLDEN / f"keras_{name}{writer}.onnx")
    assert [type(layer).__name__ for layer in network.layers] == LAYERS[name]
    x, expected = ROWS.reshape(-1, 2, 2) if name == "flat" else ROWS, np.array(DOCUMENT["known"][name])
    np.testing.assert_allclose(network.predict(x), expected, atol=1e-6)
    history = sw.fit(network, x, expected * 0.5, loss="MeanSquaredError", optimizer=sw.SGD(1e-2), epochs=3, progress=False)
    assert history["loss"][-1] < history["loss"][0]
