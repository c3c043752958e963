"""The table of translators: for each op the function that writes it as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neurona.export.graph import Graph
from neurona.export.recording import Step

__all__ = ["TRANSLATORS", "Translator", "writes"]

#: Takes the graph and a step, adds nodes, and gives the name of the result, or of each of several.
Translator = Callable[[Graph, Step], str | Sequence[str]]

TRANSLATORS: dict[str, Translator] = {}


def writes(*ops: str) -> Callable[[Translator], Translator]:
    """Decorator: this function writes these ops."""

    def decorate(function: Translator) -> Translator:
        for name in ops:
            TRANSLATORS[name] = function
        return function

    return decorate
