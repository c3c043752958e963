"""Functions of TensorFlow that Keras 2 kept in a drawn model, as ops.

``x * 2`` or ``tf.reshape(x, ...)`` on a symbolic tensor became a layer that named the function and its arguments. The
well-known ones stand in the table here; another is refused by its name.
"""

from __future__ import annotations

from typing import Any

from neurona.errors import SavingError
from neurona.layers.keras_operations import KerasOperation, by_op

__all__ = ["translated"]

Config = dict[str, Any]

_FAMILIES = ("compat.v1.", "math.", "linalg.", "nn.", "__operators__.")

_TWO = "x=x1 y=x2"
_ONE = "x"
_OVER_AXES = "input_tensor=x axis keepdims"

# Function -> op. TensorFlow's arguments follow in their order: "theirs", "theirs=ours" where the op has another name for
# it, "theirs:value" where TensorFlow's default is not the op's.
_TABLE = {
    "abs": ("absolute", _ONE),
    "acos": ("arccos", _ONE),
    "add": ("add", _TWO),
    "argmax": ("argmax", "input=x axis:0"),
    "argmin": ("argmin", "input=x axis:0"),
    "asin": ("arcsin", _ONE),
    "atan": ("arctan", _ONE),
    "atan2": ("arctan2", "y=x1 x=x2"),
    "bias_add": ("add", "value=x1 bias=x2"),
    "cast": ("cast", "x dtype"),
    "ceil": ("ceil", _ONE),
    "clip_by_value": ("clip", "t=x clip_value_min=x_min clip_value_max=x_max"),
    "concat": ("concatenate", "values=xs axis"),
    "convert_to_tensor": ("convert_to_tensor", "value=x dtype"),
    "cos": ("cos", _ONE),
    "cosh": ("cosh", _ONE),
    "cumsum": ("cumsum", "x axis:0"),
    "divide": ("divide", _TWO),
    "divide_no_nan": ("divide_no_nan", _TWO),
    "elu": ("elu", "features=x"),
    "equal": ("equal", _TWO),
    "erf": ("erf", _ONE),
    "exp": ("exp", _ONE),
    "expand_dims": ("expand_dims", "input=x axis"),
    "expm1": ("expm1", _ONE),
    "floor": ("floor", _ONE),
    "floordiv": ("floor_divide", _TWO),
    "gather": ("take", "params=x indices axis:0"),
    "gelu": ("gelu", "features=x approximate:False"),
    "getitem": ("get_item", "x slice_spec=key"),
    "greater": ("greater", _TWO),
    "greater_equal": ("greater_equal", _TWO),
    "identity": ("copy", "input=x"),
    "image.resize": ("resize", "images size method=interpolation"),
    "leaky_relu": ("leaky_relu", "features=x alpha=negative_slope"),
    "less": ("less", _TWO),
    "less_equal": ("less_equal", _TWO),
    "log": ("log", _ONE),
    "log1p": ("log1p", _ONE),
    "log_sigmoid": ("log_sigmoid", _ONE),
    "log_softmax": ("log_softmax", "logits=x axis"),
    "logical_and": ("logical_and", _TWO),
    "logical_not": ("logical_not", _ONE),
    "logical_or": ("logical_or", _TWO),
    "matmul": ("matmul", "a=x1 b=x2"),
    "maximum": ("maximum", _TWO),
    "minimum": ("minimum", _TWO),
    "mod": ("mod", _TWO),
    "multiply": ("multiply", _TWO),
    "negative": ("negative", _ONE),
    "not_equal": ("not_equal", _TWO),
    "one_hot": ("one_hot", "indices=x depth=num_classes axis"),
    "ones_like": ("ones_like", "input=x"),
    "pad": ("pad", "tensor=x paddings=pad_width mode constant_values"),
    "pow": ("power", _TWO),
    "reciprocal": ("reciprocal", _ONE),
    "reduce_all": ("all", _OVER_AXES),
    "reduce_any": ("any", _OVER_AXES),
    "reduce_logsumexp": ("logsumexp", _OVER_AXES),
    "reduce_max": ("max", _OVER_AXES),
    "reduce_mean": ("mean", _OVER_AXES),
    "reduce_min": ("min", _OVER_AXES),
    "reduce_prod": ("prod", _OVER_AXES),
    "reduce_std": ("std", _OVER_AXES),
    "reduce_sum": ("sum", _OVER_AXES),
    "reduce_variance": ("var", _OVER_AXES),
    "relu": ("relu", "features=x"),
    "relu6": ("relu6", "features=x"),
    "repeat": ("repeat", "input=x repeats axis"),
    "reshape": ("reshape", "tensor=x shape=newshape"),
    "reverse": ("flip", "tensor=x axis"),
    "round": ("round", _ONE),
    "rsqrt": ("rsqrt", _ONE),
    "selu": ("selu", "features=x"),
    "sigmoid": ("sigmoid", _ONE),
    "sign": ("sign", _ONE),
    "silu": ("silu", "features=x"),
    "sin": ("sin", _ONE),
    "sinh": ("sinh", _ONE),
    "softmax": ("softmax", "logits=x axis"),
    "softplus": ("softplus", "features=x"),
    "softsign": ("softsign", "features=x"),
    "sqrt": ("sqrt", _ONE),
    "square": ("square", _ONE),
    "squeeze": ("squeeze", "input=x axis"),
    "stack": ("stack", "values=x axis"),
    "stop_gradient": ("stop_gradient", "input=variable"),
    "subtract": ("subtract", _TWO),
    "swish": ("silu", "features=x"),
    "tan": ("tan", _ONE),
    "tanh": ("tanh", _ONE),
    "tile": ("tile", "input=x multiples=repeats"),
    "transpose": ("transpose", "a=x perm=axes"),
    "truediv": ("true_divide", _TWO),
    "where": ("where", "condition x=x1 y=x2"),
    "zeros_like": ("zeros_like", "input=x"),
}
_DEFAULTS: Config = {"0": 0, "False": False}
_OF_LISTS = ("concatenate", "stack")
_WITHOUT_EFFECT = ("name", "output_type", "conjugate")


def translated(function: Any, first: Any, others: Config) -> tuple[KerasOperation, Config]:
    """The op for a function of TensorFlow, and the arguments of its call.

    Args:
        function: its name within TensorFlow ("math.multiply").
        first: its first argument.
        others: the other ones, by TensorFlow's names.

    Returns:
        the op and its arguments by name.

    Raises:
        SavingError: there is no op for it, or it was called with a setting that the op does not have.

    >>> op, given = translated("math.multiply", "x", {"y": 2.0, "name": None})
    >>> op.op, given
    ('multiply', {'x1': 'x', 'x2': 2.0})
    """
    name = str(function)
    for family in _FAMILIES:
        name = name.removeprefix(family)
    op = by_op(_TABLE[name][0]) if name in _TABLE else None
    if op is None:
        raise SavingError(
            f"The model calls the function tf.{function}, which has no counterpart here. Replace it in the program by a "
            "layer of your own, registered with @neurona.saving.register_keras_serializable()."
        )
    left = {key: value for key, value in others.items() if key not in _WITHOUT_EFFECT and value is not None}
    given: Config = {}
    for parameter in _TABLE[name][1].split():
        known, _, default = parameter.partition(":")
        theirs, _, ours = known.partition("=")
        if not given:
            given[ours or theirs] = [first] if op.op in _OF_LISTS and not isinstance(first, list) else first
        elif theirs in left or default:
            given[ours or theirs] = _value(theirs, left.pop(theirs) if theirs in left else _DEFAULTS[default])
    unknown = {key: value for key, value in left.items() if value not in (False, 0, [])}
    if unknown:
        raise SavingError(f"The model calls tf.{function} with settings that the op {op.op} does not have: {unknown}.")
    return op, given


def _value(name: str, value: Any) -> Any:
    """A setting as ops take it."""
    if name == "slice_spec":
        return [_slice(part) for part in (value if isinstance(value, list) else [value])]
    return value.lower() if name in ("method", "mode") and isinstance(value, str) else value


def _slice(part: Any) -> Any:
    if isinstance(part, dict) and set(part) == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": part}
    return part
