"""Where TensorFlow and NumPy differ, programs get TensorFlow's answer. Values worked by hand."""

from __future__ import annotations

from collections.abc import Callable

Run = Callable[..., tuple[int, list[str]]]

PROGRAM = """
import numpy as np
import tensorflow as tf

x = tf.constant([[1.0, -2.0], [3.0, 4.0]])
assert float(tf.norm(x, ord=1)) == 10 and float(tf.norm(x, ord=np.inf)) == 4
assert tf.norm(x, ord=1, keepdims=True).shape == (1, 1)
assert tf.norm(x, ord=1, axis=[0, 1]).numpy() == 6  # of a matrix: the largest sum of a column
assert tf.math.multiply_no_nan(tf.constant([np.nan, 3.0]), tf.constant([0.0, 2.0])).numpy().tolist() == [0.0, 6.0]
assert (x * np.sqrt(2.0)).dtype == tf.float32 and (np.float64(1.0) - x).dtype == tf.float32
assert (x + np.ones((2, 2))).dtype == tf.float32

assert x.shape.as_list() == [2, 2] and x.shape.rank == 2 and x.shape == (2, 2) and x.shape + (1,) == (2, 2, 1)

def twice(k):
    return tf.data.Dataset.from_tensors(k).repeat(2)

def told(dataset):
    return [int(k) for k in dataset]

assert told(tf.data.Dataset.range(3).interleave(twice, cycle_length=2)) == [0, 1, 0, 1, 2, 2]
assert told(tf.data.Dataset.range(3).interleave(twice, cycle_length=3)) == [0, 1, 2, 0, 1, 2]
assert told(tf.data.Dataset.range(3).interleave(twice, cycle_length=2, block_length=2)) == [0, 0, 1, 1, 2, 2]
"""


def test_values_and_types_are_tensorflows(run: Run) -> None:
    assert run(PROGRAM) == (0, [])
