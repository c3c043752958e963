"""Reading zip archives that were made to deceive."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neurona as keras
from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.budget import Budget
from neurona.saving.unzip import read_zip

MEMBERS = {
    "metadata.json": b'{"keras_version": "3.15.0"}', "config.json": b'{"class_name": "Sequential"}',
    "model.weights.h5": bytes(5000),
}  # fmt: skip


def archive_of(members: dict[str, bytes], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    return read_zip(data, "m.keras", Budget(len(data)))


def patched(data: bytes, at: int, form: str, *values: Any) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def test_zips_of_all_honest_kinds_are_read() -> None:
    assert unzipped(archive_of(MEMBERS)) == MEMBERS
    assert unzipped(archive_of(MEMBERS, compression=zipfile.ZIP_DEFLATED)) == MEMBERS

    class Pipe(io.BytesIO):
        """A place that cannot go back: sizes are written behind the data."""

        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise OSError

    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        pipe, wide = Pipe(), io.BytesIO()
        with zipfile.ZipFile(pipe, "w", compression) as archive:
            for name, data in MEMBERS.items():
                archive.writestr(name, data)
        assert unzipped(pipe.getvalue()) == MEMBERS
        with zipfile.ZipFile(wide, "w", compression) as archive:  # zip64, as Keras does for the weights
            for name, data in MEMBERS.items():
                with archive.open(name, "w", force_zip64=True) as member:
                    member.write(data)
        assert unzipped(wide.getvalue()) == MEMBERS


def central(data: bytes, number: int = 0) -> int:
    """Where an entry of the table begins."""
    at = -1
    for _ in range(number + 1):
        at = data.index(b"PK\1\2", at + 1)
    return at


def overlapping(data: bytes) -> bytes:
    """Two entries of the table that lead to the same member."""
    first = struct.unpack_from("<I", data, central(data) + 42)[0]
    return patched(data, central(data, 1) + 42, "<I", first)


def renamed(data: bytes, name: bytes) -> bytes:
    return data.replace(b"metadata.json", name.ljust(13, b"x")[:13])


def as_link(data: bytes) -> bytes:
    return patched(patched(data, central(data) + 5, "B", 3), central(data) + 38, "<I", 0o120777 << 16)


def twice(data: bytes) -> bytes:
    buffer = io.BytesIO(data)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("config.json", b"{}")
    return buffer.getvalue()


def hidden(data: bytes) -> bytes:
    """A member that is in the file but not in the table."""
    start = central(data)
    entry = zipfile.ZipInfo("hidden")
    entry.CRC = entry.compress_size = entry.file_size = 0
    piece = entry.FileHeader()
    end = data.rindex(b"PK\5\6")
    return patched(data[:start] + piece + data[start:], end + len(piece) + 16, "<I", start + len(piece))


ZIPS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "overlapping members": (overlapping, "described in two|does not begin where"),
    "twice the same name": (twice, "there twice"),
    "encrypted": (lambda d: patched(patched(d, central(d) + 8, "<H", 1), 6, "<H", 1), "encrypted"),
    "strongly encrypted": (lambda d: patched(d, central(d) + 8, "<H", 0x41), "encrypted"),
    "masked headers": (lambda d: patched(d, central(d) + 8, "<H", 0x2000), "encrypted"),
    "a link": (as_link, "a link or a device"),
    "something before": (lambda d: b"#!/bin/sh\n" + d, "not where it should be|does not begin"),
    "something behind": (lambda d: d + b"x", "no table|stands behind"),
    "another name before the member": (lambda d: patched(d, 30, "<B", ord("M")), "two different ways"),
    "another size before the member": (lambda d: patched(d, 22, "<I", 3), "two different ways"),
    "another size in the table": (lambda d: patched(d, central(d) + 24, "<I", 3), "two sizes|two different ways"),
    "a wrong sum": (lambda d: patched(patched(d, 14, "<I", 7), central(d) + 16, "<I", 7), "sum is wrong"),
    "changed contents": (lambda d: d.replace(b"keras_version", b"keras_Version"), "sum is wrong"),
    "zip64 without its field": (lambda d: patched(d, central(d) + 20, "<I", 0xFFFFFFFF), "zip64 field is missing"),
    "zip64 end without its end": (lambda d: patched(d, len(d) - 6, "<I", 0xFFFFFFFF), "zip64 end is missing"),
    "another method": (lambda d: patched(patched(d, central(d) + 10, "<H", 12), 8, "<H", 12), "method 12"),
    "a part of several": (lambda d: patched(d, len(d) - 18, "<H", 1), "one part of several"),
    "too few entries": (lambda d: patched(d, len(d) - 14, "<HH", 2, 2), "more than its entries"),
    "too many entries": (lambda d: patched(d, len(d) - 14, "<HH", 9, 9), "not readable"),
    "a hidden member": (hidden, "between its members"),
    "names that cannot be seen": (lambda d: renamed(d, b"meta\0ata.json"), "cannot be seen"),
    "names of another alphabet": (lambda d: renamed(d, b"meta\x81ata.json"), "not in UTF-8"),
    "cut short": (lambda d: d[: len(d) // 2], "no table"),
    "nothing": (lambda d: b"", "no table"),
}


@pytest.mark.parametrize("kind", ZIPS)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_strange_archives_are_refused(kind: str, compression: int, tmp_path: Path) -> None:
    change, words = ZIPS[kind]
    if kind == "changed contents" and compression:
        pytest.skip("deflated bytes hold no words")
    data = change(archive_of(MEMBERS, compression=compression))
    with pytest.raises(SavingError, match=words):
        unzipped(data)
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(SavingError):
        keras.models.load_model(tmp_path / "m.keras")


def test_deflated_members_end_where_they_say() -> None:
    """A stream longer than the size told, or with something behind it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = packer.compress(b"x" * 1000) + packer.flush()

    def archive(stream: bytes, size: int) -> bytes:
        check = zlib.crc32(b"x" * size)
        local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, check, len(stream), size, 1, 0) + b"a" + stream
        entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, check, len(stream), size, 1, 0, 0, 0, 0, 0, 0)
        table = entry + b"a"
        return local + table + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(table), len(local), 0)

    assert unzipped(archive(stream, 1000)) == {"a": b"x" * 1000}
    for bad in (
        archive(stream, 999),
        archive(stream, 1001),
        archive(stream + b"more", 1000),
        archive(stream[:-1], 1000),
    ):
        with pytest.raises(SavingError):
            unzipped(bad)


def test_zip_bombs_are_refused_before_they_are_unpacked() -> None:
    bomb = archive_of({**MEMBERS, "assets/zeros": bytes(100 << 20)}, compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(UnsafeFileError, match="out of proportion"):
        unzipped(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20
