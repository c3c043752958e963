"""Intersection over union of classes, the measure of segmentation: all read off one confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurona import config as settings
from neurona import ops
from neurona.allowance import ask_array
from neurona.cases import A, Case, Failure
from neurona.errors import ArgumentError, ShapeError
from neurona.losses.base import convert
from neurona.metrics.base import Metric
from neurona.registry import Config, export
from neurona.tape import op
from neurona.tensor import Array, TensorLike
from neurona.warn import warn_caller

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


@op(
    cases=[
        Case(A("N", 0, 3, "int"), A("N", 0, 3, "int"), num_classes=3),
        Case(A("N T", 0, 4, "int"), A("N T", 0, 3, "int"), A("N T", 0, 5, "int"), num_classes=3, ignore_class=1),
    ],
    errors=[Failure(A("3", 0, 2, "int"), A("4", 0, 2, "int"), num_classes=2, match="as many targets as predictions")],
)
def _confusion_matrix(
    y_true: Array,
    y_pred: Array,
    weights: Array | None = None,
    num_classes: int = 2,
    ignore_class: int | None = None,
    dtype: str = "int64",
) -> Array:
    """How often class i (row) was predicted as class j (column); classes that do not exist are left out.

    >>> _confusion_matrix([0, 1, 1], [0, 0, 1], num_classes=2)
    Tensor([[1, 0],
            [1, 1]], dtype=int64)
    """
    if y_true.size != y_pred.size:
        raise ShapeError(
            f"Expected as many targets as predictions. Received: shapes {y_true.shape} and {y_pred.shape}."
        )
    truth, found = y_true.reshape(-1).astype("int64"), y_pred.reshape(-1).astype("int64")
    weight = np.broadcast_to(np.asarray(1 if weights is None else weights).astype(dtype).reshape(-1), truth.shape)
    known = (truth >= 0) & (truth < num_classes) & (found >= 0) & (found < num_classes)
    if ignore_class is not None:
        known &= truth != ignore_class
    places = (truth * num_classes + found)[known]
    counts = np.bincount(places, weight[known], minlength=num_classes**2)
    return np.asarray(counts.reshape(num_classes, num_classes), dtype)


@export("keras.metrics")
class IoU(Metric):
    """Intersection over union, true positives / (true positives + false positives + false negatives).

    It is the mean over the chosen classes, of those that occur.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes to look at.
        name: how reports call it.
        dtype: the type to count in, whole numbers unless told.
        ignore_class: targets of this class do not count.
        sparse_y_true: targets are class numbers; else one-hot.
        sparse_y_pred: predictions are class numbers; else probabilities or logits.
        axis: the classes' axis, where they are not class numbers.

    >>> round(float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype or "int64", name)
        ask_array((num_classes, num_classes), "a confusion matrix")
        if max(target_class_ids) >= num_classes:
            raise ArgumentError(
                f"Target class id {max(target_class_ids)} is out of range, which is [0, {num_classes})."
            )
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        kind = np.dtype(getattr(sample_weight, "dtype", "int64")).kind
        if kind == "f" and "int" in self.dtype:
            warn_caller(
                "You are passing weight as `float`, but dtype is `int`: weights are cut off to whole "
                "numbers. "
                "Use whole weights, or dtype='float32'.",
            )
        counts = _confusion_matrix(
            y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis),
            y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis),
            sample_weight,
            num_classes=self.num_classes,
            ignore_class=self.ignore_class,
            dtype=self.dtype,
        )
        self.total_cm.assign_add(counts)

    def result(self) -> Any:
        matrix = ops.cast(self.total_cm, "float32")
        hits = ops.diagonal(matrix)
        union = ops.subtract(ops.add(ops.sum(matrix, axis=0), ops.sum(matrix, axis=1)), hits)
        chosen = np.array(self.target_class_ids, "int32")
        hits, union = ops.take(hits, chosen, axis=0), ops.take(union, chosen, axis=0)
        occurs = ops.cast(ops.greater(union, 1e-9), "float32")
        shares = ops.multiply(ops.divide(hits, ops.add(union, settings.epsilon())), occurs)
        return ops.divide(ops.sum(shares), ops.add(ops.sum(occurs), settings.epsilon()))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *names: str) -> Config:
        return {key: value for key, value in IoU.get_config(self).items() if key not in names}


@export("keras.metrics")
class BinaryIoU(IoU):
    """Intersection over union of two classes, where a prediction from the threshold on means class 1.

    Args:
        target_class_ids: the classes to look at, of 0 and 1.
        threshold: from it on a prediction means 1.
        name: how reports call it.
        dtype: the type to count in, whole numbers unless told.

    >>> round(float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        found = ops.greater_equal(convert(y_pred, "float32"), self.threshold)
        super().update_state(y_true, found, sample_weight)

    def get_config(self) -> Config:
        told = self._config_without("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return {**told, "threshold": self.threshold}


@export("keras.metrics")
class MeanIoU(IoU):
    """The mean of intersection over union over all classes.

    Args:
        num_classes: how many classes there are.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.

    >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> Config:
        return self._config_without("target_class_ids")


@export("keras.metrics")
class OneHotIoU(IoU):
    """Intersection over union where targets are one-hot and predictions are probabilities, logits or one-hot.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes to look at.
        name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.

    >>> round(float(OneHotIoU(2, target_class_ids=[0])([[1, 0], [0, 1]], [[0.8, 0.2], [0.4, 0.6]])), 4)
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> Config:
        return self._config_without("sparse_y_true")


@export("keras.metrics")
class OneHotMeanIoU(MeanIoU):
    """The mean of intersection over union over all classes, where targets are one-hot.

    Args:
        num_classes: how many classes there are.
        name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.

    >>> round(float(OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.8, 0.2], [0.4, 0.6]])), 4)
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> Config:
        return self._config_without("target_class_ids", "sparse_y_true")
