"""Makes the ONNX files of PyTorch and scikit-learn that tests/test_export_import.py reads, and what those libraries predict.

    python tests/golden/make_imports.py

Needs torch, onnx, onnxscript, skl2onnx and scikit-learn (made with torch 2.13.0, onnx 1.23.2, skl2onnx 1.20.0, scikit-learn
1.9.1). It also holds `from_torch` and `to_torch` to PyTorch itself, which the tests of the suite do without.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import scratchwork as sw

FOLDER = Path(__file__).parent
ROWS = np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)
X = (np.random.default_rng(0).normal(size=(80, 4)) * [1, 10, 1, 0.1] + [0, 5, 0, 0]).astype(np.float32)


def torch_networks() -> dict[str, nn.Sequential]:
    torch.manual_seed(0)
    every = nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 4), nn.SiLU(),
        nn.Linear(4, 4), nn.ELU(0.5), nn.Linear(4, 4), nn.LeakyReLU(0.2), nn.Linear(4, 4), nn.Softplus(), nn.Linear(4, 4),
        nn.SELU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 3, bias=False), nn.Softmax(dim=1),
    )  # fmt: skip
    every(torch.randn(50, 4))  # running statistics off their start
    more = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Mish(), nn.Sequential(nn.Identity(), nn.Linear(4, 2)))
    return {"every": every.eval(), "more": more.eval()}


def checked(module: nn.Sequential) -> None:
    """`from_torch` and `to_torch` against PyTorch, in both types of float."""
    for dtype, exact in ((torch.float32, 1e-6), (torch.float64, 1e-14)):
        module = module.to(dtype)
        x = torch.from_numpy(ROWS).to(dtype)
        network = sw.from_torch(module)
        back = sw.to_torch(network)
        np.testing.assert_allclose(network.predict(x.numpy()), module(x).detach().numpy(), atol=exact)
        np.testing.assert_allclose(back(x).detach().numpy(), module(x).detach().numpy(), atol=exact)
        theirs = {name: value for name, value in module.state_dict().items() if "num_batches" not in name}
        ours = [value for name, value in back.state_dict().items() if "num_batches" not in name]
        assert all(torch.equal(a, b) for a, b in zip(theirs.values(), ours, strict=True))
    module.to(torch.float32)


def of_torch(known: dict[str, object]) -> None:
    for name, module in torch_networks().items():
        checked(module)
        x = torch.from_numpy(ROWS)
        known[f"torch_{name}"] = {"values": module(x).detach().numpy().tolist()}
        for dynamo in (False, True):
            path = FOLDER / f"torch_{name}{'_dynamo' * dynamo}.onnx"
            how = {"external_data": False} if dynamo else {"dynamic_axes": {"x": {0: "n"}}, "opset_version": 17}
            torch.onnx.export(module, (x,), path, input_names=["x"], dynamo=dynamo, verbose=False, **how)
            if dynamo:
                stripped(path)


def stripped(path: Path) -> None:
    """Without the notes about source files that the newer exporter leaves on every node."""
    import onnx

    proto = onnx.load(path)
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.metadata_props[:], proto.graph.metadata_props[:]
    for entry in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        del entry.metadata_props[:]
    onnx.save(proto, path)


def of_scikit_learn(known: dict[str, object]) -> None:
    three, two = np.array(["a", "b", "ü"])[np.arange(80) % 3], np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
    many = (X[:, :3] > 0).astype(int)
    estimators = {
        "three": (MLPClassifier((5,), max_iter=20, activation="tanh", random_state=0), three, {"zipmap": False}),
        "three_zipped": (MLPClassifier((5,), max_iter=20, random_state=0), three, {}),
        "two": (MLPClassifier((5,), max_iter=20, activation="logistic", random_state=0), two, {"zipmap": False}),
        "attributes": (MLPClassifier((5,), max_iter=20, random_state=0), many, {}),
        "pipeline": (
            make_pipeline(StandardScaler(), MLPClassifier((5, 4), max_iter=20, random_state=0)), np.arange(80) % 3,
            {"zipmap": False},
        ),
        "regression": (
            make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0)), X[:, 0], {},
        ),
    }  # fmt: skip
    for name, (estimator, y, options) in estimators.items():
        estimator.fit(X, y)
        (FOLDER / f"sklearn_{name}.onnx").write_bytes(to_onnx(estimator, X[:1], options=options or None).SerializeToString())
        entry = {"predict": estimator.predict(ROWS).tolist()}
        if hasattr(estimator, "predict_proba"):
            entry["values"] = estimator.predict_proba(ROWS).tolist()
        known[f"sklearn_{name}"] = entry


def main() -> None:
    warnings.simplefilter("ignore")
    known: dict[str, object] = {}
    of_torch(known)
    of_scikit_learn(known)
    text = json.dumps({"rows": ROWS.tolist(), "known": known}, indent=1)
    (FOLDER / "imports.json").write_text(text + "\n", encoding="utf-8")
    print(f"{len(known)} networks; from_torch and to_torch agree with PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
