"""Recognisers of texts: numbers of words in, one probability out, that of the second of two classes.

The words that a network knows are learnt from the texts it is trained with and kept in the run's ``vocabulary.txt``,
one a line, the most frequent first. What the network answers becomes the pair (1 - p, p), so everything that judges and
shows recognisers of several classes does so for these.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurona.datasets.tokens import FIRST, Tokens, index, vocabulary
from neurona.errors import NonFiniteError, RunError
from neurona.i18n import _
from neurona.recognisers.kind import Baselines, Reader
from neurona.recognisers.lengths import ByLength, InOrder, Lengths
from neurona.runs import Run
from neurona.saving.atomic import atomic_file, reason
from neurona.tensor import Array, as_array

if TYPE_CHECKING:
    from neurona.recognisers.recipe import Recipe

__all__ = ["Texts", "lengths_of", "vocabulary_of"]

_VOCABULARY = "vocabulary.txt"


@dataclass(frozen=True)
class Texts:
    """The kind of the recognisers of texts.

    Attributes:
        baselines: simpler ways to the same end, which are trained beside a network so that one sees what it buys.
    """

    baselines: Baselines | None = None
    name: str = "texts"
    example: str = "'A film to remember.'"

    def reader(self, run: Run, x_train: Any = None) -> Reader:
        """Numbers for words, by the run's vocabulary."""
        if x_train is not None and not (run.path / _VOCABULARY).exists():
            words = vocabulary(x_train, run.info["settings"]["words"] - FIRST)
            with atomic_file(run.path / _VOCABULARY) as stream:
                stream.write("".join(f"{word}\n" for word in words).encode())
        known = vocabulary_of(run)
        return lambda texts: index(texts, known)

    def fed(self, run: Run, recipe: Recipe, x: Tokens, y: Array) -> ByLength:
        """Batches of texts of similar length."""
        return ByLength(x, y, run.info["batch_size"], run.info["seed"], lengths_of(run))

    def judged(self, run: Run, recipe: Recipe, x: Tokens, y: Array) -> InOrder:
        """Batches from the shortest text to the longest."""
        return InOrder(x, lengths_of(run), y)

    def probabilities(self, run: Run, model: Any, x: Tokens) -> Array:
        """The pairs (1 - p, p), in the order of the texts: ``(N, 2)``."""
        # called op by op: the widths of batches are too many for a plan each; and few texts at once, so that what
        # each op leaves fits the cache and needs no fresh memory
        batches = InOrder(x, lengths_of(run), batch_size=32)
        parts = [as_array(model(batch, training=False))[:, 0] for (batch,) in batches]
        p = batches.restored(np.concatenate([*parts, np.empty(0)]).astype("float64"))
        if not np.isfinite(p).all():
            raise NonFiniteError(_("The network answers with NaN or infinity: its weights are spoilt."))
        return np.stack([1 - p, p], axis=1)


def lengths_of(run: Run) -> Lengths:
    """How a run cuts and pads texts."""
    return Lengths(**run.info.get("lengths", asdict(Lengths())))


def vocabulary_of(run: Run) -> list[str]:
    """The words that a run knows, the most frequent first.

    Raises:
        RunError: the file is missing or no text.
    """
    try:
        return (run.path / _VOCABULARY).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else error
        text = _("The run {path} is damaged: {file} cannot be read ({why}).")
        raise RunError(text.format(path=run.path, file=_VOCABULARY, why=why)) from error
