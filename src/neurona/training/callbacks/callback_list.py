"""CallbackList: tells all callbacks, and knows which of them want to hear of single batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurona.errors import DTypeError
from neurona.registry import export
from neurona.symbolic import flatten
from neurona.training.callbacks.callback import Callback, LazyLogs, Logs
from neurona.training.callbacks.history import History
from neurona.training.callbacks.progress import ProgbarLogger

__all__ = ["CallbackList"]

Hook = Callable[..., Any]
_BATCH_HOOKS = [f"on_{loop}_batch_{when}" for loop in ("train", "test", "predict") for when in ("begin", "end")]


@export("keras.callbacks")
class CallbackList(Callback):
    """Several callbacks as one.

    Args:
        callbacks: a callback or nested lists of them.
        add_history, add_progbar: append a `History`, a `ProgbarLogger`, where there is none.
        model: what they are told about.
        params: settings of the call: verbose, epochs, steps.

    Attributes:
        has_batch_hooks: whether any callback wants to hear of batches; the loop may skip those hooks if not.
        history: the `History` among them, or ``None``.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = flatten(list(_iterable(callbacks))) if callbacks else []
        for callback in self.callbacks:
            if not hasattr(callback, "on_epoch_end"):
                raise DTypeError(
                    f"Expected callbacks, objects with hooks such as on_epoch_end(). Received: {callback!r}."
                )
        found = [c for c in self.callbacks if isinstance(c, History)]
        if add_history and not found:
            found = [History()]
            self.callbacks.extend(found)
        self.history: History | None = found[-1] if found else None
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        if params:
            for callback in self.callbacks:
                callback.set_params(params)
        self._hooks: dict[str, list[Hook]] = {
            name: [hook for c in self.callbacks if (hook := _batch_hook(c, name)) is not None] for name in _BATCH_HOOKS
        }
        self.has_batch_hooks = any(self._hooks.values())

    def _tell(self, name: str, *place: int, logs: Logs) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            hook = getattr(callback, name, None)
            if hook is not None:
                hook(*place, logs)

    def _tell_batch(self, name: str, batch: int, logs: Any) -> None:
        hooks = self._hooks[name]
        if hooks:
            given = {} if logs is None else LazyLogs(logs) if callable(logs) else logs
            for hook in hooks:
                hook(batch, given)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._tell("on_train_begin", logs=logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._tell("on_train_end", logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._tell("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._tell("on_epoch_end", epoch, logs=logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._tell("on_test_begin", logs=logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._tell("on_test_end", logs=logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._tell("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._tell("on_predict_end", logs=logs)

    # The logs of batches may also be a function that makes them: then they are made when a callback reads
    # them.

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_train_batch_begin", batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_train_batch_end", batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self._tell_batch("on_predict_batch_end", batch, logs)


def _iterable(callbacks: Any) -> Any:
    return [callbacks] if hasattr(callbacks, "on_epoch_end") or not hasattr(callbacks, "__iter__") else callbacks


def _batch_hook(callback: Any, name: str) -> Hook | None:
    """The method of this name if the callback brings its own and has use for it now."""
    if not getattr(callback, "uses_batches", True):
        return None
    names = [name]
    if name.startswith("on_train_batch"):
        names.append(name.replace("train_", ""))  # the older name
    for own in names:
        hook: Hook | None = getattr(callback, own, None)
        if hook is not None and getattr(hook, "__func__", hook) is not getattr(Callback, own):
            return hook
    return None
