"""Downloads against servers that misbehave: never an unverified byte under the final name."""

from __future__ import annotations

import errno
import io
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from neurona.datasets import download
from neurona.datasets.download import Limits, fetch, reachable, sha256_of
from neurona.datasets.locks import locked
from neurona.datasets.progress import Bar, Lines, progress_for
from neurona.datasets.records import RemoteFile
from neurona.errors import DataError, DownloadError

QUICK = Limits(pause=0.0, answer=0.5, stall=0.2)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def _closed_port() -> str:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{door.getsockname()[1]}/"


def test_plain_download_and_nothing_twice(tmp_path, mirror, big_file):
    fetch([big_file], [mirror.url], tmp_path / "deep" / "folder", limits=QUICK)
    assert (tmp_path / "deep/folder/big.gz").read_bytes() == mirror.files["big.gz"]
    assert _names(tmp_path / "deep/folder") == {"big.gz"}
    fetch([big_file], [mirror.url], tmp_path / "deep" / "folder", limits=QUICK)
    assert len(mirror.asked) == 1


def test_a_damaged_final_file_is_replaced(tmp_path, mirror, big_file):
    (tmp_path / "big.gz").write_bytes(bytes(big_file.size))
    fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_resumes_where_it_stopped(tmp_path, mirror, big_file):
    (tmp_path / "big.gz.part").write_bytes(mirror.files["big.gz"][:123_456])
    fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert mirror.asked == [("/big.gz", "bytes=123456-")]
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_a_server_without_ranges_starts_again(tmp_path, mirror, big_file):
    mirror.mode = "no-range"
    (tmp_path / "big.gz.part").write_bytes(b"x" * 1000)
    fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_a_cut_connection_goes_on(tmp_path, mirror, big_file):
    mirror.mode = "cut"
    fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert [asked[1] for asked in mirror.asked] == [None, "bytes=100000-", "bytes=200000-"]
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_a_part_of_something_else_is_not_kept(tmp_path, mirror, second_mirror, big_file):
    (tmp_path / "big.gz.part").write_bytes(b"x" * 1000)
    fetch([big_file], [mirror.url, second_mirror.url], tmp_path, limits=QUICK)
    assert second_mirror.asked == [("/big.gz", None)]
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


@pytest.mark.parametrize("extra", [0, 7])
def test_a_part_of_full_length_or_longer(tmp_path, mirror, big_file, extra):
    (tmp_path / "big.gz.part").write_bytes(mirror.files["big.gz"] + b"x" * extra)
    fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert len(mirror.asked) == (1 if extra else 0)
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("wrong", "SHA-256 differs"),
        ("html", "a web page came"),
        ("html-unlabelled", "a web page came"),
        ("error", "error 503"),
        ("silent", "does not answer"),
        ("endless", "should have 300000 bytes"),
        ("drip", "too slow"),
    ],
)
def test_bad_mirrors(tmp_path, mirror, second_mirror, big_file, mode, message):
    mirror.mode = second_mirror.mode = mode
    limits = Limits(pause=0.0, answer=0.3, stall=0.2, rounds=2)
    with pytest.raises(DownloadError, match=message):
        fetch([big_file], [mirror.url, second_mirror.url], tmp_path, limits=limits)
    assert second_mirror.asked, "the second was asked too"
    assert "big.gz" not in _names(tmp_path)
    if mode not in ("endless", "drip"):  # those sent a beginning, which may be a good one
        assert not _names(tmp_path)
    mirror.mode = "good"
    fetch([big_file], [mirror.url, second_mirror.url], tmp_path, limits=QUICK)
    assert _names(tmp_path) == {"big.gz"}


def test_another_range_than_asked_for(tmp_path, mirror, second_mirror, big_file):
    mirror.mode = "other-range"
    (tmp_path / "big.gz.part").write_bytes(mirror.files["big.gz"][:1000])
    fetch([big_file], [mirror.url, second_mirror.url], tmp_path, limits=QUICK)
    assert second_mirror.asked == [("/big.gz", "bytes=1000-")]
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_a_web_page_does_not_spoil_a_good_part(tmp_path, mirror, big_file):
    mirror.mode = "html"
    (tmp_path / "big.gz.part").write_bytes(mirror.files["big.gz"][:1000])
    with pytest.raises(DownloadError, match="a web page"):
        fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert (tmp_path / "big.gz.part").read_bytes() == mirror.files["big.gz"][:1000]


def test_offline_is_told_within_two_seconds(tmp_path, big_file, monkeypatch):
    # 192.0.2.0/24 (RFC 5737) leads nowhere; the name never resolves, slowly, as without a network
    def hang(*_args, **_options):
        time.sleep(3)
        raise socket.gaierror("no name server")

    began = time.perf_counter()
    with pytest.raises(DownloadError, match=r"No network.*127\.0\.0\.1"):
        fetch([big_file], [_closed_port(), "http://192.0.2.1/", "https://192.0.2.2/"], tmp_path / "a")
    assert time.perf_counter() - began < 2
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.perf_counter()
    with pytest.raises(DownloadError, match="No network"):
        fetch([big_file], ["https://one.invalid/", "https://two.invalid/"], tmp_path / "a")
    assert time.perf_counter() - began < 2
    assert not (tmp_path / "a").exists()


def test_a_refusing_first_mirror_costs_no_time(tmp_path, mirror, big_file):
    began = time.perf_counter()
    fetch([big_file], [_closed_port(), mirror.url], tmp_path)
    assert time.perf_counter() - began < 1
    assert (tmp_path / "big.gz").exists()


def test_a_proxy_is_knocked_on_instead(monkeypatch, mirror):
    monkeypatch.setenv("https_proxy", mirror.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert reachable(["https://nowhere.invalid/"], 1.0) == ("https://nowhere.invalid/",)


def test_full_disk_leaves_no_litter(tmp_path, mirror, big_file, monkeypatch):
    write, written = os.write, [0]

    def full(handle: int, data) -> int:
        if written[0] > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        written[0] += len(data)
        return write(handle, data)

    monkeypatch.setattr(download.os, "write", full)
    with pytest.raises(DataError, match="disk is full") as caught:
        fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert not isinstance(caught.value, DownloadError)
    assert not _names(tmp_path)


def test_full_disk_at_the_very_end(tmp_path, mirror, big_file, monkeypatch):
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(DataError, match="disk is full"):
        fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert not _names(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path, mirror, big_file):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DownloadError, match="cannot be written to"):
        fetch([big_file], [mirror.url], tmp_path / "taken", limits=QUICK)


def test_interrupt_leaves_a_part_to_go_on_with(tmp_path, mirror, big_file):
    class Impatient(Lines):
        def update(self, done: int) -> None:
            if done > 100_000:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch([big_file], [mirror.url], tmp_path, limits=QUICK, progress=Impatient(io.StringIO()))
    have = (tmp_path / "big.gz.part").stat().st_size
    assert have > 100_000
    fetch([big_file], [mirror.url], tmp_path, limits=QUICK)
    assert mirror.asked[-1][1] == f"bytes={have}-"
    assert _names(tmp_path) == {"big.gz"}


WORKER = """
import sys
from pathlib import Path
from neurona.datasets.download import fetch
from neurona.datasets.records import RemoteFile
fetch([RemoteFile("big.gz", sys.argv[1], int(sys.argv[2]))], [sys.argv[3]], Path(sys.argv[4]))
"""


def _worker(file: RemoteFile, url: str, folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", WORKER, file.sha256, str(file.size), url, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(download.__file__).parents[2])}
    return subprocess.Popen(words, stderr=subprocess.PIPE, env=environment)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_kills_in_the_middle(tmp_path, mirror, big_file):
    mirror.mode = "slow"
    dice, part = random.Random(0), tmp_path / "big.gz.part"
    for _kill in range(5):
        size = part.stat().st_size if part.exists() else 0
        process = _worker(big_file, mirror.url, tmp_path)
        deadline = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < deadline:
            if part.exists() and part.stat().st_size > size:  # it is at work
                time.sleep(dice.uniform(0, 0.15))
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (tmp_path / "big.gz").exists():
            assert sha256_of(tmp_path / "big.gz") == big_file.sha256
            break
        got = part.read_bytes()
        assert len(got) > size and got == mirror.files["big.gz"][: len(got)]
    process = _worker(big_file, mirror.url, tmp_path)
    assert process.wait(20) == 0
    process.stderr.close()
    assert _names(tmp_path) == {"big.gz"}
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_eight_processes_make_one_file(tmp_path, mirror, big_file):
    mirror.mode = "slow"
    crowd = [_worker(big_file, mirror.url, tmp_path) for _one in range(8)]
    for process in crowd:
        _out, said = process.communicate(timeout=30)
        assert process.returncode == 0, said.decode()
    assert len(mirror.asked) == 1
    assert _names(tmp_path) == {"big.gz"}
    assert sha256_of(tmp_path / "big.gz") == big_file.sha256


def test_who_waits_for_a_lock_says_so_once(tmp_path):
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock", lambda: said.append("waiting"), poll=0.01):
            order.append("second")

    with locked(tmp_path / "lock", lambda: said.append("never")):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"] and said == ["waiting"]


def test_progress_in_plain_lines(tmp_path, mirror, big_file):
    out = io.StringIO()
    mirror.mode, mirror.slice = "slow", 30_000
    fetch([big_file], [mirror.url], tmp_path, progress=progress_for(out))
    assert out.getvalue().splitlines() == [
        "Downloading big.gz (0.3 MB)",
        "  big.gz: 25 %",
        "  big.gz: 50 %",
        "  big.gz: 75 %",
        "  big.gz: 100 %",
    ]


def test_progress_on_a_terminal_shows_names_as_text(tmp_path, mirror, big_file, capsys):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    bar = progress_for(Terminal())
    assert isinstance(bar, Bar)
    bar.begin("[red]odd[/red]", 10)
    bar.note("[bold]a remark")
    bar.update(10)
    bar.close()
    shown = capsys.readouterr()
    assert "[red]odd[/red]" in shown.err and "[bold]a remark" in shown.err and shown.out == ""
