"""The fixed parts of an exported Python file."""

HEAD = '''"""A network exported by scratchwork {version}. It needs NumPy alone.

    import model                    # under whatever name this file has
    model.predict(rows)
    model.predict_proba(rows)       # where it tells classes apart

`python model.py` checks that it still says what it said when it was written.

{layers}
"""

import base64

import numpy as np'''

ARRAY = '''def array(kind, shape, text):
    """The numbers of a base64 text."""
    return np.frombuffer(base64.b64decode(text), kind).reshape(shape).astype(kind[1:])'''

HELPERS = {
    "step": """def step(x):
    return np.heaviside(x, 0.0).astype(x.dtype)""",
    "sigmoid": """def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small).astype(x.dtype) / (1.0 + small)""",
    "tanh": """def tanh(x):
    return np.tanh(x)""",
    "relu": """def relu(x):
    return np.maximum(x, 0.0)""",
    "leaky_relu": """def leaky_relu(x, slope=0.0):
    return np.maximum(x, x * slope)""",
    "elu": """def elu(x, alpha):
    return np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0))""",
    "selu": """def selu(x):
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.maximum(x, 0.0) + scale * alpha * np.expm1(np.minimum(x, 0.0))""",
    "softplus": """def softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))""",
    "gelu": """def gelu(x):
    from math import erf

    return x * (0.5 * (1.0 + np.vectorize(erf, otypes=[x.dtype])(x / np.sqrt(2.0).astype(x.dtype))))""",
    "gelu_tanh": """def gelu_tanh(x):
    z = np.clip(x, -20.0, 20.0)
    return x * (0.5 * (1.0 + np.tanh(0.7978845608028654 * (z + 0.044715 * z * z * z))))""",
    "silu": """def silu(x):
    small = np.exp(-np.abs(x))
    return x * (np.where(x >= 0, 1.0, small).astype(x.dtype) / (1.0 + small))""",
    "mish": """def mish(x):
    e = np.exp(np.minimum(x, 40.0))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))""",
    "smooth_clip": """def smooth_clip(x, limit):
    return x / np.hypot(1.0, x / limit)""",
    "exp": """def exp(x):
    return np.exp(x)""",
    "softmax": """def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)""",
    "normalize": """def normalize(x, eps):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)""",
}

TABLE = '''def encoded(table):
    """The columns of a table as rows of numbers."""
    parts = []
    for column in COLUMNS:
        parts += ENCODERS[column["kind"]](table[column["name"]], column)
    return np.stack(parts, axis=1).astype(np.float64)


def floats(values):
    """A column of numbers or booleans; None becomes NaN."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def number(values, column):
    x = floats(values)
    missing = np.isnan(x)
    parts = []
    if not column["constant"]:
        x = (np.where(missing, column["fill"], x) - column["center"]) / column["scale"]
        parts.append(x / np.hypot(1.0, x / 3.0) if column["clipped"] else x)
    return parts + [missing] * (column["missing"] > 0)


def boolean(values, column):
    x = floats(values)
    return [np.where(np.isnan(x), 0.0, 2.0 * x - 1.0)]


def category(values, column):
    known, other = column["categories"], column["other"]
    values = [None if value is None or value != value else str(value) for value in values]
    if len(known) == 2 and not other:
        sign = {known[0]: -1.0, known[1]: 1.0}
        return [np.array([sign.get(value, 0.0) for value in values])]
    parts = [np.array([value == one for value in values], np.float64) for one in known]
    return parts + [np.array([value is not None and value not in known for value in values])] * other


def date(values, column):
    values = np.array(["NaT" if value is None else value for value in values], "datetime64[us]")
    missing = np.isnat(values)
    values = np.where(missing, np.datetime64(0, "us"), values)
    micros = values.astype(np.int64)
    turns = {
        "month": values.astype("datetime64[M]").astype(np.int64) % 12 / 12,
        "weekday": (values.astype("datetime64[D]").astype(np.int64) + 3) % 7 / 7,
        "hour": np.mod(micros, 86_400_000_000) / 86_400_000_000,
    }
    parts = [] if column["constant"] else [(micros / 1e6 - column["center"]) / column["scale"]]
    for name in column["parts"]:
        parts += [np.sin(2.0 * np.pi * turns[name]), np.cos(2.0 * np.pi * turns[name])]
    return [np.where(missing, 0.0, part) for part in parts] + [missing] * (column["missing"] > 0)


ENCODERS = {"number": number, "boolean": boolean, "category": category, "date": date}'''

ROWS = '''def rows_of(x):
    """Rows as the model takes them, (N, ...); float64 for what is done before the network, else the network's own type."""
    x = np.asarray(x)
    return x.reshape(len(x), *IN_SHAPE).astype(FIRST_DTYPE)'''

ROWS_OF_TEXT = '''def rows_of(x):
    """A column of categories."""
    return np.asarray(x).astype(np.str_).reshape(-1, 1)'''

ROWS_OF_TABLE = '''def rows_of(x):
    """A table: a dict of columns, or a list of dicts; None (or NaN, NaT) is a missing value."""
    if isinstance(x, (list, tuple)):
        x = {column["name"]: [row.get(column["name"]) for row in x] for column in COLUMNS}
    return {column["name"]: list(x[column["name"]]) for column in COLUMNS}'''

LINKED = '''def linked(x):
    """Scores as {values}."""
{lines}


def values(x):
    """The {values} of each row."""
    with np.errstate(over="ignore", invalid="ignore"):
        return linked(scores(rows_of(x)))'''

PROBABILITIES = '''def predict_proba(x):
    """The probability of each class, (N, classes)."""
    return values(x)'''

_LABELS = """    return index if LABELS is None else np.asarray(LABELS)[index]"""

PREDICT = {
    "classes": '''def predict(x):
    """The label of each row."""
    with np.errstate(over="ignore", invalid="ignore"):
        index = scores(rows_of(x)).argmax(axis=1)
'''
    + _LABELS,
    "two": '''def predict(x):
    """The label of each row."""
    with np.errstate(over="ignore", invalid="ignore"):
        index = (scores(rows_of(x))[:, 0] > THRESHOLD).astype(np.int64)
'''
    + _LABELS,
    "attributes": '''def predict(x):
    """Yes or no for every attribute of each row."""
    with np.errstate(over="ignore", invalid="ignore"):
        return scores(rows_of(x)) > THRESHOLD''',
    "numbers": '''def predict(x):
    """Numbers: (N,) for one output of a regression, else (N, outputs)."""
    y = values(x)
    return y[:, 0] if SINGLE else y''',
}
"""What `predict` says, for each kind of head."""

CHECK = '''def check(tolerance=TOLERANCE):
    """The largest difference to the golden values, relative to max(1, |value|); AssertionError where it is too large."""
    difference = np.abs(values(GOLDEN_X) - GOLDEN_VALUES) / np.maximum(1.0, np.abs(GOLDEN_VALUES))
    worst = float(difference.max())
    assert worst <= tolerance, f"the values differ from the golden ones by {worst:.1e}"
    return worst'''

MAIN = """if __name__ == "__main__":
    print(f"{len(GOLDEN_VALUES)} golden rows, largest difference {check():.1e}")"""
