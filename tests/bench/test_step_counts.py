"""What a training step of each network of the benchmark does, counted: it may fall, and must not grow unseen.

Times differ from machine to machine and from minute to minute; these counts do not. For each network, in a step that is
repeated: ops of the plan forwards and backwards, calls of the compiled kernels (the optimizer's and those of the batch
included), ops that no kernel took, and blocks of memory asked of the system. Whoever makes a step do less lowers a number here;
whoever makes it do more has to say so here.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import neurona as keras
from neurona import kernels
from neurona.bench.race import WORKER
from neurona.bench.worker.networks import NETWORKS, lesson
from neurona.tape import Op

pytestmark = pytest.mark.skipif(kernels.native is None, reason="counts the calls of the compiled kernels")

#: network -> (ops forwards, ops backwards, kernel calls, ops that NumPy did).
MOST = {
    "dnn-small": (7, 4, 7, 4),
    "dnn-deep": (15, 9, 17, 7),
    "mnist-cnn": (11, 7, 11, 6),
    "cifar-cnn": (11, 8, 13, 5),
    "vgg-bn": (70, 43, 37, 40),
    "lstm": (15, 9, 5, 13),
    "bilstm": (23, 17, 13, 17),
    "gru": (15, 9, 5, 13),
    "transformer": (59, 53, 43, 38),
}


class Counted:
    """The kernels, every call of them counted by its name."""

    def __init__(self, module: Any, calls: Counter[str]) -> None:
        self._module, self._calls = module, calls

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self._module, name)
        if not callable(thing) or name in ("fresh_count", "shelf_bytes", "current", "get_threads"):
            return thing

        def call(*args: Any) -> Any:
            result = thing(*args)
            if result is not NotImplemented:
                self._calls[name] += 1
            return result

        return call


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[Any, Any, Any]]:
    """Makes a network of the benchmark as its worker does, and four small batches for it."""
    monkeypatch.syspath_prepend(WORKER)
    engine = importlib.import_module("keras_engine").KerasEngine("neurona", "")

    def make(name: str) -> tuple[Any, Any, Any]:
        network = replace(NETWORKS[name], batch=8)
        engine.build(network, None, seed=0)
        return engine.model, *lesson(network, 32)

    return make


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_step_does_no_more_than_it_did(name: str, build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, y = build(name)
    model.fit(x, y, batch_size=8, verbose=0, lint=False)
    (plan,) = (p for key, p in model._plans.items() if key[0] == "train")
    calls: Counter[str] = Counter()
    references: Counter[str] = Counter()

    def counting(reference: Callable[..., Any], op: str) -> Callable[..., Any]:
        def call(*args: Any, **attributes: Any) -> Any:
            references[op] += 1
            return reference(*args, **attributes)

        return call

    owners = {getattr(compute, "__self__", None) for compute, *_ in plan._forward}
    for owner in owners:
        if isinstance(owner, Op):
            monkeypatch.setattr(owner, "reference", counting(owner.reference, owner.name))
    monkeypatch.setattr(kernels, "native", Counted(kernels.native, calls))
    fresh: list[int] = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            fresh.append(kernels.native.fresh_count())

    model.fit(x, y, batch_size=8, verbose=0, lint=False, callbacks=[Steps()])
    found = (len(plan._forward), len(plan._backward), sum(calls.values()) / 4, sum(references.values()) / 4)
    assert all(now <= most for now, most in zip(found, MOST[name], strict=True)), (found, calls, references)
    assert fresh[-1] == fresh[-2], "no block of memory is asked of the system once the step repeats"
