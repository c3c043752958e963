"""The layers every network has: Input, Dense, Activation, Identity, Lambda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurona import config, ops
from neurona.errors import ArgumentError, ShapeError, UnsafeFileError
from neurona.layers.base import Layer, map_shapes
from neurona.layers.input_spec import InputSpec
from neurona.layers.lora import LowRank
from neurona.ops import fused
from neurona.parts import activations, constraints, initializers, regularizers
from neurona.registry import export
from neurona.symbolic import KerasTensor, Node, Shape, dtype_name, flatten, map_structure
from neurona.tensor import Tensor
from neurona.variable import Variable
from neurona.warn import warn_caller

__all__ = ["Activation", "Dense", "Identity", "Input", "InputLayer", "Lambda"]

# The activations that the fused product computes in its epilogue.
_FUSED: dict[Any, str] = {None: "linear", **{activations.get(name): name for name in fused.FUSED_ACTIVATIONS}}


@export("keras.layers")
class InputLayer(Layer):
    """The place where data enters a model; usually made by `Input`.

    Args:
        shape: of one sample, without the batch.
        batch_size: if it is fixed.
        dtype: the type of number that will arrive; "string" for texts.
        batch_shape: shape with the batch, instead of the two.
        input_tensor: an existing symbolic tensor to use.
    """

    def __init__(
        self,
        shape: Shape | int | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Shape | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        if "input_shape" in kwargs:
            warn_caller("Argument `input_shape` is deprecated. Use `shape` instead.")
            shape = kwargs.pop("input_shape")
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if kwargs:
            raise ArgumentError(f"Unrecognized keyword arguments passed to InputLayer: {sorted(kwargs)}.")
        for argument, asked in (("sparse", sparse), ("ragged", ragged)):
            if asked:
                raise ArgumentError(f"`{argument}=True` is not supported: all tensors are dense. Leave it out.")
        self.sparse = self.ragged = False
        if isinstance(shape, int):
            shape = (shape,)
        if input_tensor is not None:
            _check_symbol(input_tensor, shape, batch_size, batch_shape, dtype)
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        else:
            for argument, given in (("shape", shape), ("batch_size", batch_size)):
                if given is not None and batch_shape is not None:
                    raise ArgumentError(f"You cannot pass both `{argument}` and `batch_shape` at the same time.")
            if batch_shape is None:
                if shape is None:
                    raise ArgumentError("You must pass a `shape` argument.")
                batch_shape = (batch_size, *shape)
        self.batch_shape = tuple(None if n is None else int(n) for n in batch_shape)
        self._dtype = dtype_name(dtype or config.floatx())
        self.optional = optional
        self.built = True
        symbol = KerasTensor(self.batch_shape, self._dtype, name=self.name) if input_tensor is None else input_tensor
        symbol.name = self.name
        self._nodes.append(Node(self, (), {}, symbol))

    @property
    def dtype(self) -> str:
        return self._dtype

    def call(self) -> None:
        """Nothing: a model feeds its inputs itself."""

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self._dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def _check_symbol(tensor: Any, shape: Any, batch_size: Any, batch_shape: Any, dtype: Any) -> None:
    """Raise where `input_tensor` is no symbol, or not what the other arguments say."""
    if not isinstance(tensor, KerasTensor):
        raise ArgumentError(
            f"Argument `input_tensor` must be a KerasTensor. Received: {tensor!r} (of type {type(tensor).__name__})."
        )
    for name, value, its in (
        ("batch_size", batch_size, tensor.shape[0] if tensor.shape else None),
        ("shape", None if shape is None else tuple(shape), tensor.shape[1:]),
        ("batch_shape", None if batch_shape is None else tuple(batch_shape), tensor.shape),
        ("dtype", None if dtype is None else dtype_name(dtype), tensor.dtype),
    ):
        if value is not None and value != its:
            raise ArgumentError(
                f"With `input_tensor`, leave out `{name}` or give the tensor's own: {its}. Received: {name}={value}."
            )


@export("keras.layers")
def Input(  # noqa: N802 - Keras's name
    shape: Shape | int | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Shape | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor: the place where data enters a functional model.

    Args:
        shape: of one sample, without the batch; ``None`` for axes of open length.
        batch_size: if it is fixed.
        dtype: the type of number that will arrive, "float32" by default; "string" for texts.
        batch_shape: shape with the batch, instead of the two.
        name: of the input, by which a dict of arrays may feed it.
        tensor: an existing symbolic tensor to use.

    >>> Input((28, 28), name="picture")
    <KerasTensor shape=(None, 28, 28), dtype=float32, name=picture>
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name)
    output: KerasTensor = layer.output
    return output


@export("keras.layers")
class Dense(LowRank):
    """Every output is a weighted sum of all inputs: y = activation(x W + b).

    Input ``(N, ..., C)``, output ``(N, ..., units)``; kernel W ``(C, units)``, bias b ``(units,)``.

    Args:
        units: how many outputs.
        activation: name or function; none by default.
        use_bias: whether to add b.
        kernel_initializer, bias_initializer: how W and b begin.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Example:
        >>> layer = Dense(2, kernel_initializer="ones")
        >>> layer(np.array([[1.0, 2.0, 3.0]]))
        Tensor([[6., 6.]], dtype=float32)

    Source: Goodfellow, Bengio & Courville, "Deep Learning" (2016), section 6.1.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if not isinstance(units, (int, np.integer)) or units <= 0:
            raise ArgumentError(
                f"Received an invalid value for `units`, expected a positive integer. Received: units={units}"
            )
        if quantization_config is not None:
            raise ArgumentError("Dense does not support quantization. Leave out quantization_config.")
        self.units = int(units)
        self.lora_rank, self.lora_alpha = lora_rank, lora_rank if lora_alpha is None else lora_alpha
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        if features is None:
            raise ShapeError(f"Dense needs to know the length of the last axis. Received: input shape {input_shape}.")
        self.kernel = self.add_weight(
            (features, self.units), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self._enable_as_told()

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        name, kernel = _FUSED.get(self.activation), self._merged()
        if name is not None:
            y: Tensor = fused.dense(inputs, kernel, self.bias, name)  # (N, C) @ (C, F) -> (N, F)
        else:
            y = ops.matmul(inputs, kernel)
            if self.bias is not None:
                y = ops.add(y, self.bias)
            y = self.activation(y)
        # in mixed precision the weights are wider than the output
        return y if y.dtype == self.compute_dtype else ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
            **self._lora_config(),
        }


@export("keras.layers")
class Activation(Layer):
    """Apply a function to every number: y = activation(x).

    Args:
        activation: name or function.

    >>> Activation("relu")(np.array([-1.0, 2.0]))
    Tensor([0., 2.], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        result: Tensor = self.activation(inputs)
        return result

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


@export("keras.layers")
class Identity(Layer):
    """Give back what comes in: y = x."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@export("keras.layers")
class Lambda(Layer):
    """Wrap a function of tensors as a layer.

    It cannot be read back from a file: a file never brings code. A named, registered function or a layer of your own
    can.

    Args:
        function: takes the input (and `mask`, `training` if it declares them), returns the output.
        output_shape: of one sample, or a function of the input's shape; inferred when left out.
        mask: the output's mask, or a function ``(inputs, mask)``.
        arguments: keywords for the function.

    >>> Lambda(lambda x: x * 2)(np.array([1.0, 2.0]))
    Tensor([2., 4.], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function, self._output_shape, self.mask = function, output_shape, mask
        self.arguments = arguments or {}
        self.supports_masking = mask is not None

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        code = getattr(self.function, "__code__", None)
        wanted = () if code is None else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        extra = {k: v for k, v in (("mask", mask), ("training", training)) if k in wanted}
        return self.function(inputs, **self.arguments, **extra)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        if self._output_shape is not None:
            batch = flatten(input_shape)[0]  # of several inputs, the first one's
            return map_shapes(lambda shape: (batch, *shape), self._output_shape)
        symbols = map_shapes(lambda shape: KerasTensor(shape, self.compute_dtype), input_shape)
        return map_structure(lambda t: t.shape, self._infer(symbols))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        raise UnsafeFileError(
            "A Lambda layer is never made from a configuration: that would run code from a file. Replace it by a layer "
            "of your own, registered with @neurona.saving.register_keras_serializable()."
        )
