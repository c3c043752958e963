"""CTC: the loss of sequences whose labels have no places in time, such as letters in a recording of speech.

The computation is `neurona.ops.ctc_loss`; here every step counts, and 0 fills up the labels.
"""

from __future__ import annotations

from typing import Any

from neurona import ops
from neurona.errors import ShapeError
from neurona.losses.base import MODULE, FunctionLoss, convert
from neurona.registry import export
from neurona.tensor import TensorLike

__all__ = ["CTC", "ctc"]


def ctc(y_true: TensorLike, y_pred: TensorLike) -> Any:
    """-log of the probability that the outputs spell the labels.

    Args:
        y_true: label sequences, shape (N, L); 0 fills up the shorter ones.
        y_pred: logits, shape (N, T, C); class 0 is the blank.

    Returns:
        shape (N,); infinity where T steps are too few for the labels.

    Raises:
        ShapeError: other numbers of axes.

    >>> ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]])  # three of the four paths spell it: "1 1", "1 _", "_ 1"
    Tensor([0.2876821], dtype=float32)
    """
    labels, logits = convert(y_true, "int32"), convert(y_pred)
    if len(labels.shape) != 2:
        raise ShapeError(f"ctc expected labels of shape (samples, length). Received: y_true.shape={labels.shape}.")
    if len(logits.shape) != 3 or logits.shape[0] != labels.shape[0]:
        raise ShapeError(
            f"ctc expected logits of shape ({labels.shape[0]}, steps, classes). Received: y_pred.shape={logits.shape}."
        )
    count, steps = logits.shape[0], logits.shape[1]
    lengths = ops.sum(ops.cast(ops.not_equal(labels, 0), "int32"), axis=1)
    return ops.ctc_loss(labels, logits, lengths, ops.full((count,), steps, "int32"))


ctc.takes_integers = True  # type: ignore[attr-defined]


@export(MODULE)
class CTC(FunctionLoss):
    """`ctc` with weights and reduction.

    Args:
        reduction, name, dtype: see `Loss`.

    >>> CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]])
    Tensor(0.2876821, dtype=float32)
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(ctc, reduction, name, dtype)
