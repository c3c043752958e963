"""The loader: environment, threads, the switch to NumPy, and a package without the extension."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neurona import kernels
from neurona.errors import ArgumentError
from neurona.kernels.processors import MOST, usable_cores


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process with these variables on top of the environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NEURONA_")}
    root = str(Path(kernels.__file__).parents[2])
    kept["PYTHONPATH"] = os.pathsep.join([root, kept.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code], env={**kept, **environment}, capture_output=True, text=True, timeout=60
    )


def test_off_means_numpy() -> None:
    code = (
        "from neurona import kernels as k; i = k.info(); "
        "print(k.native, i['available'], i['isa'], i['threads'], i['why_not'])"
    )
    done = run(code, NEURONA_KERNELS="off")
    assert done.stdout.strip() == "None False None 1 switched off by NEURONA_KERNELS=off"


def test_unknown_value_is_refused() -> None:
    done = run("import neurona.kernels", NEURONA_KERNELS="avx3")
    assert done.returncode != 0
    assert "UnknownNameError" in done.stderr
    assert "'avx3'" in done.stderr
    assert "auto" in done.stderr


def test_unsupported_set_is_refused(native: Any) -> None:
    missing = next(name for name in ("neon", "avx512", "sse2") if name not in native.supported())
    done = run("import neurona.kernels", NEURONA_KERNELS=missing)
    assert done.returncode != 0
    assert "ArgumentError" in done.stderr
    assert f"Received: '{missing}'" in done.stderr


def test_each_supported_set_can_be_forced(native: Any) -> None:
    for name in native.supported():
        done = run("from neurona import kernels as k; print(k.info()['isa'])", NEURONA_KERNELS=name.upper())
        assert done.stdout.strip() == name


def test_auto_takes_the_best(native: Any) -> None:
    done = run("from neurona import kernels as k; i = k.info(); print(i['isa'] == i['supported'][0], i['why_not'])")
    assert done.stdout.strip() == "True None"


@pytest.mark.parametrize(("value", "good"), [("3", True), ("1", True), ("0", False), ("two", False), ("-1", False)])
def test_threads_from_the_environment(native: Any, value: str, good: bool) -> None:
    done = run("from neurona import kernels as k; print(k.get_num_threads())", NEURONA_NUM_THREADS=value)
    if good:
        assert done.stdout.strip() == value
    else:
        assert "ArgumentError" in done.stderr
        assert f"Received: '{value}'" in done.stderr


def test_set_num_threads(native: Any) -> None:
    before = kernels.get_num_threads()
    kernels.set_num_threads(3)
    assert kernels.get_num_threads() == kernels.info()["threads"] == 3
    kernels.set_num_threads(before)
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(ArgumentError, match="whole number of threads"):
            kernels.set_num_threads(wrong)  # type: ignore[arg-type]


def test_disabled_is_nestable(native: Any) -> None:
    with kernels.disabled():
        with kernels.disabled():
            assert kernels.native is None
        assert kernels.native is None
        assert "disabled()" in kernels.info()["why_not"]
    assert kernels.native is native


def test_without_the_extension_numpy_serves() -> None:
    block = "import sys; sys.modules['neurona.kernels._native'] = None\n"
    done = run(block + "from neurona import kernels as k; print(k.native, k.info()['why_not'])")
    assert done.stdout.startswith("None not built at installation")
    done = run(block + "import neurona.kernels", NEURONA_KERNELS="sse2")
    assert "ArgumentError" in done.stderr
    assert "install a C compiler" in done.stderr


def test_usable_cores_counts_cores_and_quota(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    assert 1 <= usable_cores(tmp_path, quota) <= MOST
    quota.write_text("100000 100000\n")
    assert usable_cores(tmp_path, quota) == 1
    quota.write_text("max 100000\n")
    several = usable_cores(tmp_path, quota)
    for cpu in range(4096):  # all hardware threads on one core
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text("0-4095\n")
        if cpu > 256:
            break
    assert usable_cores(tmp_path, quota) == 1 <= several


def test_errors_of_the_module(native: Any) -> None:
    with pytest.raises(ArgumentError, match="Received: 'mmx'"):
        native.select("mmx")
    with pytest.raises(TypeError, match="expects 4 arguments"):
        native.matmul(1, 2)
