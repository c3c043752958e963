"""Foretold: functions of tensors that know the shape of their result by a rule.

An op that is called on placeholders is tried out on small arrays, to see what comes. For pictures that is dear, and where
height and width are open it would fail: a window of 7 does not fit into a stand-in of 2. These functions calculate instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from neurona import config
from neurona.cases import Case, Failure
from neurona.symbolic import KerasTensor, Node, Shape, has_symbolic
from neurona.tape import OPS, Composed, common_dtype
from neurona.tensor import as_tensor

__all__ = ["Foretold", "foretold"]


class Foretold(Composed):
    """A composed op with a rule for shapes, made by the decorator `foretold`.

    Attributes:
        tensors: how many of its arguments, the first ones, are tensors.
        rule: takes the same arguments, with shapes in the place of the tensors, and gives the result's shape.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        rule: Callable[..., Shape],
        tensors: int,
        cases: Sequence[Case],
        errors: Sequence[Failure],
    ) -> None:
        super().__init__(function, cases, errors)
        self.rule, self.tensors = rule, tensors
        self._signature = inspect.signature(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not (has_symbolic(args) or has_symbolic(kwargs)):
            return self.function(*args, **kwargs)
        given = self._signature.bind(*args, **kwargs).arguments
        dtypes = []
        for name in list(self._signature.parameters)[: self.tensors]:
            x = given[name] if isinstance(given[name], KerasTensor) else as_tensor(given[name])
            given[name] = x.shape
            dtypes.append(x.dtype if isinstance(x, KerasTensor) else x.dtype.name)
        dtype = common_dtype(*dtypes)
        output = KerasTensor(self.rule(**given), dtype if dtype.startswith("float") else config.floatx())
        Node(self, args, kwargs, output)
        return output


def foretold(
    rule: Callable[..., Shape], tensors: int, *, cases: Sequence[Case] = (), errors: Sequence[Failure] = ()
) -> Callable[[Callable[..., Any]], Foretold]:
    """Decorator: enter a function of tensors with a rule for its shape in the table `OPS`, with its cases."""

    def decorate(function: Callable[..., Any]) -> Foretold:
        made = Foretold(function, rule, tensors, cases, errors)
        OPS[made.name] = made
        return made

    return decorate
