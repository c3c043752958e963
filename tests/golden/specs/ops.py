"""The ops: values and dtypes of some 170 functions of keras.ops, and the tables of dtypes that meet.

Every case is a line ``"name", arguments, keywords``. Integers, booleans, mixtures and bare Python numbers are in on
purpose: Keras's rules of types are part of its contract.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

SEED = 7009

_rng = np.random.RandomState(SEED)


def _f(*shape: int) -> np.ndarray:
    return _rng.randn(*shape).astype("float32")


X, Y, ROW, CUBE, SQUARE = _f(3, 4), _f(3, 4), _f(4), _f(2, 3, 4), _f(3, 3)
POSITIVE = (np.abs(_f(3, 4)) + 0.1).astype("float32")
UNIT = np.tanh(_f(3, 4)).astype("float32")
INTS = _rng.randint(-5, 6, (3, 4)).astype("int32")
INTS2 = _rng.randint(1, 5, (3, 4)).astype("int32")
LONGS = _rng.randint(-5, 6, (3, 4)).astype("int64")
BYTES = _rng.randint(0, 9, (3, 4)).astype("uint8")
BOOLS = _rng.rand(3, 4) < 0.5
BOOLS2 = _rng.rand(3, 4) < 0.5
ODD = np.array([0.0, -0.0, 1.5, -1.5, 2.5, np.inf, -np.inf, np.nan], "float32")
SPD = (SQUARE @ SQUARE.T + 3 * np.eye(3)).astype("float32")
BATCH_SPD = np.stack([SPD, SPD * 2 + np.eye(3, dtype="float32")])
LABELS = np.array([2, 0, 3], "int32")


def _words(text: str) -> list[str]:
    return text.split()


Line = tuple[str, tuple[Any, ...], dict[str, Any]]


def _lines() -> Iterator[Line]:
    for name in ("abs", "absolute", "negative", "square", "sign"):
        for x in (X, INTS, ODD):
            yield name, (x,), {}
    for name in ("ceil", "floor", "round", "trunc", "isfinite", "isinf", "isnan"):
        for x in (X * 3, INTS, ODD):
            yield name, (x,), {}
    yield "round", (X * 10, 1), {}
    for name in (
        "exp",
        "expm1",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "arctan",
        "arcsinh",
        "sigmoid",
        "erf",
    ):
        yield name, (X,), {}
        if name not in ("erf", "sigmoid"):  # TensorFlow has no integer version of these
            yield name, (INTS,), {}
    for name in ("log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal"):
        yield name, (POSITIVE,), {}
        if name not in ("rsqrt", "reciprocal"):
            yield name, (INTS2,), {}
    for name in ("arcsin", "arccos", "arctanh"):
        yield name, (UNIT,), {}
    yield "arccosh", (POSITIVE + 1,), {}
    yield "erfinv", (UNIT,), {}
    yield "exp2", (X,), {}
    yield "sqrt", (BYTES,), {}
    yield "exp", (BOOLS,), {}
    yield "logical_not", (BOOLS,), {}
    yield "nan_to_num", (ODD,), {}
    yield "nan_to_num", (ODD, 1.0, 2.0, -2.0), {}
    for name in ("add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum"):
        yield name, (X, Y), {}
        yield name, (X, ROW), {}
        yield name, (X, INTS2), {}
        yield name, (INTS, INTS2), {}
        yield name, (X, 2), {}
        yield name, (INTS, 2), {}
        yield name, (INTS, 2.5), {}
    for name in ("floor_divide", "mod"):
        yield name, (X, POSITIVE), {}
        yield name, (INTS, INTS2), {}
        yield name, (INTS, 3), {}
    yield "power", (POSITIVE, X), {}
    yield "power", (X, 2), {}
    yield "power", (INTS, 2), {}
    yield "power", (INTS, 2.0), {}
    yield "arctan2", (X, Y), {}
    yield "logaddexp", (X, Y), {}
    yield "divide_no_nan", (X, np.where(BOOLS, X, 0).astype("float32")), {}
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        yield name, (INTS, LONGS), {}
        yield name, (X, INTS), {}
        yield name, (X, 0.5), {}
    for name in ("logical_and", "logical_or", "logical_xor"):
        yield name, (BOOLS, BOOLS2), {}
        yield name, (INTS, BOOLS), {}
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        yield name, (INTS, INTS2), {}
    yield "where", (BOOLS, X, Y), {}
    yield "where", (BOOLS, X, 0.0), {}
    yield "where", (BOOLS, INTS, X), {}
    yield "where", (BOOLS, 1, 0), {}
    yield "clip", (X, -0.5, 0.5), {}
    yield "clip", (INTS, -2, 2), {}
    yield "isclose", (X, X + 1e-7), {}
    yield "cast", (X * 3, "int32"), {}
    yield "cast", (INTS, "float32"), {}
    yield "cast", (INTS, "bool"), {}
    yield "cast", (BOOLS, "float32"), {}

    for name in ("sum", "mean", "max", "min", "prod"):
        for x in (X, INTS):
            yield name, (x,), {}
            yield name, (x,), {"axis": 0}
        yield name, (CUBE,), {"axis": (0, 2)}
        yield name, (CUBE,), {"axis": -1, "keepdims": True}
    for name in ("sum", "mean", "prod", "any", "all"):
        yield name, (BOOLS,), {"axis": 1}
    yield "sum", (BYTES,), {}
    yield "sum", (LONGS,), {}
    for name in ("std", "var"):
        yield name, (X,), {}
        yield name, (CUBE,), {"axis": (0, 1), "keepdims": True}
        yield name, (INTS,), {"axis": 0}
    for name in ("argmax", "argmin"):
        yield name, (X,), {}
        yield name, (X,), {"axis": 1}
        yield name, (INTS,), {"axis": 0, "keepdims": True}
    for name in ("cumsum", "cumprod"):
        yield name, (X,), {"axis": 1}
        yield name, (INTS2,), {}
        yield name, (BOOLS,), {"axis": 0}
    yield "count_nonzero", (INTS,), {}
    yield "count_nonzero", (INTS,), {"axis": 1}
    yield "average", (X,), {"axis": 1, "weights": ROW}
    yield "average", (INTS,), {"axis": 0}
    yield "median", (X,), {"axis": 1}
    yield "median", (X,), {}
    yield "quantile", (X, 0.3), {"axis": 0}
    yield "quantile", (X, np.array([0.25, 0.75], "float32")), {}
    yield "logsumexp", (X,), {}
    yield "logsumexp", (X,), {"axis": 1, "keepdims": True}
    yield "norm", (X,), {}
    yield "norm", (X,), {"ord": 1, "axis": 1}
    yield "norm", (X,), {"ord": np.inf, "axis": 0, "keepdims": True}
    yield "norm", (X,), {"ord": 2, "axis": -1}
    yield "norm", (X,), {"ord": "fro"}
    yield "moments", (X,), {"axes": [0]}
    yield "moments", (CUBE,), {"axes": [0, 2], "keepdims": True}
    yield "diff", (X,), {}
    yield "ptp", (X,), {"axis": 1}
    yield "bincount", (np.array([1, 3, 1, 0], "int32"),), {}
    yield "bincount", (np.array([1, 3, 1, 0], "int32"),), {"minlength": 6}
    yield "digitize", (X, np.array([-1.0, 0.0, 1.0], "float32")), {}
    yield "searchsorted", (np.array([-1.0, 0.0, 1.0], "float32"), ROW), {}

    yield "reshape", (X, (2, 6)), {}
    yield "reshape", (X, (-1, 2)), {}
    yield "transpose", (CUBE,), {}
    yield "transpose", (CUBE,), {"axes": (1, 0, 2)}
    yield "expand_dims", (X, 1), {}
    yield "expand_dims", (X, (0, -1)), {}
    yield "squeeze", (X[None, :, :],), {}
    yield "squeeze", (X[:, None, :, None],), {"axis": 1}
    yield "swapaxes", (CUBE, 0, 2), {}
    yield "moveaxis", (CUBE, 0, -1), {}
    yield "moveaxis", (CUBE, (0, 1), (2, 0)), {}
    yield "ravel", (X,), {}
    yield "flip", (X,), {}
    yield "flip", (X,), {"axis": 1}
    yield "roll", (X, 1), {}
    yield "roll", (X, -2), {"axis": 1}
    yield "rot90", (X,), {}
    yield "repeat", (X, 2), {}
    yield "repeat", (X, 3), {"axis": 0}
    yield "tile", (X, 2), {}
    yield "tile", (X, (2, 1, 2)), {}
    yield "broadcast_to", (ROW, (3, 4)), {}
    yield "concatenate", ([X, Y],), {}
    yield "concatenate", ([X, INTS],), {"axis": 1}
    yield "stack", ([X, Y],), {"axis": 1}
    yield "stack", ([X, INTS],), {}
    yield "hstack", ([X, Y],), {}
    yield "vstack", ([X, Y],), {}
    yield "split", (X, 2), {"axis": 1}
    yield "split", (X, [1, 2]), {}
    yield "unstack", (X,), {}
    yield "unstack", (X,), {"axis": 1}
    yield "pad", (X, ((1, 0), (0, 2))), {}
    yield "pad", (X, ((1, 1), (1, 1))), {"constant_values": 2.0}
    yield "pad", (X, ((1, 1), (2, 1))), {"mode": "reflect"}
    yield "pad", (X, ((1, 1), (2, 1))), {"mode": "symmetric"}
    yield "diag", (ROW,), {}
    yield "diag", (SQUARE,), {"k": 1}
    yield "diagonal", (X,), {}
    yield "trace", (SQUARE,), {}
    yield "tril", (X,), {}
    yield "triu", (X, 1), {}
    yield "meshgrid", (ROW, X[0, :2]), {}
    yield "meshgrid", (ROW, X[0, :2]), {"indexing": "ij"}
    yield "sort", (X,), {}
    yield "sort", (INTS,), {"axis": 0}
    yield "argsort", (X,), {"axis": 0}
    yield "top_k", (X, 2), {}
    yield "top_k", (INTS, 1), {}
    yield "in_top_k", (LABELS, X, 2), {}
    yield "unique", (np.array([3, 1, 3, 2], "int32"),), {}

    yield "arange", (5,), {}
    yield "arange", (1, 6, 2), {}
    yield "arange", (0.0, 1.0, 0.25), {}
    yield "arange", (3,), {"dtype": "float32"}
    yield "linspace", (0.0, 1.0, 5), {}
    yield "linspace", (0, 10, 4), {"endpoint": False}
    yield "logspace", (0.0, 2.0, 4), {}
    for name in ("zeros", "ones"):
        yield name, ((2, 3),), {}
        yield name, ((2,),), {"dtype": "int32"}
        yield f"{name}_like", (INTS,), {}
        yield f"{name}_like", (INTS,), {"dtype": "float32"}
    yield "full", ((2, 3), 2.5), {}
    yield "full", ((2,), 3), {}
    yield "full_like", (INTS, 2), {}
    yield "eye", (3,), {}
    yield "eye", (2, 4), {"dtype": "int32"}
    yield "identity", (3,), {}
    yield "tri", (3,), {}
    yield "convert_to_tensor", (3,), {}
    yield "convert_to_tensor", (2.5,), {}
    yield "convert_to_tensor", (True,), {}
    yield "convert_to_tensor", ([1, 2],), {}
    yield "convert_to_tensor", ([1, 2.5],), {}
    yield "convert_to_tensor", (X.astype("float64"),), {}
    yield "convert_to_tensor", (LONGS,), {}
    yield "convert_to_tensor", (INTS,), {"dtype": "float32"}

    yield "matmul", (X, Y.T.copy()), {}
    yield "matmul", (CUBE, ROW), {}
    yield "matmul", (CUBE, Y.T.copy()), {}
    yield "matmul", (INTS, INTS2.T.copy()), {}
    yield "matmul", (X, INTS2.T.copy()), {}
    yield "dot", (X, ROW), {}
    yield "dot", (CUBE, Y.T.copy()), {}
    yield "dot", (X, 2.0), {}
    yield "tensordot", (CUBE, CUBE), {"axes": [[0, 2], [0, 2]]}
    yield "tensordot", (X, Y.T.copy(), 1), {}
    yield "einsum", ("ij,kj->ik", X, Y), {}
    yield "einsum", ("bij,j->bi", CUBE, ROW), {}
    yield "einsum", ("ij->j", X), {}
    yield "einsum", ("ij,ij->", X, Y), {}
    yield "outer", (ROW, X[0]), {}
    yield "inner", (X, Y), {}
    yield "vdot", (ROW, X[0]), {}
    yield "cross", (SQUARE[0], SQUARE[1]), {}
    yield "kron", (SQUARE, X[:2, :2]), {}
    yield "det", (BATCH_SPD,), {}
    yield "inv", (BATCH_SPD,), {}
    yield "cholesky", (BATCH_SPD,), {}
    yield "solve", (SPD, X), {}
    yield "solve_triangular", (np.tril(SPD).astype("float32"), X), {"lower": True}

    yield "take", (X, np.array([2, 0], "int32")), {"axis": 0}
    yield "take", (X, np.array([[1], [3]], "int32")), {"axis": 1}
    yield "take", (X, np.array([-1, 5, 0], "int32")), {}
    yield "take_along_axis", (X, np.array([[0], [3], [1]], "int32"), 1), {}
    yield "get_item", (X, 1), {}
    yield "get_item", (CUBE, (slice(None), 1)), {}
    yield "get_item", (CUBE, (slice(0, 1), slice(None, None, 2))), {}
    yield "slice", (X, (1, 0), (2, 3)), {}
    yield "slice_update", (X, (1, 1), np.zeros((2, 2), "float32")), {}
    yield "scatter", (np.array([[0], [2], [0]], "int32"), X, (4, 4)), {}
    yield "scatter_update", (X, np.array([[0, 1], [2, 3]], "int32"), np.array([9.0, 8.0], "float32")), {}
    yield "segment_sum", (X, np.array([0, 0, 2], "int32")), {"num_segments": 3}
    yield "segment_max", (X, np.array([0, 0, 1], "int32")), {"num_segments": 2}
    yield "one_hot", (LABELS, 4), {}
    yield "one_hot", (LABELS, 4), {"axis": 0, "dtype": "int32"}
    yield "one_hot", (np.array([-1, 4, 1], "int32"), 4), {}
    yield "multi_hot", (np.array([[0, 2], [1, 1]], "int32"), 4), {}
    yield "nonzero", (BOOLS,), {}

    for name in ("relu", "relu6", "silu", "swish", "softplus", "softsign", "log_sigmoid", "hard_sigmoid", "hard_silu",
                 "hard_swish", "hard_tanh", "leaky_relu", "elu", "selu", "celu", "gelu", "glu", "soft_shrink", "hard_shrink",
                 "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid", "softmax", "log_softmax"):  # fmt: skip
        yield name, (X,), {}
    yield "relu", (INTS,), {}
    yield "threshold", (X, 0.5, 0.1), {}
    yield "softmax", (CUBE,), {"axis": (1, 2)}
    yield "log_softmax", (X,), {"axis": 0}
    yield "gelu", (X,), {"approximate": False}
    yield "normalize", (X,), {}
    yield "normalize", (X,), {"axis": 0, "order": 1}
    onehot = np.eye(4, dtype="float32")[LABELS]
    yield "categorical_crossentropy", (onehot, X), {"from_logits": True}
    yield "categorical_crossentropy", (onehot, POSITIVE), {}
    yield "sparse_categorical_crossentropy", (LABELS, X), {"from_logits": True}
    yield "binary_crossentropy", (BOOLS.astype("float32"), X), {"from_logits": True}
    yield "binary_crossentropy", (BOOLS.astype("float32"), np.abs(UNIT)), {}
    yield "batch_normalization", (X, ROW, np.abs(ROW) + 0.1, -1), {}
    yield (
        "batch_normalization",
        (X, ROW, np.abs(ROW) + 0.1, -1),
        {"offset": ROW, "scale": ROW * 2, "epsilon": 0.01},
    )
    yield "layer_normalization", (X,), {}
    yield "rms_normalization", (X,), {}


# what layers, losses and a beginner's own code need: the first milestone's list, and the second's convolutions
REQUIRED = frozenset(
    _words(
        """
    conv depthwise_conv separable_conv conv_transpose max_pool average_pool adaptive_max_pool adaptive_average_pool
    abs absolute add all any arange arccos arcsin arctan argmax argmin argsort average
    binary_crossentropy broadcast_to cast categorical_crossentropy ceil celu clip concatenate
    convert_to_numpy convert_to_tensor cos cosh count_nonzero cumprod cumsum diag diagonal divide
    divide_no_nan dot einsum elu equal erf exp expand_dims expm1 eye flip floor floor_divide full
    full_like gelu greater greater_equal hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    identity isfinite isinf isnan leaky_relu less less_equal linspace log log10 log1p log2 log_sigmoid
    log_softmax logaddexp logical_and logical_not logical_or logical_xor logsumexp matmul max maximum
    mean median meshgrid min minimum mod moments moveaxis multiply negative norm normalize not_equal
    one_hot ones ones_like outer pad power prod ravel reciprocal relu relu6 repeat reshape roll round
    rsqrt scatter scatter_update selu shape sigmoid sign silu sin sinh slice slice_update soft_shrink
    softmax softplus softsign sort sparse_categorical_crossentropy split sqrt square squeeze stack std
    stop_gradient subtract sum swapaxes take take_along_axis tan tanh tanh_shrink tensordot tile top_k
    trace transpose tril triu true_divide unstack var vstack hstack where zeros zeros_like
    """
    )
)

SLACK = {
    "exp": 2.0, "erfinv": 10.0, "arccos": 4.0, "arctanh": 4.0, "tan": 4.0, "power": 4.0, "tanh_shrink": 10.0,
    "det": 10.0, "inv": 10.0, "solve": 10.0, "solve_triangular": 10.0, "cholesky": 4.0, "mod": 4.0, "var": 4.0,
    "std": 4.0, "cumprod": 4.0, "logspace": 4.0, "batch_normalization": 4.0, "cosh": 2.0, "sinh": 2.0,
    "rms_normalization": 4.0, "layer_normalization": 4.0, "cross": 4.0,
}  # fmt: skip
# types that meet in one op; "int", "float", "bool" are bare Python numbers
MEETING = [
    "bool",
    "uint8",
    "int8",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "python int",
    "python float",
    "python bool",
]
MEETING_OPS = ["add", "divide", "multiply", "maximum", "power", "equal"]
ALONE_OPS = [
    "sum",
    "mean",
    "max",
    "exp",
    "sqrt",
    "abs",
    "cumsum",
    "argmax",
    "std",
    "relu",
    "prod",
    "floor",
    "round",
    "square",
]


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    counts: dict[str, int] = {}
    for name, args, kwargs in _lines():
        counts[name] = counts.get(name, 0) + 1
        setup = {"op": name, "args": list(args), "kwargs": kwargs}
        yield {"id": f"{name}/{counts[name]}", "setup": setup, "slack": SLACK.get(name, 2.0)}
    for name in MEETING_OPS:
        yield {"id": f"dtypes/{name}", "setup": {"meeting": name}}
    for name in ALONE_OPS:
        yield {"id": f"dtypes/{name}", "setup": {"alone": name}}


def _sample(dtype: str) -> Any:
    if dtype.startswith("python"):
        return {"python int": 1, "python float": 1.0, "python bool": True}[dtype]
    return np.ones(2, dtype)


def _dtype(bridge: Any, call: Any) -> str:
    try:
        return str(bridge.numpy(call()).dtype)
    except Exception:  # Keras refuses some with the error of its backend: whatever happens there is not its contract
        return "refused"


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The output (arrays carry their dtype), or a table of dtypes."""
    ops = bridge.keras.ops
    if "meeting" in setup:
        op = getattr(ops, setup["meeting"])
        pairs = itertools.product(MEETING, MEETING)
        return {f"{a}, {b}": _dtype(bridge, lambda a=a, b=b: op(_sample(a), _sample(b))) for a, b in pairs}
    if "alone" in setup:
        op = getattr(ops, setup["alone"])
        return {a: _dtype(bridge, lambda a=a: op(_sample(a))) for a in MEETING[:8]}
    value = getattr(ops, setup["op"])(*setup["args"], **setup["kwargs"])
    several = isinstance(value, (list, tuple))
    return {"outputs": [bridge.numpy(v) for v in value] if several else bridge.numpy(value)}
