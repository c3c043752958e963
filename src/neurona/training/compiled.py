"""What `compile` was told, made ready: one loss and the metrics of each output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona import losses, metrics
from neurona.errors import ArgumentError, UnknownNameError
from neurona.symbolic import flatten
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["CompiledLoss", "CompiledMetrics", "pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


def _per_output(kind: str, told: Any, names: list[str], several: bool) -> list[Any]:
    """`told` spread over the outputs: a dict by their names, a list in their order, or one thing for all."""
    if isinstance(told, dict):
        unknown = sorted(set(told) - set(names))
        if unknown:
            raise UnknownNameError(
                f"In the dict argument `{kind}`, key '{unknown[0]}' does not correspond to any model output. "
                f"Expected keys {names} in {kind} dict, but found {kind}.keys()={list(told)}."
            )
        return [told.get(name) for name in names]
    if isinstance(told, (list, tuple)) and several:
        if len(told) != len(names):
            raise ArgumentError(
                f"For a model with multiple outputs, when providing the `{kind}` argument as a list, it should have as many "
                f"entries as the model has outputs. Received: {kind}={told} of length {len(told)} whereas the model has "
                f"{len(names)} outputs."
            )
        return list(told)
    return [told] * len(names)


class CompiledLoss:
    """The losses of a model's outputs and their weighted sum.

    Args:
        loss: a name, object, function, or a list or dict of them.
        weights: numbers to multiply them by, as a list or dict.
        names: the outputs' names.
    """

    def __init__(self, loss: Any, weights: Any, names: list[str]) -> None:
        several = len(names) > 1
        if isinstance(loss, (list, tuple)) and not several and len(loss) == 1:
            loss = loss[0]
        self.names = names
        self.losses = [_as_losses(one) for one in _per_output("loss", loss, names, several)]
        self.weights = _per_output("loss_weights", weights, names, several)
        if several and isinstance(loss, (str, losses.Loss)):
            self.losses = [self.losses[0]] * len(names)
        self.trackers = (
            [None if one is None else metrics.Mean(name=f"{n}_loss") for n, one in zip(names, self.losses, strict=True)]
            if several
            else []
        )

    def __call__(self, y: list[Any], y_pred: list[Any], sample_weight: list[Any]) -> Tensor | None:
        """The weighted sum of the losses; ``None`` where no output has one."""
        total = None
        for i, loss in enumerate(self.losses):
            if loss is None or y[i] is None:
                continue
            value = loss(y[i], y_pred[i], sample_weight[i])
            if self.trackers:
                self.trackers[i].update_state(value, sample_weight=y_pred[i].shape[0])  # type: ignore[union-attr]
            weight = self.weights[i]
            value = value if weight is None else value * float(weight)
            total = value if total is None else total + value
        return total


def _as_losses(told: Any) -> Callable[..., Any] | None:
    """The loss of one output; a list of them counts as their sum."""
    if not isinstance(told, (list, tuple)):
        return _as_loss(told)
    several = [loss for loss in map(_as_loss, told) if loss is not None]
    if len(several) < 2:
        return several[0] if several else None
    return lambda y, y_pred, weight: sum(loss(y, y_pred, weight) for loss in several)


def _as_loss(told: Any) -> Callable[..., Any] | None:
    """A loss object for a name, a configuration, a function or an object."""
    found = losses.get(told)
    if found is None or isinstance(found, losses.Loss):
        return found
    return losses.LossFunctionWrapper(found, name=getattr(found, "__name__", "loss"))


class CompiledMetrics(metrics.Metric):
    """The metrics of a model's outputs as one, made at the first batch, when the shapes are known.

    Args:
        told, weighted: what `compile` was given; only the weighted ones see the sample weights.
    """

    def __init__(self, told: Any, weighted: Any) -> None:
        super().__init__(name="compile_metrics")
        self._told, self._weighted_told = told, weighted
        self.names: list[str] = []  # the outputs'
        self.built = False
        self._entries: list[tuple[int, metrics.Metric, bool]] = []  # output's index, metric, weighted

    @property
    def metrics(self) -> list[metrics.Metric]:
        return [metric for _, metric, _ in self._entries]

    @property
    def variables(self) -> list[Variable]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def build(self, y: list[Any], y_pred: list[Any], names: list[str]) -> None:
        """Make the metric objects for targets and predictions of these shapes, of the outputs of these names."""
        self.names = names
        several = len(self.names) > 1
        for told, weighted in ((self._told, False), (self._weighted_told, True)):
            if told is None:
                continue
            told = told if isinstance(told, (list, tuple, dict)) else [told]
            flat = isinstance(told, (list, tuple)) and not any(isinstance(t, (list, tuple)) for t in told)
            if flat and (not several or len(told) != len(self.names)):
                told = [told] * len(self.names)
            for i, ones in enumerate(_per_output("metrics", told, self.names, True)):
                for one in ones if isinstance(ones, (list, tuple)) else [ones]:
                    if one is not None:
                        metric = _as_metric(one, y[i], y_pred[i])
                        self._entries.append((i, metric, weighted))
        self.built = True

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Update every metric: with lists in the order of the outputs, or, as a `train_step` may, with one output's."""
        targets, predictions = ([part] if not isinstance(part, (list, tuple)) else part for part in (y, y_pred))
        weights = sample_weight if isinstance(sample_weight, (list, tuple)) else [sample_weight] * len(predictions)
        if not self.built:
            self.build(list(targets), list(predictions), [f"output_{i + 1}" for i in range(len(predictions))])
        for i, metric, weighted in self._entries:
            if targets[i] is not None:
                metric.update_state(targets[i], predictions[i], sample_weight=weights[i] if weighted else None)

    def result(self) -> dict[str, Any]:
        """The values by name; with several outputs the names begin with the output's."""
        found: dict[str, Any] = {}
        for i, metric, weighted in self._entries:
            before = f"{self.names[i]}_" if len(self.names) > 1 else ""
            value = metric.result()
            if isinstance(value, dict):
                found.update(value)
                continue
            name = before + metric.name
            if weighted and name in found:
                name = f"{before}weighted_{metric.name}"
            unique, k = name, 1
            while unique in found:
                unique, k = f"{name}_{k}", k + 1
            found[unique] = value
        return found


def _as_metric(told: Any, y: Any, y_pred: Any) -> metrics.Metric:
    """A metric object; "accuracy" and "crossentropy" mean what the shapes of targets and outputs ask for."""
    if isinstance(told, metrics.Metric):
        return told
    if isinstance(told, str) and told.lower() in ("accuracy", "acc", "crossentropy", "ce"):
        shape, shape_pred = tuple(y.shape), tuple(y_pred.shape)
        if shape_pred[-1] == 1:
            kind = "binary"
        elif len(shape) < len(shape_pred) or shape[-1] == 1:
            kind = "sparse_categorical"
        else:
            kind = "categorical"
        what = "accuracy" if told.lower().startswith("acc") else "crossentropy"
        function = metrics.get(f"{kind}_{what}")
        if isinstance(function, metrics.Metric):
            function.name = told
            return function
        return metrics.MeanMetricWrapper(function, name=told)
    found = metrics.get(told)
    if isinstance(found, metrics.Metric):
        if isinstance(told, str):
            found.name = told  # "mae" is reported as "mae"
        return found
    name = told if isinstance(told, str) else getattr(found, "__name__", type(found).__name__)
    return metrics.MeanMetricWrapper(found, name=name)


def leaves(structure: Any, count: int) -> list[Any]:
    """The leaves of a nested argument, or `count` times None where it is absent."""
    if structure is None:
        return [None] * count
    return flatten(structure)


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What a batch holds, from its parts: the opposite of `unpack_x_y_sample_weight`.

    >>> pack_x_y_sample_weight("x", "y")
    ('x', 'y')
    """
    if y is None:
        return (x,) if isinstance(x, (list, tuple, dict)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """``(x, y, sample_weight)`` from what a batch holds, ``None`` for what is missing.

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3:
        raise ArgumentError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received: a tuple of {len(data)} entries."
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight
