"""Crossentropy that leaves a share of the truth to the other classes, and what a model is left with afterwards."""

from __future__ import annotations

from typing import Any

from neurona import losses, ops
from neurona.ops import fused
from neurona.registry import Config, export
from neurona.tensor import Tensor

__all__ = ["SmoothedCrossentropy", "compile_plainly"]


@export("neurona.recognisers")
class SmoothedCrossentropy(losses.Loss):
    """Crossentropy of raw outputs z with class numbers y, of which a share s is spread evenly over all K classes.

    loss = -sum over k of t[k] log softmax(z)[k],  t[k] = (1 - s) [k = y] + s / K

    A network that may never be quite sure keeps its weights small and generalises better. Keras's
    `CategoricalCrossentropy` does it for one-hot rows; this one takes class numbers.

    Args:
        share: s, from 0 to 1.

    >>> loss = SmoothedCrossentropy(0.5)
    >>> round(float(loss(np.array([0]), np.array([[0.0, 0.0]]))), 4)  # log 2, whatever the share
    0.6931

    Source: Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7.
    """

    takes_integers = True

    def __init__(self, share: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.share = share

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        classes = y_pred.shape[-1]
        sure = ops.one_hot(ops.reshape(y_true, (-1,)), classes)
        targets = ops.add(ops.multiply(sure, 1.0 - self.share), self.share / classes)
        each: Tensor = fused.softmax_crossentropy(y_pred, targets)[0]
        return each

    def get_config(self) -> Config:
        return {**super().get_config(), "share": self.share}


def compile_plainly(model: Any) -> Any:
    """A trained model with a loss and an optimizer that Keras has too, so that its file opens there; the same model."""
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
