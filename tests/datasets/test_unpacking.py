"""Archives: what is good comes out whole, and nothing hostile writes a byte outside or costs time or memory."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tarfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurona.datasets import unpacking
from neurona.datasets.unpacking import Archive, Budget, unpack
from neurona.errors import ArgumentError, DamagedDataError, DataError, DataNotFoundError
from neurona.i18n import set_language

BUDGET = Budget(size=1_000_000, members=50)
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


class Entry(tarfile.TarInfo):
    """A member with its bytes."""

    content = b""


def entry(name: str, content: bytes = b"hello", kind: bytes = tarfile.REGTYPE, linkname: str = "") -> Entry:
    """A member for `packed`."""
    info = Entry(name)
    info.type, info.linkname, info.content = kind, linkname, content
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info


def packed(*entries: Entry, form: int = tarfile.PAX_FORMAT) -> bytes:
    """The archive of these members, not compressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info in entries:
            archive.addfile(info, io.BytesIO(info.content) if info.size else None)
    return out.getvalue()


def raw(
    name: bytes, content: bytes = b"hello", kind: bytes = b"0", size: bytes | None = None, link: bytes = b""
) -> bytes:
    """One member byte by byte, with its checksum, so that it can say what no archiver would write."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = size if size is not None else b"%011o\0" % len(content)
    block[148:156], block[156:157] = b" " * 8, kind
    block[157 : 157 + len(link)] = link
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content + bytes(-len(content) % 512)


END = bytes(1024)


def record(key: bytes, value: bytes) -> bytes:
    """A record of a pax header."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length += 1
    return str(length).encode() + body


def good() -> bytes:
    """A small archive with a folder, two files and an empty one."""
    return packed(
        entry("data", kind=tarfile.DIRTYPE),
        entry("data/one.bin", b"1" * 700),
        entry("data/sub/two.bin", b"22"),
        entry("empty", b""),
    )


def everything(folder: Path) -> dict[str, bytes | None]:
    """What lies in a folder: files with their bytes, everything else with None."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., str]:
    """Unpack bytes that must be refused; nothing may appear anywhere; returns the message."""

    def check(content: bytes, budget: Budget = BUDGET) -> str:
        path = tmp_path / "x.tar"
        path.write_bytes(content)
        before = everything(tmp_path)
        with pytest.raises(DamagedDataError) as caught:
            unpack(path, tmp_path / "out", budget)
        assert everything(tmp_path) == before
        assert str(path) in str(caught.value)
        return str(caught.value)

    return check


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_good_archives_come_out_whole(tmp_path: Path, form: str, pack: Callable[[bytes], bytes]) -> None:
    long = "deep/" * 12 + "a" * 150 + ".bin"
    members = [entry("data", kind=tarfile.DIRTYPE), entry("data/one.bin", b"1" * 700), entry("./data/two", b"")]
    members.append(entry("data/niña.txt" if form == "pax" else "data/b.txt", b"text"))
    members.append(entry(long if form != "ustar" else "deep/" * 12 + "a", b"far"))
    path = tmp_path / "x.tar.gz"
    path.write_bytes(pack(packed(*members, form=FORMATS[form])))
    files = unpack(path, tmp_path / "deep er" / "out", BUDGET)
    assert [f.read_bytes() for f in files] == [b"1" * 700, b"", b"text", b"far"]
    assert files[0] == tmp_path / "deep er" / "out" / "data" / "one.bin"
    assert sorted(p.name for p in (tmp_path / "deep er").iterdir()) == ["out"]


def test_members_are_read_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(good())
    with Archive(path, BUDGET) as archive:
        members = iter(archive)
        assert next(members).folder
        one = next(members)
        assert (one.name, one.parts, one.size) == ("data/one.bin", ("data", "one.bin"), 700)
        out = bytearray(100)
        archive.fill(memoryview(out))
        assert out == b"1" * 100
        with pytest.raises(ArgumentError, match="600 bytes left"):
            archive.fill(memoryview(bytearray(601)))
        assert next(members).name == "data/sub/two.bin"  # the rest was passed over
        assert b"".join(archive.pieces()) == b"22"


HOSTILE_NAMES = [
    "../up", "a/../../up", "a/..", "..", "/etc/passwd", "//host/share", "C:/x", "C:x", "a\\b", "..\\up", "\\x", "a//b", "",
    "a\nb", "a\x07b", "a\x1b[2Jb", "a\u202eb", "a/./../b", ".", "./", "./.", "nul", "NUL.txt", "a/com1", "Aux.tar.gz", "a.", "a ",
    " a", "a/ b", "a:stream", "a*", "a?", 'a"b', "a<b", "a|b", "x" * 256, "a/" * 33 + "b", "y/" * 513 + "z", "a/.. /b", "a/...",
    "com¹.txt", "a/LPT²", "CONIN$",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("way", ["header", "pax", "gnu"])
def test_hostile_names(refuse: Callable[..., str], name: str, way: str) -> None:
    bare = name.encode()
    if way == "pax":
        said = record(b"path", bare)
        content = raw(b"pax", said, b"x") + raw(b"harmless") + END
    elif way == "gnu":
        content = raw(b"././@LongLink", bare + b"\0", b"L") + raw(b"harmless") + END
    else:
        if len(bare) > 100:
            pytest.skip("does not fit into a header")
        content = raw(bare) + END
    message = refuse(content)
    assert "is refused" in message
    assert message.isprintable() or name in message  # shown by what prints lines, which hides control characters


def test_names_that_are_no_text(refuse: Callable[..., str]) -> None:
    assert "not allowed" in refuse(raw(b"a\xff\xfeb") + END)
    assert "not allowed" in refuse(raw(b"pax", record(b"path", b"a\0b"), b"x") + raw(b"x") + END)
    assert "not allowed" in refuse(raw(b"@LongLink", b"a\0../b\0", b"L") + raw(b"x") + END)


def test_prefix_of_a_header_is_part_of_the_name(refuse: Callable[..., str]) -> None:
    block = bytearray(raw(b"passwd"))
    block[345:349] = b"/etc"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    assert "'/etc/passwd'" in refuse(bytes(block) + END)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE,
     tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGLINK, b"D", b"M", b"V", b"N", b"X", b"A", b"\xff"],
)  # fmt: skip
def test_other_kinds_of_members(refuse: Callable[..., str], kind: bytes) -> None:
    assert "neither a file nor a folder" in refuse(raw(b"thing", b"", kind, link=b"/etc/passwd") + END)
    assert "neither a file nor a folder" in refuse(raw(b"ok") + raw(b"thing", b"", kind, link=b"../..") + END)


def test_a_chain_of_a_link_and_a_file_through_it(refuse: Callable[..., str], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = entry("door", kind=tarfile.SYMTYPE, linkname=str(outside))
    assert "'door'" in refuse(packed(link, entry("door/file")))
    assert list(outside.iterdir()) == []


def test_a_link_where_the_folder_should_be_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "x.tar").write_bytes(good())
    for target in (outside, tmp_path / "dangling"):
        (tmp_path / "out").symlink_to(target)
        with pytest.raises(ArgumentError, match="exists already"):
            unpack(tmp_path / "x.tar", tmp_path / "out", BUDGET)
        (tmp_path / "out").unlink()
    assert list(outside.iterdir()) == []
    outside.joinpath("mine").write_text("mine")
    with pytest.raises(ArgumentError, match="new folder"):
        unpack(tmp_path / "x.tar", outside, BUDGET)


@pytest.mark.parametrize(
    "names",
    [("a", "a"), ("a", "A"), ("a/b", "a"), ("a", "a/b"), ("x/ñ", "x/n\u0303"), ("a/b", "A/B"), ("d/", "d/"), ("d/", "d"),
     ("ﬁle", "file")],
)  # fmt: skip
def test_names_that_come_twice(refuse: Callable[..., str], names: tuple[str, str]) -> None:
    blocks = [
        raw(name.encode(), b"" if name.endswith("/") else b"x", b"5" if name.endswith("/") else b"0") for name in names
    ]
    assert "comes twice" in refuse(b"".join(blocks) + END)


def test_a_folder_may_be_listed_after_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(raw(b"d/f") + raw(b"d/", b"", b"5") + raw(b"d/g") + END)
    assert len(unpack(tmp_path / "x.tar", tmp_path / "out", BUDGET)) == 2


def test_budgets_hold_before_anything_is_written(refuse: Callable[..., str]) -> None:
    small = Budget(size=1000, members=3)
    assert "larger than the 1000 bytes" in refuse(packed(entry("a", b"x" * 1001)), small)
    assert "larger than the 1000 bytes" in refuse(packed(entry("a", b"x" * 600), entry("b", b"x" * 401)), small)
    assert "more than 3 files" in refuse(packed(*(entry(f"f{n}") for n in range(4))), small)
    assert "larger than" in refuse(raw(b"a", b"", size=b"77777777777\0") + END)
    assert "larger than" in refuse(raw(b"a", b"", size=b"\x80" + b"\0" * 3 + b"\xff" * 8) + END)
    assert "larger than" in refuse(raw(b"p", record(b"size", b"9" * 20), b"x") + raw(b"a") + END)


@pytest.mark.parametrize("size", [b"-0000000001\0", b"\xff" * 12, b"0000000009x\0", b"99999999999\0", b"1 2\0        "])
def test_sizes_that_are_no_numbers(refuse: Callable[..., str], size: bytes) -> None:
    assert "no number" in refuse(raw(b"a", b"", size=size) + END)


def test_pax_headers_that_lie(refuse: Callable[..., str]) -> None:
    def pax(content: bytes, kind: bytes = b"x") -> str:
        return refuse(raw(b"pax", content, kind) + raw(b"a") + END)

    assert "no number" in pax(record(b"size", b"-5"))
    assert "no number" in pax(record(b"size", b"9" * 21))
    assert "sparse" in pax(record(b"GNU.sparse.name", b"../../x"))
    assert "one name or size" in pax(record(b"path", b"x"), b"g")
    assert "header in it is damaged" in pax(b"999 path=x\n")
    assert "header in it is damaged" in pax(b"path=x\n")
    assert "header in it is damaged" in pax(b"7 path=\n")
    assert "header in it is damaged" in pax(record(b"path", b"a") + record(b"path", b"b"))
    assert "bytes long" in pax(record(b"comment", b"x" * 20_000))
    two = raw(b"p", record(b"path", b"a"), b"x") + raw(b"@LongLink", b"b\0", b"L")
    assert "two names" in refuse(two + raw(b"c") + END)
    assert "end mark" in refuse(raw(b"p", record(b"path", b"a"), b"x") + END)


def test_a_true_size_in_a_pax_header_and_a_comment_for_all(tmp_path: Path) -> None:
    content = raw(b"g", record(b"comment", b"0123"), b"g") + raw(
        b"p", record(b"size", b"5") + record(b"mtime", b"1.5"), b"x"
    )
    (tmp_path / "x.tar").write_bytes(content + raw(b"a", b"hello", size=b"00000000000\0") + END)
    (file,) = unpack(tmp_path / "x.tar", tmp_path / "out", BUDGET)
    assert file.read_bytes() == b"hello"


def test_a_folder_with_contents(refuse: Callable[..., str]) -> None:
    assert "contents of its own" in refuse(raw(b"d", b"hello", b"5") + END)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_truncated_at_any_place(refuse: Callable[..., str], pack: Callable[[bytes], bytes]) -> None:
    tar = good().rstrip(b"\0")
    whole = tar + bytes(-len(tar) % 512) + END
    content = pack(whole)
    for end in range(0, len(content), 97):
        refuse(content[:end])
    refuse(content[:-1])
    refuse(pack(whole[:-512]))  # half an end mark
    refuse(pack(whole[:-1024]))  # none


def test_what_follows_the_end(refuse: Callable[..., str], tmp_path: Path) -> None:
    assert "more bytes" in refuse(good() + b"!")
    assert "more bytes" in refuse(gzip.compress(good()) + b"trailing")
    assert "more bytes" in refuse(gzip.compress(good()) + gzip.compress(raw(b"more") + END))
    assert "more bytes" in refuse(gzip.compress(good() + raw(b"more") + END))
    assert "more bytes" in refuse(good() + bytes((1 << 20) + 512), Budget(4_000_000, 50))
    (tmp_path / "y.tar").write_bytes(good() + bytes(100_000))  # padding is usual
    assert len(unpack(tmp_path / "y.tar", tmp_path / "ok", BUDGET)) == 3


def test_no_archive_at_all(refuse: Callable[..., str], tmp_path: Path) -> None:
    assert "no tar archive" in refuse(b"Dear reader, " * 100)
    assert "no tar archive" in refuse(gzip.compress(b"PK\3\4" + b"zip " * 1000))
    assert "ends too early" in refuse(b"")
    with pytest.raises(DataNotFoundError):
        unpack(tmp_path / "absent", tmp_path / "out", BUDGET)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(DamagedDataError, match="no regular file"):
            unpack(tmp_path / "pipe", tmp_path / "out", BUDGET)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), squeeze=st.booleans())
def test_a_changed_byte_is_refused_or_changes_contents_only(tmp_path: Path, data: st.DataObject, squeeze: bool) -> None:
    whole = good()
    content = bytearray(gzip.compress(whole) if squeeze else whole)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "x"
    path.write_bytes(content)
    try:
        with Archive(path, BUDGET) as archive:
            found = {member.name: b"".join(archive.pieces()) for member in archive}
    except DamagedDataError:
        return
    names = ["data", "data/one.bin", "data/sub/two.bin", "empty"]
    assert list(found) == names and [len(found[n]) for n in names] == [0, 700, 2, 0]
    if squeeze:  # gzip's checksum guards what is inside
        assert found["data/one.bin"] == b"1" * 700


def _bombs() -> dict[str, bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    grown = packer.compress(raw(b"a", b"", size=b"%011o\0" % (400 << 20)))
    grown += b"".join(packer.compress(zeros) for _mb in range(400)) + packer.flush()
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    end = packer.compress(raw(b"a") + END) + b"".join(packer.compress(zeros) for _mb in range(400)) + packer.flush()
    return {
        "a file of 400 MB of zeros": grown,
        "400 MB of zeros after the end": end,
        "100,000 empty files": gzip.compress(b"".join(raw(b"f%d" % n, b"") for n in range(100_000)) + END, 1),
        "100,000 headers for nothing": gzip.compress(raw(b"p", record(b"mtime", b"1"), b"g") * 100_000 + END, 1),
        "a million empty gzip members": gzip.compress(b"") * 1_000_000,
    }


def test_bombs_cost_neither_time_nor_memory(tmp_path: Path) -> None:
    for name, content in _bombs().items():
        path = tmp_path / "bomb.tar.gz"
        path.write_bytes(content)
        del content
        tracemalloc.start()
        began = time.perf_counter()
        with pytest.raises(DamagedDataError):
            unpack(path, tmp_path / "out", BUDGET)
        seconds = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seconds < 1, name
        assert peak < 64e6, name
        assert sorted(p.name for p in tmp_path.iterdir()) == ["bomb.tar.gz"], name


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.tar").write_bytes(good())

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(unpacking.os, "fsync", full)
    with pytest.raises(DataError, match="disk is full"):
        unpack(tmp_path / "x.tar", tmp_path / "out", BUDGET)
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar"]


def test_the_refusal_speaks_spanish(refuse: Callable[..., str]) -> None:
    set_language("es")
    assert "se rechaza" in refuse(raw(b"../up") + END)
