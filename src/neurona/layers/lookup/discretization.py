"""Discretization: numbers put into ranges, whose limits are given or learned as quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DTypeError, NotBuiltError
from neurona.layers.lookup.arguments import expect_choice, refuse_sparse
from neurona.layers.lookup.base import LookupLayer
from neurona.layers.lookup.encoding import encode, encoded_shape
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Array, Tensor

__all__ = ["Discretization"]


@export("keras.layers")
class Discretization(LookupLayer):
    """The number of the range in which each value lies.

    Limits ``[0, 1, 2]`` make the ranges (-inf, 0), [0, 1), [1, 2) and [2, inf); NaN falls into the last.

    Args:
        bin_boundaries: the limits, ascending; or
        num_bins: how many ranges of about equally many values `adapt` shall find.
        epsilon: how exactly: quantiles are kept in steps of this share while `adapt` walks over its data.
        output_mode: "int": the range's number; "one_hot", "multi_hot", "count": vectors, as in `CategoryEncoding`.
        sparse: must be False.

    Raises:
        ArgumentError: a setting that cannot be meant; both or neither of limits and their number.

    >>> Discretization(bin_boundaries=[0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5]])
    Tensor([[0, 2, 3, 1]], dtype=int32)
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)
        refuse_sparse("Discretization", sparse)
        expect_choice("Discretization", "output_mode", output_mode, ("int", "one_hot", "multi_hot", "count"))
        if num_bins is not None and num_bins < 0:
            raise ArgumentError(f"`num_bins` must be greater than or equal to 0. Received: `num_bins={num_bins}`")
        if num_bins is not None and bin_boundaries is not None:
            raise ArgumentError(
                f"Both `num_bins` and `bin_boundaries` should not be set. Received: `num_bins={num_bins}` and "
                f"`bin_boundaries={bin_boundaries}`"
            )
        if num_bins is None and bin_boundaries is None:
            raise ArgumentError("You need to set either `num_bins` or `bin_boundaries`.")
        self.bin_boundaries = _limits(bin_boundaries)
        self.num_bins, self.epsilon, self.output_mode, self.sparse = num_bins, epsilon, output_mode, sparse
        self.summary: Array = np.zeros((2, 0), "float32")  # values, ascending, and how many each stands for

    def _compute(self, inputs: Array) -> Array:
        if self.bin_boundaries is None:
            raise NotBuiltError(
                "You need to either pass the `bin_boundaries` argument at construction time or call `adapt(dataset)` "
                "before you can start using the `Discretization` layer."
            )
        if inputs.dtype.kind not in "fiub":
            raise DTypeError(f"Discretization expected numbers. Received: an array of {inputs.dtype.name}.")
        values = inputs.astype("float32" if inputs.dtype.kind == "f" else "float64", copy=False)
        limits = np.asarray(self.bin_boundaries, values.dtype)
        found = np.searchsorted(limits, values, side="right")  # it sorts NaN behind all numbers
        return encode(found, self.output_mode, len(limits) + 1, self._output_dtype())

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the limits: quantiles of the data.

        Args:
            data: an array or a tensor, or an iterable of batches (or of single numbers), a list too.
            steps: how many batches to take of an iterable.

        Raises:
            ArgumentError: the limits were given when the layer was made, or there is no number.
        """
        if self.num_bins is None:
            raise ArgumentError(
                "Cannot adapt a Discretization layer whose `bin_boundaries` were given. "
                "Received: data to adapt to. Make the layer with num_bins=... instead."
            )
        self.reset_state()
        if isinstance(data, (np.ndarray, Tensor)):
            self.update_state(data)
        elif isinstance(data, Iterable):
            for batch in islice(data, steps):
                self.update_state(batch)
        else:
            raise DTypeError(f"adapt() expected an array or an iterable of batches. Received: {type(data).__name__}")
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take one batch into the summary."""
        values = np.asarray(data).astype("float32")
        if values.size:
            self.summary = _merged(_summary_of(values, self.epsilon), self.summary, self.epsilon)

    def finalize_state(self) -> None:
        """Make the limits of the summary."""
        if self.num_bins is None:
            return
        if not self.summary.size:
            raise ArgumentError("adapt() expected at least one number. Received: none.")
        self.bin_boundaries = _compressed(self.summary, 1.0 / max(self.num_bins, 1))[0, :-1].tolist()

    def reset_state(self) -> None:
        """Forget what was seen; the limits stay until new ones are made."""
        self.summary = np.zeros((2, 0), "float32")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        depth = self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1
        return encoded_shape(input_shape, self.output_mode, depth)

    def _output_dtype(self) -> str:
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def load_own_variables(self, store: Any) -> None:
        """Take nothing: the limits are in the configuration. Old files also hold the summary."""
        if len(store.keys()) == 1:
            self.summary = np.asarray(store["0"])

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A new layer with these settings; after `adapt` they hold both the number of ranges and their limits."""
        if config.get("bin_boundaries") is None or config.get("num_bins") is None:
            return cls(**config)
        settings = {key: value for key, value in config.items() if key != "bin_boundaries"}
        layer = cls(**settings)
        layer.bin_boundaries = _limits(config["bin_boundaries"])
        return layer


def _limits(boundaries: Any) -> list[float] | None:
    if boundaries is None:
        return None
    limits = [float(limit) for limit in np.asarray(boundaries).ravel()]
    if limits != sorted(limits):
        raise ArgumentError(f"`bin_boundaries` must ascend. Received: bin_boundaries={boundaries}")
    return limits


# -- a summary of many numbers: some of them, each with how many it stands for ----------------------------------


def _summary_of(values: Array, epsilon: float) -> Array:
    """Every so-many-th of the sorted values, so that about 1 / epsilon remain."""
    ordered = np.sort(values, axis=None)
    step = max(len(ordered) / (1.0 / epsilon), 1)
    kept = ordered[int(step - 1) :: int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def _merged(one: Array, other: Array, epsilon: float) -> Array:
    """The summary of what two summaries stand for."""
    both = np.concatenate([one, other], axis=1)
    return _compressed(both[:, np.argsort(both[0])], epsilon)


def _compressed(summary: Array, epsilon: float) -> Array:
    """A summary by the quantiles epsilon, 2 epsilon, ..., between which it is read linearly."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    below = summary[1].cumsum()
    share_below = below / below[-1]
    values = np.interp(shares, share_below, summary[0])
    counts = np.interp(shares, share_below, below)
    return np.stack([values, np.diff(counts, prepend=0.0)]).astype("float32")
