"""Every public name has Keras's parameters: names, order, defaults; milestone 1's list is all there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import signatures

CASES = reader.family("signatures")
MISSING = object()


def _find(name: str) -> Any:
    try:
        return reader.look_up(BRIDGE.keras, name)
    except AttributeError:
        return MISSING


@pytest.mark.parametrize("module", sorted({case.id.rpartition(".")[0] for case in CASES}))
def test_milestone_list_is_complete(module: str) -> None:
    wanted = [case.id for case in CASES if case.id.rpartition(".")[0] == module and case.setup["required"]]
    missing = [name for name in wanted if _find(name) is MISSING]
    assert not missing, f"not in neurona: {', '.join(missing)}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_signatures_equal_keras(case: reader.Case) -> None:
    """Keras's parameters come first and alike; Neurona may add optional ones behind them."""
    thing = _find(case.id)
    if thing is MISSING:
        pytest.skip("not in neurona; test_milestone_list_is_complete tells which must be")
    got, want = signatures.signature(thing), case.expected["parameters"]
    catch_all = ("*args", "**kwargs")
    named = [p for p in want if p[1] not in catch_all]
    mine = [p for p in got if p[1] not in catch_all]
    shown = f"\n  Keras:   {want}\n  Neurona: {got}"
    assert mine[: len(named)] == named, case.id + shown
    assert all(default for _, _, default in mine[len(named) :]), (
        f"{case.id}: an added parameter needs a default" + shown
    )
    if any(kind == "**kwargs" for _, kind, _ in want):  # spelled out, or caught as in Keras
        spelled = len(mine) > len(named) or any(kind == "**kwargs" for _, kind, _ in got)
        assert spelled, f"{case.id} takes further keywords in Keras" + shown
