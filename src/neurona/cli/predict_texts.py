"""``neurona predict`` for recognisers of texts: single texts with their words explained, and streams of lines.

Whatever arrives has a defined end (`text_input`); an empty line gets an answer's place but no answer.
"""

from __future__ import annotations

import errno
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from neurona.cli.shared import say, session, tell_json
from neurona.cli.text_input import decoded, files_of, groups, note_recoded, opened, whole
from neurona.datasets.tokens import UNKNOWN, Tokens
from neurona.errors import SavingError
from neurona.i18n import _, get_language
from neurona.recognisers import find
from neurona.report.plain import printable
from neurona.report.words import coloured_terminal, counted, reasons, write_words
from neurona.runs import Run
from neurona.saving.atomic import reason
from neurona.sight.words import Explained, Explainer

__all__ = ["predict"]

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
        SavingError: the page cannot be written, which is found before anything is read.
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
        if self.html is not None:
            _make_room(self.html)
        for thing in things:
            if thing == "-":
                self._stream(sys.stdin.buffer)
                continue
            files = files_of(thing)
            if not files:
                self._single("", thing)
            for path in files:
                with opened(path) as stream:
                    if lines:
                        self._stream(stream)
                    else:
                        text, recoded = whole(stream, str(path))
                        self.recoded += recoded
                        self._single(str(path), text)
        note_recoded(self.recoded)
        found: dict[str, Any] = {"run": str(self.run.path), "recogniser": self.run.info["recogniser"]}
        if self.html is not None:
            say(_("Page: {path}").format(path=write_words(self.html, self.run, self.page)))
            if self.count > len(self.page):
                say(_("It shows the first {count} texts.").format(count=len(self.page)))
            found["page"] = str(self.html)
        session.finish({**found, "count": self.count, "predictions": self.results})

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
        for group in groups(stream):
            pairs = [decoded(line) for line in group]
            texts = [text for text, _recoded in pairs]
            self.recoded += sum(recoded for _text, recoded in pairs)
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


def _make_room(page: Path) -> None:
    """Make the folder of a page that is written at the end, and see whether the page can be.

    Raises:
        SavingError: it cannot.
    """
    try:
        if page.parent.is_file():
            raise NotADirectoryError(errno.ENOTDIR, "is no folder")
        page.parent.mkdir(parents=True, exist_ok=True)
        if page.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        with tempfile.TemporaryFile(dir=page.parent):
            pass
    except OSError as error:
        raise SavingError(_("Cannot write {path}: {why}.").format(path=page, why=reason(error))) from error
