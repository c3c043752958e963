"""What differs between recognisers of pictures and of texts, and nothing else: the one place where they part.

A recogniser has one `Kind`: `of_pictures.Pictures` or `of_texts.Texts`. Carrying out a recipe (`train.py`), judging and
the Run folder know only what stands here. The command line and the report choose their words and figures by its `name`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from neurona.runs import Run
from neurona.tensor import Array

if TYPE_CHECKING:
    from neurona.recognisers.recipe import Recipe

__all__ = ["Baselines", "Kind", "Reader"]

#: Examples as the data set has them -> as the networks take them.
Reader = Callable[[Any], Any]
#: ``(run, prepared training examples, classes, prepared test examples, classes) -> entries of metrics.json``.
Baselines = Callable[[Run, Any, Array, Any, Array], list[dict[str, Any]]]


class Kind(Protocol):
    """How examples of one kind go into networks, and what comes out of these."""

    @property
    def name(self) -> str:
        """ "pictures" or "texts"."""

    @property
    def example(self) -> str:
        """What a person might give to ``neurona predict``."""

    @property
    def baselines(self) -> Baselines | None:
        """Simpler ways to the same end, tried beside a network so that one sees what it buys."""

    def reader(self, run: Run, x_train: Any = None) -> Reader:
        """How this run reads examples.

        Args:
            run: the run; what was learnt for reading is kept in its folder.
            x_train: the training examples, where a new run learns from them how to read.
        """

    def fed(self, run: Run, recipe: Recipe, x: Any, y: Array) -> Any:
        """Prepared training data as `fit` takes it: ``(x, y)``, or a `ByEpoch`."""

    def judged(self, run: Run, recipe: Recipe, x: Any, y: Array) -> Any:
        """Prepared data to judge by during the training, as `fit` takes its ``validation_data``."""

    def probabilities(self, run: Run, model: Any, x: Any) -> Array:
        """What a run's network thinks of prepared examples: ``(N, classes)``.

        Raises:
            NonFiniteError: it answers with NaN or infinity.
        """
