"""The functions under TensorFlow's names give what TensorFlow's give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neurona.programs.face import find
from neurona.tensor import Tensor

real = pytest.importorskip("tensorflow", reason="what TensorFlow gives is asked of TensorFlow itself")
ours = find("tensorflow")

M = np.arange(6, dtype="float32").reshape(2, 3) - 2
P = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]], "float32")
I = np.array([[2, 0], [1, 1]], "int32")  # noqa: E741
PICTURE = np.random.default_rng(0).random((5, 6, 3)).astype("float32")
BATCH = np.random.default_rng(1).random((2, 5, 6, 3)).astype("float32")
KERNEL = np.random.default_rng(2).random((2, 2, 3, 4)).astype("float32")
TEXTS = ["A b-c", "déjà  Vu!"]

CASES: dict[str, Callable[[Any], Any]] = {
    "reduce_sum": lambda tf: tf.reduce_sum(M, axis=[0]),
    "reduce_mean of ints": lambda tf: tf.reduce_mean(tf.constant([1, 2, 4])),
    "reduce_max keepdims": lambda tf: tf.reduce_max(M, axis=-1, keepdims=True),
    "reduce_std": lambda tf: tf.math.reduce_std(M, axis=1),
    "reduce_logsumexp": lambda tf: tf.reduce_logsumexp(M, axis=1),
    "reduce_all": lambda tf: tf.reduce_all(M > -3),
    "norm": lambda tf: tf.norm(M),
    "norm of rows": lambda tf: tf.norm(M, axis=1),
    "norm 1": lambda tf: tf.norm(M, ord=1, axis=1),
    "argmax": lambda tf: tf.argmax(M),
    "argmax axis": lambda tf: tf.math.argmax(M, axis=1, output_type=tf.int32),
    "matmul": lambda tf: tf.matmul(M, M, transpose_b=True),
    "tensordot": lambda tf: tf.tensordot(M, M, axes=[[1], [1]]),
    "einsum": lambda tf: tf.einsum("ij,kj->ik", M, M),
    "clip_by_value": lambda tf: tf.clip_by_value(M, -1, 1),
    "clip_by_norm": lambda tf: tf.clip_by_norm(M, 2.0),
    "clip_by_global_norm": lambda tf: tf.clip_by_global_norm([M, P], 1.0),
    "l2_normalize": lambda tf: tf.math.l2_normalize(M, axis=1),
    "top_k": lambda tf: tf.math.top_k(M, k=2),
    "in_top_k": lambda tf: tf.math.in_top_k([1, 2], P, 1),
    "cumsum exclusive": lambda tf: tf.cumsum(M, axis=1, exclusive=True),
    "cumsum reverse": lambda tf: tf.cumsum(M, axis=0, reverse=True),
    "cumprod": lambda tf: tf.math.cumprod(M, axis=1, exclusive=True, reverse=True),
    "confusion_matrix": lambda tf: tf.math.confusion_matrix([0, 1, 2, 1], [0, 2, 2, 1]),
    "band_part": lambda tf: tf.linalg.band_part(tf.ones((3, 4)), -1, 0),
    "diag": lambda tf: tf.linalg.diag([1.0, 2.0]),
    "count_nonzero": lambda tf: tf.math.count_nonzero(M, axis=1),
    "squared_difference": lambda tf: tf.math.squared_difference(M, P),
    "xlogy": lambda tf: tf.math.xlogy([0.0, 2.0], [0.0, 3.0]),
    "divide_no_nan": lambda tf: tf.math.divide_no_nan([1.0, 2.0], [0.0, 4.0]),
    "floormod": lambda tf: tf.math.floormod([-7, 7], [3, 3]),
    "segment_sum": lambda tf: tf.math.segment_sum(M, [0, 0]),
    "segment_mean": lambda tf: tf.math.unsorted_segment_mean(M, [1, 1], 3),
    "softmax": lambda tf: tf.nn.softmax(M, axis=0),
    "cast": lambda tf: tf.cast(M, tf.int32),
    "range": lambda tf: tf.range(2, 10, 3),
    "range of floats": lambda tf: tf.range(1.0, 2.0, 0.25),
    "linspace": lambda tf: tf.linspace(0.0, 1.0, 5),
    "one_hot": lambda tf: tf.one_hot([0, 2], 3, on_value=5.0, off_value=-1.0),
    "one_hot axis": lambda tf: tf.one_hot([0, 2], 3, axis=0),
    "concat": lambda tf: tf.concat([M, P], axis=1),
    "stack": lambda tf: tf.stack([M, P], axis=1),
    "unstack": lambda tf: tf.unstack(M, axis=1),
    "split sizes": lambda tf: tf.split(M, [1, -1], axis=1),
    "split": lambda tf: tf.split(M, 3, axis=1),
    "transpose": lambda tf: tf.transpose(BATCH, perm=[0, 3, 1, 2]),
    "tile": lambda tf: tf.tile(M, [2, 1]),
    "repeat": lambda tf: tf.repeat(M, [1, 2], axis=0),
    "pad": lambda tf: tf.pad(M, [[1, 0], [0, 2]], constant_values=9),
    "pad reflect": lambda tf: tf.pad(M, [[1, 1], [2, 1]], "REFLECT"),
    "gather": lambda tf: tf.gather(M, [2, 0], axis=1),
    "gather batch_dims": lambda tf: tf.gather(M, [[2, 0], [1, 1]], batch_dims=1),
    "gather_nd": lambda tf: tf.gather_nd(M, [[0, 2], [1, 1]]),
    "boolean_mask": lambda tf: tf.boolean_mask(M, M > 0),
    "where places": lambda tf: tf.where(M > 0),
    "where": lambda tf: tf.where(M > 0, M, 0.0),
    "slice": lambda tf: tf.slice(M, [0, 1], [2, -1]),
    "unique": lambda tf: tf.unique([3, 1, 3, 2]),
    "sort descending": lambda tf: tf.sort(M, direction="DESCENDING"),
    "argsort": lambda tf: tf.argsort(P, direction="DESCENDING"),
    "reverse": lambda tf: tf.reverse(M, axis=[1]),
    "scatter_nd": lambda tf: tf.scatter_nd([[1], [3]], [5.0, 6.0], [4]),
    "tensor_scatter_nd_update": lambda tf: tf.tensor_scatter_nd_update(M, [[0, 1]], [9.0]),
    "fill": lambda tf: tf.fill([2, 2], 7),
    "eye": lambda tf: tf.eye(2, 3, batch_shape=[2]),
    "constant filled": lambda tf: tf.constant(1.5, shape=(2, 2)),
    "shape": lambda tf: tf.shape(BATCH)[1:3].numpy(),
    "size": lambda tf: tf.size(BATCH),
    "meshgrid": lambda tf: tf.meshgrid([1, 2], [3, 4, 5]),
    "map_fn": lambda tf: tf.map_fn(lambda row: row * 2, M),
    "while_loop": lambda tf: tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + i), (0, 0)),
    "cond": lambda tf: tf.cond(tf.constant(True), lambda: M, lambda: P),
    "sigmoid_cross_entropy": lambda tf: tf.nn.sigmoid_cross_entropy_with_logits(labels=P, logits=M * 30),
    "softmax_cross_entropy": lambda tf: tf.nn.softmax_cross_entropy_with_logits(labels=P, logits=M),
    "sparse_softmax": lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2], logits=M),
    "moments": lambda tf: tf.nn.moments(M, axes=[1]),
    "leaky_relu": lambda tf: tf.nn.leaky_relu(M, alpha=0.1),
    "gelu": lambda tf: tf.nn.gelu(M),
    "l2_loss": lambda tf: tf.nn.l2_loss(M),
    "conv2d": lambda tf: tf.nn.conv2d(BATCH, KERNEL, strides=[1, 2, 2, 1], padding="SAME"),
    "conv2d_transpose": lambda tf: tf.nn.conv2d_transpose(
        BATCH, np.transpose(KERNEL, (0, 1, 3, 2)), [2, 10, 12, 4], strides=2, padding="SAME"
    ),
    "max_pool": lambda tf: tf.nn.max_pool2d(BATCH, 2, 2, "VALID"),
    "avg_pool": lambda tf: tf.nn.avg_pool2d(BATCH, 2, 2, "SAME"),
    "batch_normalization": lambda tf: tf.nn.batch_normalization(M, 1.0, 2.0, 0.5, 3.0, 1e-3),
    "resize": lambda tf: tf.image.resize(BATCH, (8, 4)),
    "resize nearest": lambda tf: tf.image.resize(BATCH, [3, 9], method="nearest"),
    "rgb_to_grayscale": lambda tf: tf.image.rgb_to_grayscale(BATCH),
    "grayscale_to_rgb": lambda tf: tf.image.grayscale_to_rgb(tf.constant(BATCH[..., :1])),
    "flip_left_right": lambda tf: tf.image.flip_left_right(PICTURE),
    "flip_up_down": lambda tf: tf.image.flip_up_down(BATCH),
    "rot90": lambda tf: tf.image.rot90(PICTURE),
    "adjust_brightness": lambda tf: tf.image.adjust_brightness(PICTURE, 0.25),
    "adjust_contrast": lambda tf: tf.image.adjust_contrast(PICTURE, 2.0),
    "adjust_saturation": lambda tf: tf.image.adjust_saturation(PICTURE, 0.5),
    "convert_image_dtype": lambda tf: tf.image.convert_image_dtype((PICTURE * 255).astype("uint8"), tf.float32),
    "convert to uint8": lambda tf: tf.image.convert_image_dtype(PICTURE, tf.uint8, saturate=True),
    "central_crop": lambda tf: tf.image.central_crop(BATCH, 0.5),
    "crop_or_pad": lambda tf: tf.image.resize_with_crop_or_pad(PICTURE, 3, 9),
    "per_image": lambda tf: tf.image.per_image_standardization(BATCH),
    "psnr": lambda tf: tf.image.psnr(BATCH, BATCH * 0.9, 1.0),
    "total_variation": lambda tf: tf.image.total_variation(tf.constant(BATCH)),
    "resize area": lambda tf: tf.image.resize(BATCH, (2, 4), method="area"),
    "yuv": lambda tf: tf.image.yuv_to_rgb(tf.image.rgb_to_yuv(PICTURE)) + tf.image.rgb_to_yuv(PICTURE),
    "depth_to_space": lambda tf: tf.nn.depth_to_space(np.arange(48.0).reshape(1, 2, 2, 12), 2),
    "space_to_depth": lambda tf: tf.nn.space_to_depth(np.arange(48.0).reshape(1, 4, 4, 3), 2),
    "initializer": lambda tf: tf.constant_initializer(3.0)((2, 2)),
    "strings.lower": lambda tf: tf.strings.lower(TEXTS),
    "strings.upper": lambda tf: tf.strings.upper(TEXTS, encoding="utf-8"),
    "strings.regex_replace": lambda tf: tf.strings.regex_replace(TEXTS, r"[[:punct:]]|(b)", r"<\1>"),
    "strings.length": lambda tf: tf.strings.length(TEXTS),
    "strings.length of letters": lambda tf: tf.strings.length(TEXTS, unit="UTF8_CHAR"),
    "strings.substr": lambda tf: tf.strings.substr(TEXTS, 1, 3, unit="UTF8_CHAR"),
    "strings.join": lambda tf: tf.strings.join([TEXTS, "!"], separator="_"),
    "strings.reduce_join": lambda tf: tf.strings.reduce_join(TEXTS, separator=" "),
    "strings.strip": lambda tf: tf.strings.strip([" a ", "b\n"]),
    "strings.split": lambda tf: tf.strings.split(TEXTS).to_tensor(),
    "strings.split of one": lambda tf: tf.strings.split("a,b,,c", sep=","),
    "strings.unicode_split": lambda tf: tf.strings.unicode_split(TEXTS, "UTF-8").to_tensor("-"),
    "strings.to_number": lambda tf: tf.strings.to_number(["1.5", "-2"]),
    "strings.as_string": lambda tf: tf.strings.as_string([1, 22]),
    "strings.equal": lambda tf: tf.equal(tf.constant(["a", "b"]), "b"),
    "ragged": lambda tf: tf.ragged.constant([[1, 2, 3], [], [4]]).to_tensor(),
    "dataset": lambda tf: list(
        tf.data.Dataset.from_tensor_slices((M, [1, 2])).map(lambda a, b: (a * 2, b + 1)).repeat(2).batch(3)
    ),
    "dataset of windows": lambda tf: list(
        tf.data.Dataset.range(7).window(3, shift=2, drop_remainder=True).flat_map(lambda w: w.batch(3))
    ),
    "dataset window stride": lambda tf: [list(w) for w in tf.data.Dataset.range(9).window(2, shift=3, stride=2)],
    "dataset zipped": lambda tf: list(
        tf.data.Dataset.zip((tf.data.Dataset.range(3), tf.data.Dataset.from_tensor_slices(["a", "b", "c"]).skip(1)))
    ),
    "dataset padded": lambda tf: list(
        tf.data.Dataset.from_generator(
            lambda: ([1] * n for n in (1, 3, 2)), output_signature=tf.TensorSpec((None,), tf.int32)
        ).padded_batch(2)
    ),
    "dataset cardinality": lambda tf: tf.data.Dataset.range(10).batch(4).cardinality(),
    "dataset reduce": lambda tf: tf.data.Dataset.range(5).reduce(np.int64(0), lambda state, x: state + x),
    "dataset interleaved": lambda tf: list(
        tf.data.Dataset.range(2).interleave(lambda n: tf.data.Dataset.range(n, n + 3), cycle_length=1)
    ),
    "dataset sharded": lambda tf: list(tf.data.Dataset.range(7).shard(3, 1)),
    "dataset unique": lambda tf: list(tf.data.Dataset.from_tensor_slices([1, 2, 1, 3]).unique()),
    "dataset take_while": lambda tf: list(tf.data.Dataset.range(7).take_while(lambda n: n < 3)),
    "sequence_mask": lambda tf: tf.sequence_mask([1, 3], maxlen=4, dtype=tf.float32),
    "strided_slice": lambda tf: tf.strided_slice(M, [0, 0], [2, 3], [1, 2], begin_mask=1),
    "foldl": lambda tf: tf.foldl(lambda a, b: a - b, M),
    "TensorArray": lambda tf: tf.TensorArray(tf.float32, size=2).unstack(M).write(0, M[1]).stack(),
    "lookup": lambda tf: tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([1, 2], tf.int64)), -1
    ).lookup(tf.constant(["b", "z"])),
    "nest": lambda tf: tf.nest.flatten(tf.nest.map_structure(lambda x: x * 2, {"b": M, "a": (P,)})),
    "bitwise": lambda tf: tf.bitwise.left_shift(tf.constant([1, 2]), tf.constant([3, 1])),
    "weighted_cross_entropy": lambda tf: tf.nn.weighted_cross_entropy_with_logits(P, M, 2.0),
    "compute_average_loss": lambda tf: tf.nn.compute_average_loss([1.0, 2.0], global_batch_size=4),
    "extract_patches": lambda tf: tf.image.extract_patches(
        np.arange(2 * 6 * 6 * 3, dtype="float32").reshape(2, 6, 6, 3), [1, 3, 3, 1], [1, 3, 3, 1], [1, 1, 1, 1], "VALID"
    ),
    "resize_with_pad": lambda tf: tf.image.resize_with_pad(
        np.arange(4 * 2 * 3, dtype="float32").reshape(4, 2, 3), 8, 8
    ),
    "sobel_edges": lambda tf: tf.image.sobel_edges(tf.constant(np.arange(75, dtype="float32").reshape(1, 5, 5, 3))),
    "image_gradients": lambda tf: tf.image.image_gradients(
        tf.constant(np.arange(75, dtype="float32").reshape(1, 5, 5, 3) ** 2)
    ),
    "adjust_hue": lambda tf: tf.image.adjust_hue(np.linspace(0, 1, 27, dtype="float32").reshape(3, 3, 3), 0.3),
    "adjust_gamma": lambda tf: tf.image.adjust_gamma(np.linspace(0, 1, 27, dtype="float32").reshape(3, 3, 3), 2.0),
}  # fmt: skip


def leaves(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)) and not hasattr(value, "as_list") and not isinstance(value, np.ndarray):
        return [leaf for item in value for leaf in leaves(item)]
    return [value.numpy() if hasattr(value, "numpy") else value]


@pytest.mark.parametrize("name", CASES)
def test_the_same_as_tensorflow(name: str) -> None:
    found, expected = leaves(CASES[name](ours)), leaves(CASES[name](real))
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        assert mine.shape == theirs.shape
        if theirs.dtype.kind in "OS":
            assert mine.tolist() == theirs.tolist()
        else:
            assert mine.dtype == theirs.dtype
            np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=2e-6)


def test_gradients_through_them() -> None:
    for name in ("reduce_std", "clip_by_norm", "l2_normalize", "sigmoid_cross_entropy", "gather batch_dims", "conv2d"):
        results = []
        for tf in (ours, real):
            x = tf.constant(BATCH if name == "conv2d" else M)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = {
                    "reduce_std": lambda tf, x: tf.math.reduce_std(x),
                    "clip_by_norm": lambda tf, x: tf.reduce_sum(tf.clip_by_norm(x, 2.0) ** 3),
                    "l2_normalize": lambda tf, x: tf.reduce_sum(tf.math.l2_normalize(x, axis=1) ** 3),
                    "sigmoid_cross_entropy": lambda tf, x: tf.nn.sigmoid_cross_entropy_with_logits(labels=P, logits=x),
                    "gather batch_dims": lambda tf, x: tf.gather(x, [[2, 0], [1, 1]], batch_dims=1) ** 2,
                    "conv2d": lambda tf, x: tf.nn.conv2d(x, KERNEL, 1, "SAME") ** 2,
                }[name](tf, x)
            results.append(np.asarray(tape.gradient(y, x)))
        np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-5, err_msg=name)


def test_gradients_of_gradients() -> None:
    functions = {
        "penalty": lambda tf, x: tf.nn.leaky_relu(tf.nn.conv2d(x, KERNEL, 1, "SAME")) ** 2,
        "softmax": lambda tf, x: tf.nn.softmax(x) * x,
        "norm": lambda tf, x: tf.sqrt(tf.reduce_sum(tf.square(x), axis=[1, 2, 3])),
    }
    for name, function in functions.items():
        results = []
        for tf in (ours, real):
            x = tf.constant(BATCH)
            with tf.GradientTape() as outer:
                outer.watch(x)
                with tf.GradientTape() as inner:
                    inner.watch(x)
                    y = function(tf, x)
                slope = inner.gradient(y, x)
                total = tf.reduce_mean((tf.norm(slope) - 1.0) ** 2)
            results.append(np.asarray(outer.gradient(total, x)))
        np.testing.assert_allclose(results[0], results[1], rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_tape_answers_as_tensorflows() -> None:
    for tf in (ours, real):
        v = tf.Variable(3.0)
        unused = tf.Variable(1.0)
        with tf.GradientTape(persistent=True) as tape:
            y = v * v
        assert tape.gradient(y, [v, unused])[1] is None
        assert float(tape.gradient(y, {"a": v})["a"]) == 6
        assert float(tape.gradient(y, unused, unconnected_gradients=tf.UnconnectedGradients.ZERO)) == 0
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = x**2
        assert tape.jacobian(z, x).numpy().tolist() == [[2, 0], [0, 4]]
        assert isinstance(x, tf.Tensor) and tf.is_tensor(x)


assert issubclass(ours.Tensor, Tensor)
