"""The IDX reader: what was written comes back, and nothing else is believed."""

from __future__ import annotations

import gzip
import os
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurona.datasets.idx import check_idx, read_idx, read_labels, write_idx
from neurona.errors import DamagedDataError, DataNotFoundError

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9)),
    packed=st.booleans(),
)
def test_round_trip(tmp_path: Path, array: np.ndarray, packed: bool) -> None:
    path = tmp_path / ("x.gz" if packed else "x")
    write_idx(path, array)
    check_idx(path, array.shape)
    back = read_idx(path, array.shape)
    assert back.shape == array.shape and back.dtype == np.uint8
    assert np.array_equal(back, array)
    with pytest.raises(DamagedDataError):
        read_idx(path, (*array.shape[:-1], array.shape[-1] + 1))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), packed=st.booleans())
def test_a_changed_byte_is_refused_or_harmless(tmp_path: Path, data: st.DataObject, packed: bool) -> None:
    path = tmp_path / ("x.gz" if packed else "x")
    write_idx(path, ARRAY)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        back = read_idx(path, ARRAY.shape)
    except DamagedDataError:
        return
    if packed:  # a checksum guards the content; only gzip's own header can differ
        assert np.array_equal(back, ARRAY)
    else:  # nothing guards a plain file's pixels, and that is all that may differ
        assert at >= 16


def test_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9]))
    assert read_labels(path, 3, 10).tolist() == [7, 0, 9]
    with pytest.raises(DamagedDataError, match="labels from 0 to 8, and holds 9"):
        read_labels(path, 3, 9)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("cut", [0, 1, 3, 10, 17, -1, -9])
def test_truncated(tmp_path: Path, packed: bool, cut: int) -> None:
    path = tmp_path / ("x.gz" if packed else "x")
    write_idx(path, ARRAY)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DamagedDataError):
        read_idx(path, ARRAY.shape)


def test_trailing_bytes(tmp_path: Path) -> None:
    plain, packed = tmp_path / "x", tmp_path / "x.gz"
    write_idx(plain, ARRAY)
    write_idx(packed, ARRAY)
    inner = gzip.compress(plain.read_bytes() + b"!")
    for path, content in [
        (plain, plain.read_bytes() + b"!"),
        (packed, packed.read_bytes() + b"!"),
        (packed, packed.read_bytes() + gzip.compress(b"")),
        (packed, inner),
    ]:
        old = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(DamagedDataError, match="more bytes"):
            read_idx(path, ARRAY.shape)
        path.write_bytes(old)


def test_wrong_header(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_idx(path, ARRAY)
    good = path.read_bytes()
    for at, message in [(0, "begins with"), (2, "begins with"), (3, "begins with"), (7, "2 x 3 x 4 values")]:
        bad = bytearray(good)
        bad[at] ^= 1
        path.write_bytes(bad)
        for look in (read_idx, check_idx):
            with pytest.raises(DamagedDataError, match=message):
                look(path, ARRAY.shape)


def test_no_regular_file(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="There is no file"):
        read_idx(tmp_path / "absent", (1,))
    with pytest.raises(DamagedDataError, match="no regular file"):
        read_idx(tmp_path, (1,))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DamagedDataError, match="no regular file"):
            read_idx(tmp_path / "pipe", (1,))


def _bombs(shape: tuple[int, ...]) -> dict[str, bytes]:
    header = struct.pack(">HBB3I", 0, 8, 3, *shape)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    grown = packer.compress(header) + b"".join(packer.compress(zeros) for _mb in range(400)) + packer.flush()
    lying = struct.pack(">HBB3I", 0, 8, 3, *(0xFFFFFFFF,) * 3)
    return {
        "400 MB of zeros": grown,
        "a header of 2**96 values": gzip.compress(lying),
        "the same, plain": lying,
        "a million empty members": gzip.compress(b"") * 1_000_000,
    }


def test_bombs_cost_neither_time_nor_memory(tmp_path: Path) -> None:
    shape = (6000, 28, 28)
    for name, content in _bombs(shape).items():
        path = tmp_path / "bomb.gz"
        path.write_bytes(content)
        del content
        tracemalloc.start()
        began = time.perf_counter()
        with pytest.raises(DamagedDataError):
            read_idx(path, shape)
        seconds = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seconds < 1, name
        assert peak < 64e6, name
