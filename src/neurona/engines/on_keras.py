"""OnKeras: `fit` as ever, with the steps done by real Keras.

The model stays where it is, with its batches, callbacks and checkpoints; only what one step computes happens on the
other side, on a copy that was carried over. Weights, the optimizer's state and the random counters are brought back
whenever somebody here looks at them: before a checkpoint and at the end. So an interrupted training goes on as with our
own engine (the metrics of the epoch that was broken off are those of its rest).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from neurona.engines.carry import carry_over, drawn_by_lot
from neurona.engines.real_keras import as_numpy, load_keras
from neurona.errors import ArgumentError
from neurona.symbolic import flatten, map_structure
from neurona.tensor import Array, as_array
from neurona.training.callbacks import Callback

__all__ = ["OnKeras", "farthest"]

_COUNTER = "seed_generator_state"
_EXAMPLES = 64


class OnKeras(Callback):
    """Does the steps of a compiled model's `fit` on real Keras. Put it behind the checkpoint among the callbacks.

    Args:
        model: ours, built and compiled.

    Attributes:
        theirs: Keras's model.
        agreement: once it is trained, the largest distance between an output of the network on Keras and of ours with
            the same weights, for some examples of the first batch.
        drawn: the names of the layers that draw random numbers, each engine its own.

    Raises:
        MissingPackageError: Keras is not installed.
        ArgumentError: the model cannot be carried over.
    """

    uses_batches = False

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._numpy = partial(as_numpy, load_keras())
        self.ours, self.theirs = model, carry_over(model)
        # Keras would forget at each batch what an epoch has counted
        self._forget, self.theirs.reset_metrics = self.theirs.reset_metrics, lambda: None
        for one in (self.ours, self.theirs):
            if not one.optimizer.built:
                one.optimizer.build(one.trainable_variables)
        self.agreement: float | None = None
        self.drawn = drawn_by_lot(model)
        self._examples: Any = None
        self._pairs = list(self._matched())
        self.take_over()
        model.engine = self

    def _matched(self) -> Iterator[tuple[Any, Any]]:
        """Every variable of the state, ours beside theirs."""
        for mine, its in (
            (self.ours.weights, self.theirs.weights),
            (_counters(self.ours), _counters(self.theirs)),
            (self.ours.optimizer.variables, self.theirs.optimizer.variables),
        ):
            if [tuple(v.shape) for v in mine] != [tuple(v.shape) for v in its]:
                raise ArgumentError(
                    f"The state of '{self.ours.name}' on Keras is of another form: {len(mine)} variables here, "
                    f"{len(its)} there. Received: {[v.path for v in its][:8]}."
                )
            yield from zip(mine, its, strict=True)

    def take_over(self) -> None:
        """Give Keras our weights, optimizer state and random counters."""
        for mine, its in self._pairs:
            its.assign(np.asarray(mine.data).astype(str(its.dtype)))

    def bring_back(self) -> None:
        """Take Keras's weights, optimizer state and random counters."""
        for mine, its in self._pairs:
            mine.assign(self._numpy(its).astype(mine.data.dtype))

    # -- what the trainer asks of an engine ---------------------------------------------------------------------

    def step(self, kind: str, data: Any) -> Any:
        """One step of "train", "test" or "predict" on a batch of arrays.

        Returns:
            the metrics so far in this epoch, or the outputs.
        """
        x, y, weight = data
        if kind == "predict":
            return map_structure(self._numpy, self.theirs.predict_on_batch(x))
        self._keep_examples(x)
        do = self.theirs.train_on_batch if kind == "train" else self.theirs.test_on_batch
        told = {name: float(value) for name, value in do(x, y, weight, return_dict=True).items()}
        if kind == "train":
            self.ours.last_loss = np.asarray(told["loss"])
        return {"loss": told.pop("loss"), **told}

    def _keep_examples(self, x: Any) -> None:
        if self._examples is None:
            self._examples = map_structure(lambda a: np.array(a[:_EXAMPLES]), x)

    def outputs_apart(self) -> float:
        """The largest distance between outputs here and on Keras, for some examples of the first batch."""
        mine = flatten(self.ours(self._examples, training=False))
        its = flatten(self.theirs(self._examples, training=False))
        return max(farthest(as_array(a), self._numpy(b)) for a, b in zip(mine, its, strict=True))

    # -- the hooks of fit ---------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        self.take_over()  # a checkpoint may have brought back a state

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._forget()

    def on_test_begin(self, logs: Any = None) -> None:
        self._forget()

    def on_train_end(self, logs: Any = None) -> None:
        self.theirs.optimizer.finalize_variable_values(self.theirs.trainable_variables)
        self.bring_back()
        self.let_go()
        self.agreement = None if self._examples is None else self.outputs_apart()

    def let_go(self) -> None:
        """End it: our model steps by itself again. `fit` does so at its end; after an error in it somebody else must."""
        self.ours.engine = None


def farthest(mine: Array, its: Array) -> float:
    """The largest distance between two numbers in the same place."""
    if not mine.size:
        return 0.0
    return float(np.abs(mine.astype("float64") - its.astype("float64")).max())


def _counters(model: Any) -> list[Any]:
    """The states of a model's random generators."""
    return [v for v in model.variables if v.path.endswith(_COUNTER)]
