"""Metric: a running measure of how well a model does; the base of all metrics and of your own.

A metric has variables; `update_state` adds a batch to them, `result` computes the value, `reset_state` starts
anew. `update_state` is made of ops and assignments alone, so a recorded training step can repeat it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config as settings
from neurona import dtype_policies
from neurona.errors import ArgumentError
from neurona.names import auto_name
from neurona.parts import initializers
from neurona.registry import Config, export
from neurona.symbolic import Shape
from neurona.tensor import Tensor, TensorLike, as_array, wrap
from neurona.tree import flatten
from neurona.variable import Variable

__all__ = ["Metric"]


@export("keras")
@export("keras.metrics")
class Metric:
    """The base of all metrics.

    Your own makes variables in ``__init__`` and writes `update_state` and `result`.

    Args:
        dtype: the type to count in, `floatx` unless told.
        name: how reports call it.

    >>> class Largest(Metric):
    ...     def __init__(self, name="largest"):
    ...         super().__init__(name=name)
    ...         self.seen = self.add_weight(name="seen")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.seen.assign(ops.maximum(self.seen, ops.max(y_pred)))
    ...     def result(self):
    ...         return self.seen.value
    >>> from neurona import ops
    >>> Largest()([0.0, 0.0], [3.0, 5.0])
    Tensor(5., dtype=float32)
    """

    _direction: str | None = None  # whether more is better ("up") or worse ("down"), where it is known
    name: str
    _variables: list[Variable]
    _metrics: list[Metric]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        object.__setattr__(self, "_variables", [])
        object.__setattr__(self, "_metrics", [])
        self.name = name or auto_name(type(self).__name__)
        self._dtype = dtype_policies.get(dtype or settings.floatx()).compute_dtype

    @property
    def dtype(self) -> str:
        """The type that it counts in."""
        return self._dtype

    # -- state -----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_variables" not in self.__dict__:
            if isinstance(value, (Variable, Metric)):
                raise RuntimeError("You forgot to call `super().__init__()` first in the metric's `__init__()`.")
        elif isinstance(value, Variable):
            if all(value is not v for v in self._variables):
                self._variables.append(value)
        elif isinstance(value, Metric) and all(value is not m for m in self._metrics):
            self._metrics.append(value)
        elif isinstance(value, (list, tuple, dict)) and name not in ("_variables", "_metrics"):
            leaves = flatten(value)
            self._variables += [
                v for v in leaves if isinstance(v, Variable) and all(v is not k for k in self._variables)
            ]
            self._metrics += [m for m in leaves if isinstance(m, Metric) and all(m is not k for k in self._metrics)]
        object.__setattr__(self, name, value)

    @property
    def variables(self) -> list[Variable]:
        """The state, that of inner metrics included."""
        return [*self._variables, *(v for metric in self._metrics for v in metric.variables)]

    def add_variable(
        self,
        shape: Shape,
        initializer: Any,
        dtype: npt.DTypeLike | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Add a variable to the state.

        Args:
            shape: its axes.
            initializer: an initializer or its name; ``None`` for zeros.
            dtype: `floatx` by default.
            aggregation: accepted as in Keras; one process has nothing to aggregate.
            name: the last part of its path.
        """
        if "_variables" not in self.__dict__:
            raise RuntimeError("You forgot to call `super().__init__()` first in the metric's `__init__()`.")
        start = initializers.get("zeros" if initializer is None else initializer)
        variable = Variable(start, tuple(shape), dtype or settings.floatx(), trainable=False, name=name)
        variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Shape = (),
        initializer: Any = None,
        dtype: npt.DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """Add a variable to the state; a number that starts at 0 by default."""
        return self.add_variable(shape, initializer, dtype, name=name)

    # -- what a metric does ----------------------------------------------------------------------------------

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch."""
        raise NotImplementedError(f"Metric '{type(self).__name__}' must override `update_state`.")

    def result(self) -> Any:
        """The value so far."""
        raise NotImplementedError(f"Metric '{type(self).__name__}' must override `result`.")

    def reset_state(self) -> None:
        """Start anew."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and give the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    # -- without changing this object ------------------------------------------------------------------------

    def stateless_update_state(self, metric_variables: Sequence[TensorLike], *args: Any, **kwargs: Any) -> list[Tensor]:
        """The state after adding a batch to the given one."""
        with _Lent(self, metric_variables) as lent:
            self.update_state(*args, **kwargs)
            return lent.values()

    def stateless_result(self, metric_variables: Sequence[TensorLike]) -> Any:
        """The value of the given state."""
        with _Lent(self, metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Tensor]:
        """The state to begin with."""
        with _Lent(self, [v.data for v in self.variables]) as lent:
            self.reset_state()
            return lent.values()

    # -- saving ----------------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        """The constructor's arguments, ready for JSON."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """The metric of a configuration."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class _Lent:
    """Within this context a metric's variables hold other values."""

    def __init__(self, metric: Metric, values: Sequence[TensorLike]) -> None:
        self.variables = metric.variables
        if len(values) != len(self.variables):
            raise ArgumentError(
                "Argument `metric_variables` must be a list of tensors corresponding 1:1 to "
                f"{type(metric).__name__}().variables. Received list with length {len(values)}, but expected "
                f"{len(self.variables)} variables."
            )
        self.given = values

    def __enter__(self) -> _Lent:
        self.before = [v.data for v in self.variables]
        for variable, value in zip(self.variables, self.given, strict=True):
            variable.data = np.array(as_array(value), variable.data.dtype, order="C")
        return self

    def values(self) -> list[Tensor]:
        return [wrap(v.data) for v in self.variables]

    def __exit__(self, *error: object) -> None:
        for variable, array in zip(self.variables, self.before, strict=True):
            variable.data = array
