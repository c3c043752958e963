"""EinsumDense: a layer of weighted sums over any axes, spelled with a letter for each.

Where an equation only sums the last axes of the input and puts new ones in their place, as all projections of an
attention do, it is a `Dense` on axes taken together, and computed as one.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from neurona import ops
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.input_spec import InputSpec
from neurona.layers.lora import LowRank
from neurona.ops import fused
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import Shape
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["EinsumDense"]

_FUSED = {activations.get(name): name for name in fused.FUSED_ACTIVATIONS}


class _Shapes(NamedTuple):
    """What an equation says about an input of some shape."""

    kernel: tuple[int | None, ...]
    bias: tuple[int | None, ...] | None
    output: Shape
    input_axes: list[int]  # the kernel's axes that are summed, and those that are new in the output
    output_axes: list[int]


@export("keras.layers")
class EinsumDense(LowRank):
    """Weighted sums over the axes that an equation names: y = activation(einsum(equation, x, W) + b).

    ``"abc,cd->abd"`` is `Dense` on sequences; ``"abc,cde->abde"`` makes d heads of e numbers out of c.

    Args:
        equation: letters of the input's axes, of the kernel's, and of the output's: ``"ab,bc->ac"``. ``...`` may stand
            for further axes of input and output, in front (``"...x,xy->...y"``) or behind.
        output_shape: the output's axes without the batch and without those that ``...`` stands for; ``None`` where the
            input tells the length.
        activation: name or function; none by default.
        bias_axes: the letters of the output's axes along which b differs; no bias by default.
        kernel_initializer, bias_initializer: how W and b begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.
        lora_rank, lora_alpha: see `LowRank`.
        gptq_unpacked_column_size, quantization_config: not available; leave ``None``.

    Raises:
        ArgumentError: the equation is none of these forms, or names an axis that nothing determines.
        ShapeError: `output_shape` contradicts the input.

    >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 2), bias_axes="d", kernel_initializer="ones")
    >>> layer(Tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    Tensor([[[3., 3.], [7., 7.]]], dtype=float32)
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if quantization_config is not None:
            raise ArgumentError("EinsumDense does not support quantization. Leave out quantization_config.")
        self.equation = equation
        self.lora_rank, self.lora_alpha = lora_rank, lora_rank if lora_alpha is None else lora_alpha
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self._as_dense = _dense_split(equation, bias_axes)

    def build(self, input_shape: Shape) -> None:
        shapes = self._shapes(input_shape)
        self.input_spec = InputSpec(ndim=len(input_shape))
        initializer = self.kernel_initializer
        if isinstance(initializer, initializers.VarianceScaling) and None in (
            initializer.input_axes, initializer.output_axes,
        ):  # fmt: skip
            told = {"seed": initializer.seed, "input_axes": shapes.input_axes, "output_axes": shapes.output_axes}
            initializer = type(initializer).from_config({**initializer.get_config(), **told})
        self.kernel = self.add_weight(
            shapes.kernel, initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if shapes.bias is not None:
            self.bias = self.add_weight(
                shapes.bias, self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

        self._enable_as_told()

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        activation = _FUSED.get(self.activation)
        if self._as_dense is not None and activation is not None:
            y = self._dense(inputs, self._as_dense, activation)
        else:
            y = ops.einsum(self.equation, inputs, self._merged())
            if self.bias is not None:
                y = ops.add(y, self.bias)
            y = self.activation(y)
        # in mixed precision the weights are wider than the output
        return y if y.dtype == self.compute_dtype else ops.cast(y, self.compute_dtype)

    def _dense(self, x: Tensor, summed: int, activation: str) -> Tensor:
        """The sums over the last `summed` axes as one product, with bias and activation in its epilogue."""
        kernel = self._merged()
        old, new = kernel.shape[:summed], kernel.shape[summed:]
        free = x.shape[: x.ndim - summed]
        if x.shape[x.ndim - summed :] != old:
            raise ShapeError(
                f"EinsumDense expected an input that ends in axes of length {old} for {self.equation!r}. "
                f"Received: shape {x.shape}."
            )
        rows = x if summed == 1 else ops.reshape(x, (*free, math.prod(old)))
        if not summed == len(new) == 1:
            kernel = ops.reshape(kernel, (math.prod(old), math.prod(new)))
        bias = self.bias if self.bias is None or len(new) == 1 else ops.reshape(self.bias, (math.prod(new),))
        y: Tensor = fused.dense(rows, kernel, bias, activation)
        return y if len(new) == 1 else ops.reshape(y, (*free, *new))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self._shapes(input_shape).output

    def _shapes(self, input_shape: Shape) -> _Shapes:
        return _analyse(self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
            **self._lora_config(),
        }


_FORMS = (
    re.compile("([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)$"),
    re.compile(r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)$"),
    re.compile(r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\.$"),
)


def _terms(equation: str) -> tuple[str, str, str, bool]:
    """The letters of input, kernel and output, and whether dots stand in front of them."""
    for form in _FORMS:
        found = form.match(equation)
        if found:
            return found[1], found[2], found[3], form is _FORMS[1]
    raise ArgumentError(
        f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], ...[X],[Y]->...[Z], or "
        "[X]...,[Y]->[Z]...."
    )


def _analyse(equation: str, bias_axes: str | None, input_shape: Shape, output_shape: Shape) -> _Shapes:
    """The shapes of kernel, bias and output for an input of this shape."""
    of_input, of_kernel, of_output, dots_in_front = _terms(equation)
    hidden = len(input_shape) - len(of_input)
    if hidden < 0:
        raise ShapeError(
            f"The equation '{equation}' expects an input of at least {len(of_input)} axes. "
            f"Received: input_shape={input_shape}"
        )
    output = [input_shape[0], *output_shape]
    if dots_in_front:
        output[1:1] = input_shape[1:hidden]
        shift = hidden
    else:
        output.extend(input_shape[len(input_shape) - hidden :])
        shift = 0
    if len(output) != len(of_output) + hidden:
        raise ShapeError(
            f"The `output_shape` must name every axis of '{of_output}' but the batch"
            f"{' and those of the dots' if hidden else ''}. Received: output_shape={output_shape} for the equation "
            f"'{equation}' and input_shape={input_shape}"
        )
    inputs = {c: input_shape[i + shift] for i, c in enumerate(of_input)}
    for c, n in inputs.items():
        if c not in of_output:
            continue
        place = of_output.index(c) + shift
        if output[place] is None:
            output[place] = n
        elif output[place] != n:
            raise ShapeError(
                f"Input shape and output shape do not match at shared dimension '{c}'. Input shape is {n}, and output "
                f"shape is {output[place]}."
            )
    for c in of_output:
        if c not in of_input and c not in of_kernel:
            raise ArgumentError(
                f"Dimension '{c}' was specified in the output '{of_output}' but has no corresponding dim in the input "
                f"spec '{of_input}' or weight spec '{of_kernel}'"
            )
    outputs = {c: output[i + shift] for i, c in enumerate(of_output)}
    for c in of_kernel:
        if c not in outputs and c not in inputs:
            raise ArgumentError(
                f"Weight dimension '{c}' did not have a match in either the input spec '{of_input}' or the output spec "
                f"'{of_output}'. For this layer, the weight must be fully specified."
            )
    return _Shapes(
        kernel=tuple(outputs.get(c, inputs.get(c)) for c in of_kernel),
        bias=_bias_shape(bias_axes, of_output, outputs, 0 if dots_in_front else hidden),
        output=tuple(output),
        input_axes=[i for i, c in enumerate(of_kernel) if c not in outputs],
        output_axes=[i for i, c in enumerate(of_kernel) if c in outputs],
    )


def _bias_shape(
    bias_axes: str | None, of_output: str, outputs: dict[str, int | None], behind: int
) -> tuple[int | None, ...] | None:
    """The bias's axes from the first that it has on: 1 where it does not differ, also along `behind` hidden ones."""
    if bias_axes is None:
        return None
    for c in bias_axes:
        if c not in of_output:
            raise ArgumentError(f"Bias dimension '{c}' was requested, but is not part of the output spec '{of_output}'")
    first = min((of_output.index(c) for c in bias_axes), default=len(of_output))
    return (*(outputs[c] if c in bias_axes else 1 for c in of_output[first:]), *[1] * behind)


def _dense_split(equation: str, bias_axes: str | None) -> int | None:
    """How many of the kernel's first axes are summed, if the equation sums the input's last axes in the kernel's order
    and puts the kernel's other axes in their place; else ``None``."""
    of_input, of_kernel, of_output, dots_in_front = _terms(equation)
    if "..." in equation and not dots_in_front:
        return None
    for count in range(1, len(of_kernel)):
        old, new = of_kernel[:count], of_kernel[count:]
        free = of_input[: len(of_input) - count]
        if of_input == free + old and of_output == free + new and len(set(of_input + new)) == len(of_input + new):
            return count if bias_axes is None or sorted(bias_axes) == sorted(new) else None
    return None
