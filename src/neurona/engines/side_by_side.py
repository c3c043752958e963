"""SideBySide: `fit` with every step done twice, by Neurona and by real Keras, and how far apart the two are.

Both begin with the same weights and see the same batches. After a step three distances are taken: between the two losses
of the batch, between the outputs for some examples (without dropout and augmentation, as when the network is applied),
and between the weights. So that the arithmetic is the same, the tables of word features move whole on both sides for as
long as this lasts, and the parts of a row that a batch names twice are summed before an optimizer squares them
(decision 0009). The model that is kept is Neurona's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from neurona import config
from neurona.engines.on_keras import OnKeras, farthest
from neurona.saving.atomic import atomic_file
from neurona.symbolic import map_structure

__all__ = ["Distance", "SideBySide", "read_distances", "told"]

# So many steps are measured at most, besides the first ones, which are measured all.
_FIRST, _MOST = 20, 200
_NUMBERS = ("loss", "loss_keras", "loss_distance", "outputs", "weights")


@dataclass(frozen=True)
class Distance:
    """How far apart the two engines are after a step.

    Attributes:
        step: how many steps were done; 0 is before the first.
        loss, loss_keras: of the step's batch; NaN before the first step.
        loss_distance: between them.
        outputs: the largest distance between two outputs for the same example.
        weights: the largest distance between two weights in the same place.
        where: the path of the variable with that weight.
    """

    step: int
    loss: float
    loss_keras: float
    loss_distance: float
    outputs: float
    weights: float
    where: str


class SideBySide(OnKeras):
    """Does every step of a compiled model's `fit` here and on Keras.

    Args:
        model: ours, built and compiled.
        path: the CSV file that the distances are written to, at the end of each epoch.

    Attributes:
        distances: those measured so far.
    """

    def __init__(self, model: Any, path: Path) -> None:
        super().__init__(model)
        self.path, self.steps = path, 0
        self.distances: list[Distance] = []
        self._rows_alone = config.sparse_updates()
        self._examples: Any = None
        _sum_repeated_rows(self.theirs.optimizer)

    def step(self, kind: str, data: Any) -> Any:
        """A step here, and the same on Keras if it is one of training; returns what ours returns."""
        if kind != "train":
            return self.ours._own_step(kind, data)
        if self._examples is None:
            self._keep_examples(data[0])
            self._measure(float("nan"), float("nan"))
        data = map_structure(lambda a: None if a is None else np.array(a), data)  # the batch's memory serves again
        result = self.ours._own_step(kind, data)
        own = float(self.ours.last_loss)
        self._forget()  # else it tells the mean of all steps so far
        x, y, weight = data
        loss = float(self.theirs.train_on_batch(x, y, weight, return_dict=True)["loss"])
        self.steps += 1
        if self._is_due():
            self._measure(own, loss)
        return result

    def _is_due(self) -> bool:
        params = self.params or {}
        total = (params.get("steps") or 1) * params.get("epochs", 1)
        return self.steps <= _FIRST or self.steps % max(1, total // _MOST) == 0 or self.steps == total

    def _measure(self, loss: float, loss_keras: float) -> None:
        apart = [farthest(np.asarray(v.data), self._numpy(w)) for v, w in self._weights()]
        worst = int(np.argmax(apart))
        self.distances.append(
            Distance(
                self.steps, loss, loss_keras, abs(loss - loss_keras),
                self.outputs_apart(), apart[worst], self.ours.weights[worst].path,
            )
        )  # fmt: skip

    def _weights(self) -> list[tuple[Any, Any]]:
        return list(zip(self.ours.weights, self.theirs.weights, strict=True))

    # -- the hooks of fit ---------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        config.set_sparse_updates(False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.write()

    def on_train_end(self, logs: Any = None) -> None:
        self.let_go()

    def let_go(self) -> None:
        config.set_sparse_updates(self._rows_alone)
        super().let_go()
        self.write()

    def bring_back(self) -> None:
        """Nothing: our weights are our own."""

    def write(self) -> None:
        """Replace the file by what was measured so far."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([field.name for field in fields(Distance)])
        writer.writerows(astuple(distance) for distance in self.distances)
        with atomic_file(self.path) as stream:
            stream.write(text.getvalue().encode())


def read_distances(path: Path) -> list[Distance]:
    """What `SideBySide` wrote; nothing where there is no such file.

    Raises:
        ValueError, KeyError: it is damaged.
    """
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    return [
        Distance(step=int(row["step"]), where=row["where"], **{name: float(row[name]) for name in _NUMBERS})
        for row in rows
    ]


def _sum_repeated_rows(optimizer: Any) -> None:
    """Let an optimizer of Keras on TensorFlow see gradients as whole arrays, in which each row stands once."""
    apply = optimizer.apply

    def summed(grads: Iterable[Any], trainable_variables: Any = None) -> Any:
        return apply([_whole(g) for g in grads], trainable_variables)

    optimizer.apply = summed


def _whole(gradient: Any) -> Any:
    if type(gradient).__name__ != "IndexedSlices":
        return gradient
    import tensorflow as tf

    return tf.convert_to_tensor(gradient)


def told(distance: Distance) -> dict[str, Any]:
    """A distance as JSON has it: without NaN."""
    return {name: None if value != value else value for name, value in asdict(distance).items()}
