"""Callback: the hooks that a training, a judgement or a prediction calls; and the logs they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from neurona.registry import export

__all__ = ["Callback", "LazyLogs", "Logs"]

Logs = dict[str, Any] | None


@export("keras.callbacks")
class Callback:
    """Something that is told what a training does; override the hooks that matter.

    Attributes:
        model: the model at work; set before the first hook.
        params: ``{"verbose", "epochs", "steps"}`` of the call.
        uses_batches: False on an instance says that its batch hooks have nothing to do this time, so that the
            loop may skip them.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, logs["loss"])
    >>> Shout().on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    uses_batches = True

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    @property
    def model(self) -> Any:
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the settings of the call."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model at work."""
        self._model = model

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch and its validation; `logs` has the metrics, those of the validation with "val_"."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a step of training."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a step of training; `logs` has the metrics so far in this epoch."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before an evaluation, also the validation within `fit`."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch is judged."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch is judged."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before the outputs of a batch are computed."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After the outputs of a batch are computed; `logs` has them as "outputs"."""


class LazyLogs(dict[str, Any]):
    """Logs that are worked out when somebody reads them: most steps nobody does.

    Args:
        make: gives the values.

    >>> logs = LazyLogs(lambda: print("made") or {"loss": 1.0})
    >>> logs["loss"], logs.get("accuracy")
    made
    (1.0, None)
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._make: Callable[[], dict[str, Any]] | None = make

    def _fill(self) -> None:
        if self._make is not None:
            make, self._make = self._make, None
            super().update(make())

    def __getitem__(self, key: str) -> Any:
        self._fill()
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._fill()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._fill()
        super().__delitem__(key)

    def __contains__(self, key: object) -> bool:
        self._fill()
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:  # with it, dict(logs) and {**logs} come through here, too
        self._fill()
        return super().__iter__()

    def __len__(self) -> int:
        self._fill()
        return super().__len__()

    def __bool__(self) -> bool:
        return len(self) > 0

    def __eq__(self, other: object) -> bool:
        self._fill()
        return super().__eq__(other)

    __hash__ = None  # as every dict

    def __repr__(self) -> str:
        self._fill()
        return super().__repr__()

    def __or__(self, other: Any) -> Any:
        return {**self, **other}

    def __ror__(self, other: Any) -> Any:
        return {**other, **self}

    def get(self, key: str, default: Any = None) -> Any:
        self._fill()
        return super().get(key, default)

    def keys(self) -> Any:
        self._fill()
        return super().keys()

    def values(self) -> Any:
        self._fill()
        return super().values()

    def items(self) -> Any:
        self._fill()
        return super().items()

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def pop(self, *args: Any) -> Any:
        self._fill()
        return super().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self._fill()
        super().update(*args, **kwargs)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self._fill()
        return super().setdefault(key, default)
