"""Every op that has a translator computes in onnxruntime what its cases compute here, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurona.cases import Case
from neurona.errors import SavingError
from neurona.export.onnx import to_onnx
from neurona.export.table import TRANSLATORS
from neurona.symbolic import KerasTensor, flatten, map_structure
from neurona.tape import OPS, Op
from neurona.tensor import Tensor
from neurona.variable import Variable

pytest.importorskip("onnx", reason="the extra neurona[onnx] is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra neurona[onnx] is not installed")

# cases that ONNX has no counterpart for, and what is said of them
_DROPS, _ROWS = "drops parts of its state", "from all axes at once|serve several rows"
REFUSED = {
    "_einsum-6": "ONNX's own check refuses",  # dots for other numbers of axes
    "_get_item-3": "beside whole numbers", "_get_item-4": "its places are truths", "_pick-1": "the data decide",
    "dot-3": "more than two axes", "normalize-4": "a single number", "pad-3": "in no mode 'symmetric'",
    "argsort-2": "all axes at once", "sort-2": "all axes at once",
    "repeat-2": "another number of times", "roll-0": "over all axes at once", "round-1": "to whole numbers only",
    "round-2": "to whole numbers only", "take_along_axis-2": _ROWS, "take_along_axis-3": _ROWS, "gru-2": _DROPS,
    "gru-3": _DROPS, "gru-5": _DROPS, "lstm-2": _DROPS, "lstm-3": _DROPS, "simple_rnn-2": _DROPS, "simple_rnn-4": _DROPS,
}  # fmt: skip
# their other inputs must be known beforehand; of these only the first result is in the file
WEIGHTED = {"digitize": 0, "gru": 0, "lstm": 0, "searchsorted": 1, "simple_rnn": 0}
FIRST_ONLY = {"gru", "lstm", "max_pool_places"}

CASES = [
    pytest.param(name, case, REFUSED.get(f"{name}-{i}"), id=f"{name}-{i}")
    for name in sorted(TRANSLATORS)
    for i, case in enumerate(OPS[name].cases)
    if "D 0" not in repr(case)  # layers of no units
]


class Function:
    """A function of a list of tensors in a model's place."""

    name = "function"

    def __init__(self, compute: Callable[[list[Any]], Any]) -> None:
        self.compute = compute

    def __call__(self, tensors: list[Any], training: bool = False) -> Any:
        return self.compute(tensors)


def test_translators_are_of_ops() -> None:
    assert all(isinstance(OPS[name], Op) for name in TRANSLATORS)


@pytest.mark.parametrize(("name", "case", "refused"), CASES)
def test_op_agrees_or_is_refused(name: str, case: Case, refused: str | None) -> None:
    rng = np.random.default_rng(0)
    args = case.draw(rng, {letter: max(least, 3) for letter, least in case.letters().items()}, "float32")
    if name in WEIGHTED:
        args = [
            Variable(x, trainable=False)
            if isinstance(x, np.ndarray) and i != WEIGHTED[name] and x.dtype.kind == "f"
            else x
            for i, x in enumerate(args)
        ]
    inputs = [x for x in flatten(args) if isinstance(x, np.ndarray)]

    def compute(tensors: list[Any]) -> Any:
        given = iter(tensors)
        whole = map_structure(lambda x: next(given) if isinstance(x, np.ndarray) else x, args)
        results = flatten(OPS[name](*whole, **case.attributes))
        return results[:1] if name in FIRST_ONLY else results

    symbols = [KerasTensor(x.shape, str(x.dtype), name=f"x{i}") for i, x in enumerate(inputs)]
    if refused is not None:
        with pytest.raises(SavingError, match=refused):
            to_onnx(Function(compute), symbols, [])
        return
    data = to_onnx(Function(compute), symbols, [])
    session = ort.InferenceSession(data)
    found = session.run(None, {entry.name: x for entry, x in zip(session.get_inputs(), inputs, strict=True)})
    with np.errstate(all="ignore"):
        expected = [y.numpy() for y in compute([Tensor(x) for x in inputs])]
    for ours, its in zip(expected, found, strict=True):
        assert (its.shape, its.dtype) == (ours.shape, ours.dtype)
        np.testing.assert_array_equal(np.isfinite(its), np.isfinite(ours))
        finite = np.isfinite(ours)
        largest = np.abs(ours[finite].astype("float64")).max(initial=1e-9)
        np.testing.assert_allclose(its[finite], ours[finite], rtol=0, atol=1e-5 * largest)


def test_every_reason_is_met() -> None:
    assert set(REFUSED) <= {param.id for param in CASES}
