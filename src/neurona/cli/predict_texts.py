"""``neurona predict`` for recognisers of texts: single texts with their words explained, and streams of lines.

Whatever arrives has a defined end: an empty line gets an answer's place but no answer, bytes that are no UTF-8 are read
as Windows-1252 and the user is told, and a text of absurd size is refused before it fills the memory.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from neurona.cli.shared import complain, say, session, tell_json
from neurona.datasets.tokens import UNKNOWN, Tokens
from neurona.errors import DataError, DataNotFoundError
from neurona.i18n import _, get_language
from neurona.recognisers import find
from neurona.report.plain import printable
from neurona.report.words import coloured_terminal, counted, reasons, write_words
from neurona.runs import Run
from neurona.saving.atomic import reason
from neurona.sight.words import Explained, Explainer

__all__ = ["predict"]

_LARGEST = 64 << 20  # bytes of one text
_AT_ONCE = 1024  # lines that are answered together
_ON_A_PAGE = 1000  # texts of a stream that a page explains
_SHOWN = 60  # letters of a line that are repeated beside its answer


def predict(run: Run, things: Sequence[str], lines: bool, html: Path | None) -> None:
    """Apply the network of a run to texts.

    Args:
        things: texts, files, folders, or "-" for lines from the standard input.
        lines: whether files hold one text a line.
        html: the page to write.

    Raises:
        DataError: a file that cannot be read, or a text that is too large.
    """
    _Predicting(run, html).all(things, lines)


class _Predicting:
    """One call of the command."""

    def __init__(self, run: Run, html: Path | None) -> None:
        self.run, self.html = run, html
        self.names: list[str] = run.info["classes"][get_language()]
        self.kind = find(run.info["recogniser"]).kind
        self.model = run.load_model()
        self.read = self.kind.reader(run)
        self.explain = Explainer(run, self.model)
        self.page: list[tuple[str, Explained]] = []
        self.results: list[dict[str, Any]] = []
        self.count = self.recoded = 0

    def all(self, things: Sequence[str], lines: bool) -> None:
        for thing in things:
            if thing == "-":
                self._stream(sys.stdin.buffer)
                continue
            files = _files(thing)
            if not files:
                self._single("", thing)
            for path in files:
                with _opened(path) as stream:
                    if lines:
                        self._stream(stream)
                    else:
                        self._single(str(path), self._decoded(_bounded(stream.read(_LARGEST + 1), str(path))))
        if self.recoded:
            complain(
                _("Note: {count} of the texts are no UTF-8; they were read as Windows-1252.").format(count=self.recoded)
            )
        found: dict[str, Any] = {"run": str(self.run.path), "recogniser": self.run.info["recogniser"]}
        if self.html is not None:
            self.html.parent.mkdir(parents=True, exist_ok=True)
            say(_("Page: {path}").format(path=write_words(self.html, self.run, self.page)))
            if self.count > len(self.page):
                say(_("It shows the first {count} texts.").format(count=len(self.page)))
            found["page"] = str(self.html)
        session.finish({**found, "count": self.count, "predictions": self.results})

    def _decoded(self, raw: bytes) -> str:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(_("The text is UTF-16. Save it as UTF-8."))
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.recoded += 1
            return raw.decode("cp1252", errors="replace")

    # -- a single text ----------------------------------------------------------------------------------------

    def _single(self, name: str, text: str) -> None:
        one = self.explain(text)
        answer = self._answer(one.probability, one.words)
        say((f"{name}: " if name else "") + self._in_words(answer), bold=True)
        say("  " + counted(one))
        if one.words:
            _show(one)
            for class_name, words in zip(reversed(self.names), reasons(one), strict=True):
                if words:
                    say("  " + _("for {name}: {words}").format(name=class_name, words=", ".join(words)))
        self.count += 1
        self.page.append((name, one))
        self.results.append(
            {
                **({"file": name} if name else {}),
                **answer,
                "words": one.words,
                "unknown": one.unknown,
                "read": one.read,
                "strongest": [{"word": word[:100], "contribution": value} for word, value in one.strongest[:20]],
            }
        )

    def _answer(self, probability: float, words: int) -> dict[str, Any]:
        """The likelier class and its probability; neither for a text without a word."""
        if not words:
            return {"answer": None, "probability": None}
        k = int(probability > 0.5)
        return {"answer": self.names[k], "probability": probability if k else 1 - probability}

    @staticmethod
    def _in_words(answer: dict[str, Any]) -> str:
        return _("no words") if answer["answer"] is None else f"{answer['answer']} {answer['probability']:.1%}"

    # -- a stream of lines ------------------------------------------------------------------------------------

    def _stream(self, stream: BinaryIO) -> None:
        for group in _groups(stream):
            texts = [self._decoded(line) for line in group]
            tokens: Tokens = self.read(texts)
            shares = self.kind.probabilities(self.run, self.model, tokens)[:, 1].tolist()
            for text, ids, share in zip(texts, tokens, shares, strict=True):
                self._line(text, len(ids) - 1, int((ids == UNKNOWN).sum()), share)
            sys.stdout.flush()

    def _line(self, text: str, words: int, unknown: int, share: float) -> None:
        answer = self._answer(share, words)
        self.count += 1
        if session.as_json:
            tell_json({"line": self.count, **answer, "words": words, "unknown": unknown})
        else:
            told = "-" if answer["answer"] is None else f"{answer['answer']}\t{answer['probability']:.4f}"
            beginning = printable(text[:_SHOWN].replace("\t", " "))
            click.echo(f"{told}\t{words}\t{unknown}\t{beginning}" if words else f"-\t-\t0\t0\t{beginning}")
        if self.html is not None and len(self.page) < _ON_A_PAGE:
            self.page.append((f"{self.count}", self.explain(text)))


def _show(one: Explained) -> None:
    """The text itself, its words coloured where the output is a terminal."""
    from rich.console import Console
    from rich.padding import Padding

    shown = coloured_terminal(one)
    if sys.stdout.isatty():
        Console(highlight=False, markup=False, emoji=False).print(Padding(shown, (0, 2)))
    else:
        say("  " + shown.plain)


def _files(thing: str) -> list[Path]:
    """The files that an argument names; none where it is a text.

    Raises:
        DataNotFoundError: it looks like the name of a file that is not there, or is a folder without texts.
    """
    path = Path(thing)
    if not thing:  # an empty text, not the working folder
        return []
    try:
        if path.is_file():
            return [path]
        folder = path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        return []
    if folder:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() == ".txt" and p.is_file())
        if not inside:
            raise DataNotFoundError(_("The folder {path} holds no text file (*.txt).").format(path=path))
        return inside
    if path.suffix.lower() == ".txt" and not any(c.isspace() for c in thing):
        raise DataNotFoundError(_("There is no file {path}.").format(path=path))
    return []


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(_("Cannot read {path}: {why}.").format(path=path, why=reason(error))) from error


def _bounded(raw: bytes, name: str) -> bytes:
    if len(raw) > _LARGEST:
        raise DataError(_("{name} is larger than {size} MB: that is no single text.").format(
            name=name, size=_LARGEST >> 20))  # fmt: skip
    return raw


def _groups(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Lines, as many together as are ready, so that a slow stream is answered at once and a fast one in large batches.

    Raises:
        DataError: a line has no end.
    """
    rest, waiting = bytearray(), []
    number = 0
    while True:
        chunk = _some(stream)
        if b"\n" in chunk:
            head, _sign, tail = chunk.rpartition(b"\n")
            rest += head
            waiting += [line.removesuffix(b"\r") for line in bytes(rest).split(b"\n")]
            rest = bytearray(tail)
        else:
            rest += chunk
        _bounded(bytes(rest) if len(rest) > _LARGEST else b"", _("line {number}").format(
            number=number + len(waiting) + 1))  # fmt: skip
        if not chunk and rest:
            waiting.append(bytes(rest))
            rest = bytearray()
        while waiting and (len(waiting) >= _AT_ONCE or not chunk or not _more(stream)):
            number += len(waiting[:_AT_ONCE])
            yield waiting[:_AT_ONCE]
            waiting = waiting[_AT_ONCE:]
        if not chunk:
            return


def _some(stream: BinaryIO) -> bytes:
    """What there is to read, at most a megabyte, without waiting for more; empty at the end."""
    if hasattr(stream, "read1"):
        return bytes(stream.read1(1 << 20))
    return stream.read(1 << 20)


def _more(stream: BinaryIO) -> bool:
    """Whether more can be read at once; told only where the system can say so."""
    if os.name == "nt":
        return True
    try:
        return bool(select.select([stream], [], [], 0.02)[0])
    except (OSError, ValueError):  # no file of the system
        return True
