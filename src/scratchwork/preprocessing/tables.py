"""A table of numbers, booleans, categories and dates as rows of numbers: fitted, shown, and saved with the model."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array
from ..data.columns import KINDS, short
from ..data.kinds import PLURAL, as_kind, missing_in
from ..data.table import Table, as_table
from ..errors import ConfigurationError, DataError, FileFormatError, ShapeError, look_up
from .base import Axes, Transformer, checked_names
from .encodings import ENCODINGS, Encoding, LeftOut, found_encoding

NUMBERS = {"standardize": "standardize", "robust": "robust", "none": "none"}
ROWS_AT_A_TIME = 8192


class TableEncoder(Transformer):
    """Every column of a table as numbers that suit a network, by its kind; columns are found by name.

    ::

        number     y = (x − μ) / σ over the training rows that have a value             ("standardize")
                   z = (x − q(½)) / (q(¾) − q(¼)),   y = z / √(1 + (z/3)²)              ("robust")
                   y = x                                                                ("none")
                   missing: x = median; and a second column, 1 where it is missing and 0 elsewhere, where the training
                   rows lack a value
        boolean    y = +1 for yes, −1 for no, 0 for missing
        category   y_c = 1 if x = category c, else 0;    of two categories:  y = −1 for the first, +1 for the second
                   missing: all 0
        date       y = (t − μ) / σ of the seconds t, and sin 2πφ, cos 2πφ for φ = (month − 1)/12, weekday/7 (Monday 0) and
                   time of day/24 h, as far as they vary over the training rows
                   missing: all 0, and a column as for numbers
        Shapes     x (N rows)   y (N, outputs)

    Categories that no training row had are no error: they are all 0, as missing ones. Where a column has more than
    `max_categories`, the most frequent `max_categories` − 1 keep a column each (of equally frequent ones the first in
    sorted order), and one more column is 1 for all others, which those of later rows that are new belong to.

    Left out (see `dropped_`): columns with one value or none; and text of which nearly every row has a value of its own
    (at least 9 of 10, and more than 10 different ones), such as names, unless `kinds` says that it is a category.

    In `transform` columns may stand in any order, and others may be beside them; rows without names are taken in the
    order of the training columns. A column that `dropped_` names need not be there.

    Parameters
    ----------
    numbers : "standardize", "robust" or "none"
        "robust" is not moved by wild values: see `RobustScale` and `SmoothClip`.
    max_categories : int ≥ 2
        The most columns that one column becomes.
    kinds : dict of str to "number", "boolean", "category" or "date", optional
        What columns are, where they do not look like it: `{"zip": "category"}` for codes that are numbers,
        `{"seen": "date"}` for dates that are text, such as 2024-05-31 12:30.

    Raises
    ------
    DataError
        In `fit` for an empty table, an infinity, or where no column is left; in `transform` for absent columns, and for
        columns that hold another kind of value than they did.
    MissingDependencyError
        For a frame where narwhals is missing.

    Numerics
    --------
    Arithmetic is float64; the result is float64 where some column of numbers is, and float32 otherwise. Rows are worked on
    some thousands at a time, so that beside the result nothing large is made.

    Attributes
    ----------
    encodings_ : tuple, one entry for each column of the training rows
    rows_ : int, how many training rows there were
    dropped_ : dict of str to str, the columns left out and why
    kinds_ : dict of str to str

    References
    ----------
    Robust numbers, ±1 for two categories and 0 for missing ones: Holzmüller, Grinsztajn, Steinwart (2024), "Better by
    default: strong pre-tuned MLPs and boosted trees on tabular data".

    Examples
    --------
    >>> people = {"age": [20, 40, None, 60], "city": ["Rome", "Oslo", None, "Rome"], "member": [True, False, True, None]}
    >>> encoder = TableEncoder().fit(people)
    >>> encoder.transform(people).round(2)
    array([[-1.22,  0.  ,  1.  ,  1.  ],
           [ 0.  ,  0.  , -1.  , -1.  ],
           [ 0.  ,  1.  ,  0.  ,  1.  ],
           [ 1.22,  0.  ,  1.  ,  0.  ]])
    >>> encoder.get_feature_names_out().tolist()
    ['age', 'age missing', 'city=Rome', 'member']
    >>> print(encoder)
    3 columns of 4 rows as 4 numbers
    column  kind      becomes           missing
    age     number    (x − 40) / 16.33  1 → 40, and 0/1
    city    category  −1 Oslo, +1 Rome  1 → 0
    member  boolean   −1 or +1          1 → 0
    """

    learned: ClassVar[Axes] = {"encodings_": ("columns",)}
    encodings_: tuple[Encoding, ...]
    rows_: int

    def __init__(
        self, numbers: str = "standardize", *, max_categories: int = 100, kinds: Mapping[str, str] | None = None
    ) -> None:
        self.numbers = look_up(numbers, NUMBERS, "choice of TableEncoder(numbers=...)")
        whole = isinstance(max_categories, int | np.integer) and not isinstance(max_categories, bool)
        if not whole or max_categories < 2:
            raise ConfigurationError(f"max_categories is a whole number of at least 2; received {max_categories!r}")
        self.max_categories = int(max_categories)
        if kinds is not None and not isinstance(kinds, Mapping):
            raise ConfigurationError(f"kinds is a dict of column names and kinds; received {kinds!r}")
        for kind in (kinds or {}).values():
            look_up(kind, {name: name for name in KINDS}, "kind of column")
        self.kinds = None if kinds is None else {str(name): kind for name, kind in kinds.items()}

    def fit(self, x: Any) -> "TableEncoder":
        table = as_table(x).with_kinds(self.kinds or {})
        if not len(table):
            raise DataError("the table is empty: there is no row to learn from")
        found = tuple(
            found_encoding(
                name, column, kind, numbers=self.numbers, most=self.max_categories, certain=name in (self.kinds or {})
            )
            for name, column, kind in zip(table.names, table.columns, table.kinds, strict=True)
        )
        if not any(encoding.outputs() for encoding in found):
            first = found[0].told()[0].removeprefix("left out: ")
            more = f" (of {len(found)} columns)" if len(found) > 1 else ""
            raise DataError(f"no column can be learned from: {short(found[0].name)}{more} was left out because {first}")
        self.encodings_, self.rows_ = found, len(table)
        return self

    def transform(self, x: Any) -> Array:
        self.require_fitted()
        columns = self._columns(self.table(x))
        rows = len(columns[0][1])
        wide = any(column.dtype == np.float64 for encoding, column in columns if encoding.kind == "number")
        y = np.empty((rows, sum(len(encoding.outputs()) for encoding, _ in columns)), np.float64 if wide else np.float32)
        for start in range(0, rows, ROWS_AT_A_TIME):
            part, first = slice(start, start + ROWS_AT_A_TIME), 0
            for encoding, column in columns:
                width = len(encoding.outputs())
                encoding.write(column[part], y[part, first : first + width], start)
                first += width
        return y

    def table(self, x: Any) -> Table:
        """`x` as a Table; after `fit`, rows without names have the names of the training columns."""
        named = hasattr(x, "dtype") and x.dtype.names is not None  # a structured array
        rows = isinstance(x, np.ndarray | list | tuple) and not named and not (len(x) and isinstance(x[0], Mapping))
        if not rows or not self.fitted:
            return as_table(x)
        return as_table(x, [encoding.name for encoding in self.encodings_])

    def inverse_transform(self, y: Any) -> Any:
        """The Table that `transform` would have turned into `y`, without the columns that were left out.

        Categories that share the column of others, and unknown ones, are missing in it.
        """
        self.require_fitted()
        rows = np.asarray(y)
        used = self._used()
        ends = np.cumsum([0, *(len(encoding.outputs()) for encoding in used)])
        if rows.ndim != 2 or rows.shape[1] != ends[-1] or rows.dtype.kind not in "fiu":
            raise ShapeError(f"expected y of shape (N, {ends[-1]}), received {rows.dtype} of {rows.shape}")
        columns = tuple(
            encoding.read(rows[:, start:end]) for encoding, start, end in zip(used, ends[:-1], ends[1:], strict=True)
        )
        return Table(tuple(e.name for e in used), columns, tuple(e.kind for e in used))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the numbers that a row becomes; `input_features` is there for scikit-learn and not needed."""
        self.require_fitted()
        return np.array([name for encoding in self.encodings_ for name in encoding.outputs()], object)

    @property
    def feature_names_in_(self) -> Array:
        """The columns of the training rows, in their order."""
        self.require_fitted()
        return np.array([encoding.name for encoding in self.encodings_], object)

    @property
    def dropped_(self) -> dict[str, str]:
        """The columns that are left out, and why."""
        self.require_fitted()
        return {encoding.name: encoding.reason for encoding in self.encodings_ if isinstance(encoding, LeftOut)}

    @property
    def kinds_(self) -> dict[str, str]:
        """What each column of the training rows was found to be."""
        self.require_fitted()
        return {e.name: e.was if isinstance(e, LeftOut) else e.kind for e in self.encodings_}

    # -- finding the columns -------------------------------------------------------------------------------------

    def _used(self) -> list[Encoding]:
        return [encoding for encoding in self.encodings_ if encoding.outputs()]

    def _columns(self, table: Table) -> list[tuple[Encoding, Array]]:
        """Each encoding with its column, of the kind that it was."""
        used = self._used()
        absent = [encoding.name for encoding in used if encoding.name not in table]
        if absent:
            spare = [name for name in table.names if name not in self.kinds_]
            said = [short(name) + _meant(name, spare) for name in absent]
            more = f" and {len(said) - 8} more" if len(said) > 8 else ""
            raise DataError(
                f"the table lacks the column{'s' * (len(said) > 1)} {', '.join(said[:8])}{more}, which the training rows had"
            )
        given = {name: kind for name, kind in (self.kinds or {}).items() if name in table}
        table = table.with_kinds(given)
        return [(encoding, _as_learned(table, encoding)) for encoding in used]

    # -- showing and saving --------------------------------------------------------------------------------------

    def __str__(self) -> str:
        """A table of what each column becomes, in lines of at most 80 characters."""
        if not self.fitted:
            return repr(self)
        outputs = len(self.get_feature_names_out())
        lines = [("column", "kind", "becomes", "missing")]
        for encoding in self.encodings_:
            becomes, missing = encoding.told()
            lines.append((encoding.name, self.kinds_[encoding.name], becomes, f"{encoding.missing:,} → {missing}"))
        width = min(24, max(len(line[0]) for line in lines))
        room = min(40, max(len(line[2]) for line in lines if not line[2].startswith("left out")))
        text = [f"{len(self.encodings_)} columns of {self.rows_:,} rows as {outputs} numbers"]
        for name, kind, becomes, missing in lines:
            start = f"{_cut(' '.join(name.split()), width):{width}}  {kind:8}  "
            lacking = "none" if missing.startswith("0 ") else missing
            rest = becomes if becomes.startswith("left out") else f"{_cut(becomes, room):{room}}  {lacking}"
            text.append(_cut(start + rest, 80))
        return "\n".join(text)

    def state(self) -> dict[str, Array]:
        """What `fit` learned, as the bytes of a JSON document: array files know numbers only."""
        self.require_fitted()
        columns = [{"kind": encoding.kind, **dataclasses.asdict(encoding)} for encoding in self.encodings_]
        document = json.dumps({"rows": self.rows_, "columns": columns}, allow_nan=False)
        return {"encodings_json_": np.frombuffer(document.encode("ascii"), np.uint8)}

    def load_state(self, state: Mapping[str, Array]) -> None:
        checked_names(self, state, {"encodings_json_": ()})
        try:
            data = np.asarray(state["encodings_json_"])
            if data.dtype != np.uint8 or data.ndim != 1:
                raise ValueError("its bytes are no bytes")
            document = json.loads(data.tobytes())
            if set(document) != {"rows", "columns"} or type(document["rows"]) is not int or document["rows"] < 1:
                raise ValueError("it is of another form")
            found = tuple(_encoding(entry, document["rows"]) for entry in document["columns"])
            names = [encoding.name for encoding in found]
            if len(set(names)) < len(names) or not any(encoding.outputs() for encoding in found):
                raise ValueError("its columns stand twice, or there is none")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FileFormatError(f"the state of {self!r} is damaged: {error}") from None
        self.encodings_, self.rows_ = found, document["rows"]


def _encoding(entry: Any, rows: int) -> Encoding:
    """One entry of a stored document as an encoding; ValueError where it cannot be one."""
    kind = ENCODINGS[entry.pop("kind")]
    wanted = {field.name: field.type for field in dataclasses.fields(kind)}
    if set(entry) != set(wanted):
        raise ValueError(f"an entry holds {', '.join(sorted(map(str, entry)))}")
    for name, value in entry.items():
        if wanted[name] == tuple[str, ...]:
            if not isinstance(value, list) or not all(type(text) is str for text in value):
                raise ValueError(f"{name} is no list of texts")
            entry[name] = tuple(value)
        elif type(value) is not wanted[name]:
            raise ValueError(f"{name} is {value!r}")
    encoding = kind(**entry)
    if not 0 <= encoding.missing <= rows or not encoding.valid():
        raise ValueError(f"the entry of {short(encoding.name)} does not go together")
    if isinstance(encoding, LeftOut) and encoding.was not in KINDS:
        raise ValueError(f"{encoding.was!r} is no kind of column")
    return encoding


def _as_learned(table: Table, encoding: Encoding) -> Array:
    """The column of this encoding, as the kind that was learned; a DataError where it is another."""
    column, kind = table[encoding.name], table.kind(encoding.name)
    if kind == encoding.kind or {kind, encoding.kind} == {"number", "boolean"} or missing_in(column).all():
        return as_kind(column, kind, encoding.kind, encoding.name)
    row = int((~missing_in(column)).argmax())
    raise DataError(
        f"column {short(encoding.name)} holds {PLURAL[kind]} where the training rows had {PLURAL[encoding.kind]} "
        f"({short(str(column[row]))} in row {row}): convert it first"
    )


def _meant(name: str, spare: list[str]) -> str:
    import difflib  # slow to import, and only a mistake needs it

    lower = {other.lower().strip(): other for other in reversed(spare)}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    return f" (is it {short(lower[close[0]])}?)" if close else ""


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
