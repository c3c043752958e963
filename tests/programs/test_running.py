"""A program behaves as under ``python``, whatever it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neurona.errors import DamagedDataError, DataNotFoundError
from neurona.i18n import set_language
from neurona.programs import run_program
from neurona.programs.running import UNANSWERED

Run = Callable[..., tuple[int, list[str]]]


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LANGUAGE": "en"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


PLAIN = """
import sys, helper
print(__name__, sys.argv, helper.WHO, __file__ == sys.modules["__main__"].__file__)
print(sys.path[0])
def fall(n):
    return 1 / n
if len(sys.argv) > 2:
    fall(0)
sys.exit(7)
"""


@pytest.mark.parametrize("arguments", [["--json"], ["--lang", "xx", "-h"]])
def test_it_is_like_python(tmp_path: Path, arguments: list[str]) -> None:
    """A program that never touches Keras: the same output, traceback and exit status, also for options like ours."""
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "plain.py").write_text(PLAIN)
    (folder / "helper.py").write_text("WHO = 'beside'")
    theirs = python("inner/plain.py", *arguments, folder=tmp_path)
    ours = python("-m", "neurona", "run", "inner/plain.py", *arguments, folder=tmp_path)
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


def test_exit_statuses(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("print('done')")[0] == 0
    assert run("import sys; sys.exit()")[0] == 0
    assert run("raise SystemExit(300)")[0] == 44  # as the shell sees it
    assert run("import sys; sys.exit('no more')")[0] == 1
    assert capsys.readouterr().err == "no more\n"
    assert run("raise KeyboardInterrupt")[0] == 130
    assert "KeyboardInterrupt" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_reaches_the_program(tmp_path: Path) -> None:
    text = "import time\nprint('ready', flush=True)\ntry:\n    time.sleep(30)\nexcept KeyboardInterrupt:\n    print('caught')\n"
    (tmp_path / "wait.py").write_text(text)
    command = [sys.executable, "-m", "neurona", "run", "wait.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "caught\n"
    assert process.returncode == 0


def test_a_traceback_shows_the_program_alone(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the error comes from within the engine, which called the program back."""
    text = """
import keras, numpy as np
class Loud(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("loud")
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss="mse")
model.fit(np.ones((4, 2)), np.ones((4, 1)), callbacks=[Loud()], verbose=0)
"""
    status, told = run(text)
    shown = capsys.readouterr().err
    assert status == 1 and not told
    assert shown.count('  File "') == 2 and shown.count("program.py") == 2
    assert "line 8, in <module>" in shown and "line 5, in on_epoch_end" in shown
    assert shown.endswith("RuntimeError: loud\n")


@pytest.mark.parametrize(
    ("line", "name", "instead"),
    [
        ("x = tf.signal.stft(1)", "tensorflow.signal", "NumPy"),
        ("from keras.applications import VGG16", "keras.applications", "trained networks"),
        ("import tensorflow.compat.v1 as old", "tensorflow.compat.v1", "no graphs"),
        ("from keras.layers import Dens", "keras.layers.Dens", "Did you mean 'Dense'?"),
        ("keras.layers.Conv2d(3, 3)", "keras.layers.Conv2d", "Did you mean 'Conv2D'?"),
        ("tf.constant(1.0).get_static_value()", "Tensor.get_static_value", ""),
        ("tf.saved_model.save(1, 'folder')", "tensorflow.saved_model", ".keras file"),
    ],
)
def test_what_is_not_answered_is_named(run: Run, line: str, name: str, instead: str) -> None:
    status, told = run(f"import keras\nimport tensorflow as tf\n\ndef f():\n    {line}\n\nf()\n")
    assert status == UNANSWERED == 3
    assert told[0].endswith(f"program.py, line 5: neurona does not answer `{name}`.")
    assert instead in told[1]


def test_a_gradient_of_a_gradient_without_a_rule_is_refused_and_not_silently_wrong(run: Run) -> None:
    text = """
import tensorflow as tf
x = tf.Variable([2.0, 1.0])
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        y = tf.reduce_sum(tf.sort(x))
    slope = inner.gradient(y, x)
"""
    status, told = run(text)
    assert status == UNANSWERED
    assert "line 7: neurona does not answer `tensorflow.GradientTape.gradient within another tape`." in told[0]
    assert told[1] == "There is no gradient of the gradient of 'sort'."


def test_programs_may_ask_whether_a_name_is_there(run: Run) -> None:
    text = """
import keras, tensorflow as tf
assert not hasattr(tf, "signal") and getattr(tf, "Session", None) is None and hasattr(tf.keras, "layers")
try:
    from tensorflow.lite import Interpreter
except ImportError:
    Interpreter = None
try:
    keras.applications.VGG16()
except AttributeError as error:
    assert "trained networks" in str(error)
"""
    assert run(text) == (0, [])


def test_an_absent_library_stays_absent(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = run("import no_such_library_at_all")
    assert status == 1 and not told
    assert "ModuleNotFoundError: No module named 'no_such_library_at_all'" in capsys.readouterr().err


def test_a_mistake_of_syntax(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("x = (")[0] == 1
    assert "SyntaxError" in capsys.readouterr().err


def test_there_must_be_a_program(tmp_path: Path, apart: None) -> None:
    with pytest.raises(DataNotFoundError, match="no program"):
        run_program(tmp_path / "none.py")


def test_what_is_no_program_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="is a folder"):
        run_program(tmp_path)
    with pytest.raises(DataNotFoundError, match="no program"):
        run_program(tmp_path / "missing.py")
    with pytest.raises(DamagedDataError, match="no notebook"):
        run("{", name="broken.ipynb")


def test_what_there_is_instead_is_told_in_spanish(run: Run) -> None:
    set_language("es")
    try:
        status, told = run("import tensorflow as tf\ntf.lite")
    finally:
        set_language(None)
    assert status == 3 and "Usa model.export() a ONNX." in told


def test_a_misspelt_name_shows_where_it_stands(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = run("import keras\nlayer = keras.layers.Dense(2)\nlayer.unitz\n")
    assert status == UNANSWERED and "Dense.unitz" in told[0]
    assert "line 3" in (shown := capsys.readouterr().err) and "layer.unitz" in shown and "AttributeError" in shown


def test_libraries_that_look_for_tensorflow_find_it(run: Run) -> None:
    text = "import importlib.util\nimport tensorflow as tf\nassert importlib.util.find_spec('tensorflow') is not None"
    assert run(text) == (0, [])
