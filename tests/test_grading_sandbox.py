"""What a submission may do to itself: crash, hang, end, print, eat memory. A mark comes back, nothing of it reaches us."""

import json
import os
import sys
import time
import types

import pytest

import scratchwork as sw
from scratchwork.errors import ConfigurationError, MissingFileError
from scratchwork.grading import grade
from test_grading_programs import FUNCTIONS, LAYERS


def graded(tmp_path, text, **settings):
    path = tmp_path / "my_net.py"
    path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text, encoding="utf-8")
    return grade(path, **{"seconds": 6, **settings})


@pytest.mark.parametrize(
    "start",
    [
        "import sys\nsys.exit(3)\n",
        "import os\nos._exit(7)\n",
        "import ctypes\nctypes.string_at(0)\n",
        "name = input('name? ')\nraise KeyboardInterrupt\n",
        "def f(): return f()\nf()\nimport no_such_module\n",
        "import subprocess\nsubprocess.Popen(['sleep', '77'])\n",
    ],
)
def test_what_goes_wrong_on_import_does_not_stop_the_rest(tmp_path, start):
    found = graded(tmp_path, start + LAYERS)
    assert found.marks == 100, str(found)


@pytest.mark.parametrize("text", [b"def f(:\n", b"\xff\xfe\x00garbage", b"return 1\n"])
def test_what_is_no_python_says_so(tmp_path, text):
    found = graded(tmp_path, text)
    assert found.marks == 0
    assert found.diagnoses == ("syntax error",)


@pytest.mark.parametrize("text", ["", "class A:\n    def __getattr__(self, name):\n        return self\n"])
def test_a_file_with_nothing_in_it_gets_no_marks(tmp_path, text):
    found = graded(tmp_path, text)
    assert found.marks == 0
    assert not found.passed
    assert found.checks[0].diagnosis == "nothing to grade"


@pytest.mark.parametrize(
    ("line", "diagnosis"),
    [
        pytest.param("while True: pass", "hangs", marks=pytest.mark.slow),
        ("import os; os._exit(0)", "exits"),
        ("raise SystemExit", "exits"),
        ("raise RuntimeError('no\\x1b[31m idea')", "does not run"),
        ("return backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y)", "does not run"),
        ("a = np.ones((10 ** 6, 10 ** 5))", "out of memory"),
    ],
)
def test_a_function_that_goes_wrong_is_named(tmp_path, line, diagnosis):
    start = time.monotonic()
    found = graded(tmp_path, FUNCTIONS.replace("    dZ2 = A2", f"    {line}\n    dZ2 = A2"))
    assert time.monotonic() - start < 20
    assert 0 < found.marks < 100
    assert diagnosis in found.diagnoses, str(found)
    assert "\x1b" not in str(found)


def test_a_hang_that_catches_everything_is_ended(tmp_path):
    start = time.monotonic()
    loop = "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n"
    found = graded(tmp_path, LAYERS + loop, seconds=3)
    assert time.monotonic() - start < 15
    assert found.marks == 100
    assert found.notes


def test_nothing_of_a_submission_happens_here(tmp_path, capfd):
    marker = tmp_path / "marker.txt"
    text = f"""
import os, sys
print("spam" * 1000); sys.stderr.write("spam"); os.environ["SPAM"] = "1"
open("written.txt", "w").write("spam")
open({str(marker)!r}, "w").write(str(os.getpid()))
"""
    found = graded(tmp_path, text + LAYERS)
    assert found.marks == 100
    assert marker.read_text() != str(os.getpid())
    assert "SPAM" not in os.environ
    assert "submission" not in sys.modules
    assert not os.path.exists("written.txt")
    assert not (tmp_path / "written.txt").exists()
    assert capfd.readouterr() == ("", "")


def test_helpers_beside_the_file_can_be_imported(tmp_path):
    (tmp_path / "my_layers.py").write_text("import numpy as np\ndef tanh_of(x): return np.tanh(x)\n", encoding="utf-8")
    text = LAYERS.replace("import numpy as np", "import numpy as np\nfrom my_layers import tanh_of").replace(
        "super().__init__(np.tanh,", "super().__init__(tanh_of,"
    )
    assert graded(tmp_path, text).marks == 100


def test_a_module_stands_for_its_file(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(LAYERS, encoding="utf-8")
    module = types.ModuleType("net")
    with pytest.raises(ConfigurationError, match="comes from no file"):
        sw.grade(module)
    module.__file__ = str(path)
    assert sw.grade(module, seconds=20).marks == 100


def test_misuse_is_raised(tmp_path):
    with pytest.raises(MissingFileError, match="there is no file"):
        grade(tmp_path / "nothing.py")
    (tmp_path / "a.py").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="unknown style"):
        grade(tmp_path / "a.py", style="poem")
    with pytest.raises(ConfigurationError, match="positive"):
        grade(tmp_path / "a.py", seconds=0)


def test_a_grade_as_json(tmp_path):
    found = graded(tmp_path, LAYERS.replace("+ self.bias\n", "\n"))
    told = json.loads(found.to_json())
    assert told["marks"] == found.marks < 100
    assert told["diagnoses"][0] == "missing bias forward"
    assert told["departure"]["function"] == "Dense.forward"
    assert {"name", "passed", "diagnosis", "hint"} <= set(told["checks"][0])
