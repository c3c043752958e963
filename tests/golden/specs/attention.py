"""EinsumDense, the attentions, and `ops.dot_product_attention`: outputs, scores, gradients, masks, weights, configs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, new
from tests.golden.specs.layers import l2, weight_values

SEED = 7041

Q, V, K = (2, 3, 4), (2, 5, 4), (2, 5, 4)
MHA = {"num_heads": 2, "key_dim": 3}
GQA = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}


def _mask(*shape: int, seed: int = 0) -> np.ndarray:
    """Random bools of which each line has a true one."""
    mask = np.random.RandomState(SEED + seed).uniform(size=shape) > 0.4
    mask[..., 0] = True
    return mask


QM, VM = np.array([[1, 1, 0], [1, 1, 1]], "bool"), np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 0]], "bool")
NONE = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], "bool")  # the second sample may see nothing

# class, settings, shapes of the inputs, masks they carry, keywords of the call, whether the inputs go in as one list
TABLE: list[tuple[str, dict[str, Any], list[tuple[int, ...]], list[Any], dict[str, Any]]] = [
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 5}, [(2, 4)], [], {}),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 5), "bias_axes": "d", "activation": "relu"},
     [Q], [], {}),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "bias_axes": "de"}, [Q], [], {}),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (3, 2, 3), "bias_axes": "e"}, [Q], [], {}),
    ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": (None, 5), "bias_axes": "e", "activation": "tanh"},
     [(2, 3, 4, 2)], [], {}),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 5, "bias_axes": "y", "activation": "gelu"},
     [(2, 3, 2, 4)], [], {}),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 5, "bias_axes": "c"}, [(2, 4, 3)], [], {}),
    ("EinsumDense", {"equation": "abc,acd->abd", "output_shape": (3, 2), "bias_axes": "bd"}, [Q], [], {}),
    ("EinsumDense", {"equation": "abc,cb->ac", "output_shape": (4,), "kernel_regularizer": l2(0.1),
                     "bias_axes": "c", "bias_regularizer": "l1", "activity_regularizer": "l2",
                     "kernel_constraint": "max_norm"}, [(2, 3, 4)], [], {}),
    ("MultiHeadAttention", MHA, [Q, V], [], {}),
    ("MultiHeadAttention", MHA, [Q, V, (2, 5, 6)], [], {}),
    ("MultiHeadAttention", {**MHA, "value_dim": 2, "use_bias": False, "output_shape": 5}, [Q, V], [], {}),
    ("MultiHeadAttention", {**MHA, "output_shape": (2, 3), "use_gate": True}, [Q, V], [], {}),
    ("MultiHeadAttention", {**MHA, "value_dim": 5, "use_gate": True}, [Q, V], [QM, VM], {}),
    ("MultiHeadAttention", MHA, [Q, V], [QM, VM], {}),
    ("MultiHeadAttention", MHA, [Q, V, K], [None, VM, NONE], {}),
    ("MultiHeadAttention", MHA, [Q, V], [], {"value_mask": NONE}),
    ("MultiHeadAttention", MHA, [Q, V], [], {"query_mask": QM}),
    ("MultiHeadAttention", MHA, [Q, V], [QM, None], {"attention_mask": _mask(2, 3, 5)}),
    ("MultiHeadAttention", MHA, [Q, V], [], {"attention_mask": _mask(2, 2, 3, 5), "return_attention_scores": True}),
    ("MultiHeadAttention", MHA, [Q, V], [], {"attention_mask": _mask(1, 3, 5).astype("float32")}),
    ("MultiHeadAttention", MHA, [Q, Q], [], {"use_causal_mask": True}),
    ("MultiHeadAttention", MHA, [Q, V], [], {"use_causal_mask": True, "return_attention_scores": True}),
    ("MultiHeadAttention", MHA, [Q, V], [QM, NONE], {"use_causal_mask": True}),
    ("MultiHeadAttention", MHA, [Q, V], [QM, NONE], {"return_attention_scores": True}),
    ("MultiHeadAttention", {**MHA, "sliding_window": 2}, [Q, V], [], {}),
    ("MultiHeadAttention", {**MHA, "sliding_window": 2}, [Q, V], [], {"use_causal_mask": True}),
    ("MultiHeadAttention", {**MHA, "dropout": 0.3, "seed": 1}, [Q, V], [QM, NONE], {}),
    ("MultiHeadAttention", {**MHA, "attention_axes": (1, 2)}, [(2, 2, 3, 4), (2, 2, 3, 4)], [], {}),
    ("MultiHeadAttention", {**MHA, "attention_axes": -2}, [(2, 2, 3, 4), (2, 2, 3, 4)], [], {}),
    ("MultiHeadAttention", {**MHA, "attention_axes": 2}, [(2, 2, 3, 4), (2, 2, 3, 4)], [],
     {"return_attention_scores": True, "attention_mask": _mask(2, 2, 3, 3)}),
    ("MultiHeadAttention", {**MHA, "kernel_regularizer": l2(0.1), "bias_regularizer": "l1", "activity_regularizer": "l2",
                            "kernel_constraint": "max_norm", "bias_constraint": "non_neg"}, [Q, V], [], {}),
    ("GroupQueryAttention", GQA, [Q, V], [], {}),
    ("GroupQueryAttention", GQA, [Q, V, (2, 5, 6)], [], {}),
    ("GroupQueryAttention", {**GQA, "num_key_value_heads": 1, "use_bias": False}, [Q, V], [], {}),
    ("GroupQueryAttention", {**GQA, "num_key_value_heads": 4, "use_gate": True}, [Q, V], [], {}),
    ("GroupQueryAttention", GQA, [Q, V], [QM, NONE], {}),
    ("GroupQueryAttention", GQA, [Q, V], [QM, NONE], {"return_attention_scores": True}),
    ("GroupQueryAttention", GQA, [Q, V], [], {"query_mask": QM, "value_mask": VM}),
    ("GroupQueryAttention", GQA, [Q, V], [], {"use_causal_mask": True}),
    ("GroupQueryAttention", GQA, [Q, V], [None, VM], {"use_causal_mask": True, "return_attention_scores": True}),
    ("GroupQueryAttention", GQA, [Q, V], [], {"attention_mask": _mask(2, 3, 5)}),
    ("GroupQueryAttention", {**GQA, "sliding_window": 2, "dropout": 0.2}, [Q, V], [], {"use_causal_mask": True}),
    *[(cls, config, shapes, masks, call)
      for cls, configs in (
          ("Attention", ({}, {"use_scale": True}, {"score_mode": "concat"},
                         {"score_mode": "concat", "use_scale": True, "dropout": 0.2, "seed": 3})),
          ("AdditiveAttention", ({}, {"use_scale": False, "dropout": 0.2})),
      )
      for config in configs
      for shapes, masks, call in (
          ([Q, V], [], {}), ([Q, (2, 5, 3), K], [QM, VM, None], {"return_attention_scores": True}),
          ([Q, V], [None, VM], {"use_causal_mask": True}), ([Q, V], [QM, None], {}),
      )],
]  # fmt: skip
ONE_LIST = {"Attention", "AdditiveAttention"}

HEADS = (2, 3, 4, 3), (2, 5, 4, 3), (2, 5, 4, 2)
SHARED = (2, 3, 4, 3), (2, 5, 2, 3), (2, 5, 2, 3)
OPS: list[tuple[tuple[tuple[int, ...], ...], dict[str, Any]]] = [
    (HEADS, {}),
    (SHARED, {"scale": 0.3}),
    (HEADS, {"bias": np.linspace(-1, 1, 2 * 4 * 3 * 5).reshape(2, 4, 3, 5).astype("float32")}),
    (HEADS, {"mask": _mask(2, 1, 3, 5), "is_causal": True}),
    (HEADS, {"mask": NONE[:, None, None, :]}),
    (SHARED, {"is_causal": True, "bias": np.linspace(-1, 1, 5).astype("float32")}),
]

NAMES = ["EinsumDense", "MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention"]


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    rng = np.random.RandomState(SEED)
    for name in NAMES:
        yield {"id": f"{name} parameters", "setup": {"parameters": name}}
    for number, (cls, config, shapes, masks, call) in enumerate(TABLE):
        said = ",".join(f"{k}={'...' if isinstance(v, dict) else v}" for k, v in config.items())
        told = [f"masks={[m is not None for m in masks]}"] if masks else []
        told += [k if v is True else f"{k}..." for k, v in call.items()]
        yield {
            "id": f"{number} {cls}({said})/{','.join(map(str, shapes))} {' '.join(told)}".strip(),
            "setup": {
                "layer": new(f"layers.{cls}", **config, name="it"),
                "inputs": [rng.randn(*shape).astype("float32") for shape in shapes],
                "masks": masks,
                "call": call,
                "in_list": cls in ONE_LIST,
                "random": "dropout" in config,
            },
            "slack": 4.0,
        }
    for number, (shapes, call) in enumerate(OPS):
        arrays = [rng.randn(*shape).astype("float32") for shape in shapes]
        yield {"id": f"{number} ops.dot_product_attention", "setup": {"op": arrays, "call": call}, "slack": 4.0}


def _parameters(function: Any) -> list[list[str]]:
    found = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    return [[p.name, "" if p.default is p.empty else repr(p.default)] for p in found if p.kind is not p.VAR_KEYWORD]


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """Everything a layer can be asked."""
    keras = bridge.keras
    if "parameters" in setup:
        cls = getattr(keras.layers, setup["parameters"])
        return {"init": _parameters(cls.__init__), "call": _parameters(cls.call)}
    call = {k: keras.ops.convert_to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in setup["call"].items()}
    if "op" in setup:
        y, slopes = bridge.gradients(
            lambda *xs: _with_aim(keras, keras.ops.dot_product_attention(*xs, **call)), setup["op"]
        )
        return {"output": bridge.numpy(y), "gradients": slopes}
    layer = build(keras, setup["layer"])
    shapes = [tuple(x.shape) for x in setup["inputs"]]
    layer.build(shapes) if setup["in_list"] else layer.build(*shapes)
    # on both sides of 0: scores far apart would make a softmax of differences of nearly equal numbers
    layer.set_weights([weight_values(i, tuple(w.shape)) - np.float32(0.6) for i, w in enumerate(layer.weights)])
    symbols = [keras.Input(shape=shape[1:]) for shape in shapes]
    symbolic = layer(*([symbols] if setup["in_list"] else symbols))
    told: dict[str, Any] = {
        "weights": [[w.name, w.path, list(w.shape), bool(w.trainable)] for w in layer.weights],
        "config": layer.get_config(),
        # Keras leaves axes open that an EinsumDense could know, and tells those behind dots in the wrong order
        "output_shape": None if "equation" in setup["layer"]["with"] else list(symbolic.shape),
        "supports_masking": layer.supports_masking,
    }
    for training in (False,) if setup["random"] else (False, True):

        def compute(*xs: Any, training: bool = training) -> tuple[Any, Any]:
            for x, mask in zip(xs, setup["masks"], strict=False):
                if mask is not None:
                    x._keras_mask = keras.ops.convert_to_tensor(mask)
            y = layer(*([list(xs)] if setup["in_list"] else xs), training=training, **call)
            outputs = list(y) if isinstance(y, (tuple, list)) else [y]
            carried = [getattr(t, "_keras_mask", None) for t in (*outputs, *xs)]
            told[f"carried/{training}"] = [None if m is None else bridge.numpy(m) for m in carried]
            return outputs, _with_aim(keras, *outputs)[1]

        outputs, slopes = bridge.gradients(compute, setup["inputs"], layer.trainable_weights)
        told[f"training={training}"] = {
            "outputs": [bridge.numpy(y) for y in outputs],
            "gradients": _by_owner(slopes, [f"input {i}" for i in range(len(shapes))], layer.trainable_weights),
            "losses": [bridge.numpy(loss) for loss in layer.losses],
        }
    return told


def _by_owner(slopes: list[np.ndarray], inputs: list[str], weights: list[Any]) -> dict[str, np.ndarray]:
    """The gradients of kernel and bias of a projection as one line of numbers: that of a key's bias is 0 but for
    rounding (softmax does not see what all scores have in common), and must not be its own measure."""
    owners = [*inputs, *(w.path.rpartition("/")[0] for w in weights)]
    lines: dict[str, list[np.ndarray]] = {}
    for owner, slope in zip(owners, slopes, strict=True):
        lines.setdefault(owner, []).append(np.ravel(slope))
    return {owner: np.concatenate(parts) for owner, parts in lines.items()}


def _with_aim(keras: Any, *outputs: Any) -> tuple[Any, Any]:
    """The first output, and the outputs drawn together to one number in an uneven way."""
    aim = 0.0
    for number, y in enumerate(outputs):
        pull = np.random.RandomState(SEED + number).standard_normal(tuple(y.shape)).astype("float32")
        aim = aim + keras.ops.sum(y * keras.ops.convert_to_tensor(pull))
    return outputs[0], aim
