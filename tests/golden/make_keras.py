"""Makes the ONNX files of Keras that tests/test_export_keras.py reads, and what Keras predicts.

    python tests/golden/make_keras.py

Needs keras with TensorFlow, and tf2onnx (made with keras 3.15.1, TensorFlow 2.21.0, tf2onnx 1.17.0). Each network is written
twice: by `model.export(format="onnx")`, and by `tf2onnx.convert.from_function`.
"""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers

FOLDER = Path(__file__).parent
ROWS = np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)


def networks() -> dict[str, keras.Sequential]:
    keras.utils.set_random_seed(0)
    every = keras.Sequential(
        [
            keras.Input((4,)), layers.Rescaling(0.5), layers.Dense(6), layers.BatchNormalization(), layers.ReLU(),
            layers.Dropout(0.2), layers.Dense(5, activation="tanh"), layers.Dense(4, activation="silu"),
            layers.Dense(4, activation="elu"), layers.Dense(4), layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(4, activation="softplus"), layers.Dense(4, activation="selu"),
            layers.Dense(4, activation="sigmoid", use_bias=False), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    rng = np.random.default_rng(1)
    every.layers[2].set_weights([rng.uniform(0.5, 2, 6), rng.normal(size=6), rng.normal(size=6), rng.uniform(0.5, 2, 6)])
    flat = keras.Sequential([keras.Input((2, 2)), layers.Flatten(), layers.Dense(5, activation="relu"), layers.Dense(1)])
    return {"every": every, "flat": flat}


def main() -> None:
    known = {}
    for name, network in networks().items():
        shape = network.input_shape[1:]
        known[name] = network.predict(ROWS.reshape(-1, *shape), verbose=0).tolist()
        network.export(FOLDER / f"keras_{name}.onnx", format="onnx", verbose=False)
        tf2onnx.convert.from_function(
            tf.function(lambda x, network=network: network(x, training=False)),
            input_signature=[tf.TensorSpec((None, *shape), tf.float32)],
            opset=13,
            output_path=FOLDER / f"keras_{name}_tf2onnx.onnx",
        )
    text = json.dumps({"rows": ROWS.tolist(), "known": known}, indent=1)
    (FOLDER / "keras.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
