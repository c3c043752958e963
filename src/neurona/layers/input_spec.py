"""InputSpec: what a layer demands of its input, and the check of it."""

from __future__ import annotations

from typing import Any, ClassVar

from neurona.errors import ArgumentError, ShapeError
from neurona.symbolic import KerasTensor, Shape, flatten
from neurona.tensor import Tensor

__all__ = ["InputSpec", "check_inputs"]


class InputSpec:
    """What a layer demands of one input.

    Args:
        dtype: the type of number, or ``None`` for any.
        shape: all axes; ``None`` where any length will do.
        ndim: the exact number of axes.
        max_ndim, min_ndim: bounds on it.
        axes: lengths demanded of some axes, by their index (negative ones count from the end).
        allow_last_axis_squeeze: whether an axis of length 1 at the end may be missing or in excess.
        name: of the input it is about.
        optional: whether the input may be ``None``.
    """

    # what to do where one axis too few arrives: pictures, volumes, sequences of one channel
    missing: ClassVar[str] = "If the axis of channels is missing, add it: x = x[..., None]."

    def __init__(
        self,
        dtype: str | None = None,
        shape: Shape | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype, self.name, self.optional = dtype, name, optional
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): length for axis, length in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze

    def get_config(self) -> dict[str, Any]:
        """The settings from which `from_config` makes one like it."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        return cls(**config)

    def __repr__(self) -> str:
        told = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        parts = [f"{k}={getattr(self, k)}" for k in told if getattr(self, k) not in (None, {})]
        return f"InputSpec({', '.join(parts)})"


def check_inputs(spec: Any, inputs: Any, layer: str) -> None:
    """Raise a `ShapeError` where `inputs` are not what `spec` demands, an `ArgumentError` where they are no tensors."""
    specs = list(spec) if isinstance(spec, (list, tuple)) else [spec]
    tensors = flatten(inputs)
    if len(specs) != len(tensors):
        raise ShapeError(
            f"Layer '{layer}' expects {len(specs)} input(s), but it received {len(tensors)} input tensors."
        )
    for one, tensor in zip(specs, tensors, strict=True):
        if one is not None and isinstance(tensor, (Tensor, KerasTensor)):
            _check(one, tensor.shape, layer)
        elif one is not None and not one.optional:
            raise ArgumentError(
                f"Layer '{layer}' expects a tensor or an array. Received: {str(tensor)[:80]!r} "
                f"(of type {type(tensor).__name__})."
            )


def _check(spec: InputSpec, shape: Shape, layer: str) -> None:
    begin = f"Input 0 of layer '{layer}' is incompatible with the layer: "
    received = f"Full shape received: {shape}"
    ndim = len(shape)
    if ndim == (spec.ndim or spec.min_ndim or 0) - 1 >= 2:
        received += f". {spec.missing}"
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        raise ShapeError(f"{begin}expected ndim={spec.ndim}, found ndim={ndim}. {received}")
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        raise ShapeError(f"{begin}expected max_ndim={spec.max_ndim}, found ndim={ndim}. {received}")
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        raise ShapeError(f"{begin}expected min_ndim={spec.min_ndim}, found ndim={ndim}. {received}")
    for axis, length in spec.axes.items():
        if length is not None and shape[axis] not in (length, None):
            raise ShapeError(
                f"{begin}expected axis {axis} of input shape to have value {length}, but received input with shape "
                f"{shape}. Reshape the input (Flatten() makes one axis of pictures), or build the model anew."
            )
    if spec.shape is not None and ndim == len(spec.shape):
        for expected, dim in zip(spec.shape, shape, strict=True):
            if expected is not None and dim is not None and expected != dim:
                raise ShapeError(f"{begin}expected shape={spec.shape}, found shape={shape}.")
