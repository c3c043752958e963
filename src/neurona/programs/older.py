"""Methods that models had before Keras 3, given to `Model` while programs are answered.

>>> give()
>>> hasattr(Model, "fit_generator")
True
>>> take_away()
>>> hasattr(Model, "predict_classes")
False
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.models import Model
from neurona.tensor import Array

__all__ = ["give", "take_away"]

_QUEUE = ("max_queue_size", "max_q_size", "workers", "use_multiprocessing", "pickle_safe")


def _without_queue(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in _QUEUE}


def _fit_generator(
    self: Any, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: Any = 1, **settings: Any
) -> Any:
    """As `fit`, on batches that something makes."""
    return self.fit(
        generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, **_without_queue(settings)
    )


def _evaluate_generator(self: Any, generator: Any, steps: int | None = None, **settings: Any) -> Any:
    """As `evaluate`."""
    return self.evaluate(generator, steps=steps, **_without_queue(settings))


def _predict_generator(self: Any, generator: Any, steps: int | None = None, **settings: Any) -> Any:
    """As `predict`."""
    return self.predict(generator, steps=steps, **_without_queue(settings))


def _predict_proba(self: Any, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
    """As `predict`."""
    return self.predict(x, batch_size=batch_size, verbose=verbose)


def _predict_classes(self: Any, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Array:
    """The most probable class of each sample; of one output, whether it is above a half."""
    shares = self.predict(x, batch_size=batch_size, verbose=verbose)
    return np.asarray(shares.argmax(axis=-1) if shares.shape[-1] > 1 else (shares > 0.5).astype("int32"))


_METHODS = {
    "evaluate_generator": _evaluate_generator,
    "fit_generator": _fit_generator,
    "predict_classes": _predict_classes,
    "predict_generator": _predict_generator,
    "predict_proba": _predict_proba,
}


def give() -> None:
    """Let every model have them."""
    for name, method in _METHODS.items():
        setattr(Model, name, method)


def take_away() -> None:
    """Undo `give`."""
    for name in _METHODS:
        if name in vars(Model):
            delattr(Model, name)
