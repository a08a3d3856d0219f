"""Findings and diagnoses: causal order, consequences, JSON, and what is read at 80 columns."""

import json
import operator

import numpy as np
import pytest

from scratchwork.doctor.consequences import CONSEQUENCES, ORDER
from scratchwork.doctor.findings import CODES, Diagnosis, found


def finding(code, where=None, **rest):
    return found(code, f"cause of {code}", "the fix", where=where, **rest)


def test_every_code_has_its_condition_and_one_place_in_the_order():
    assert sorted(ORDER) == sorted(CODES)
    assert CODES["SW101"].condition == 1
    assert CODES["SW1604"].condition == 16
    assert CODES["SW201"].condition == 2
    assert {code.condition for code in CODES.values()} == set(range(1, 17))
    assert {code.severity for code in CODES.values()} <= {"error", "warning", "note"}


def test_consequences_come_after_their_causes():
    for code, causes in CONSEQUENCES.items():
        assert causes <= set(CODES)
        assert code not in causes
        assert all(ORDER.index(cause) < ORDER.index(code) for cause in causes), code


def test_causal_order_does_not_depend_on_the_order_of_discovery():
    codes = ["SW501", "SW801", "SW201", "SW101"]
    given = [finding(code, step=3 if code == "SW201" else None) for code in codes]
    for order in (given, given[::-1]):
        diagnosis = Diagnosis(order)
        assert diagnosis.codes == ("SW101", "SW201", "SW801", "SW501")
        assert [f.severity for f in diagnosis.findings] == ["warning", "note", "note", "note"]
        assert diagnosis.findings[1].evidence["consequence_of"] == "SW101"


def test_a_number_bad_in_the_data_is_the_first_cause():
    diagnosis = Diagnosis([finding("SW101"), finding("SW201", where="x")])
    assert diagnosis.first.code == "SW201"
    assert diagnosis.first.severity == "error"


def test_a_sum_holds_each_code_and_place_once():
    a = Diagnosis([finding("SW801", "layer 1, ReLU()"), finding("SW101")])
    b = Diagnosis([finding("SW801", "layer 1, ReLU()", step=9), finding("SW801", "layer 3, ReLU()")])
    both = a + b
    assert [(f.code, f.where) for f in both] == [
        ("SW101", None),
        ("SW801", "layer 1, ReLU()"),
        ("SW801", "layer 3, ReLU()"),
    ]
    assert (both + b).findings == both.findings
    assert not both.ok
    with pytest.raises(TypeError):
        operator.add(a, [1])


def test_notes_alone_are_ok():
    assert Diagnosis().ok
    assert str(Diagnosis()) == "nothing found"
    noted = Diagnosis([finding("SW1604")])
    assert noted.ok
    assert noted.codes == ("SW1604",)
    assert noted.alarms == ()


def test_json_is_strict_and_whole():
    given = finding("SW201", step=2, largest=np.float32(3), shape=(2, np.int64(4)), bad=float("nan"), rows=np.arange(2))
    told = json.loads(Diagnosis([given]).to_json())
    assert told["ok"] is False
    first = told["findings"][0]
    assert first["evidence"] == {"largest": 3.0, "shape": [2, 4], "bad": "nan", "rows": [0, 1]}
    assert (first["code"], first["condition"], first["step"], first["path"]) == ("SW201", 2, 2, [])


def test_text_fits_eighty_columns():
    long = found("SW501", "word " * 60, "do " * 50, where="layer 2, ReLU()", step=3, path=["is it " * 30, "no"])
    text = str(Diagnosis([long, finding("SW101")]))
    assert max(map(len, text.splitlines())) <= 80
    assert "found: 1 warning, 1 note" in text
    assert "layer 2, ReLU(), step 3" in text
    assert finding("SW301", step=4).line() == "SW301 error (step 4): cause of SW301. Fix: the fix."
