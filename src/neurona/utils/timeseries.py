"""Windows over measurements that follow each other in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.tensor import Tensor
from neurona.training.dataset import Dataset

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Windows of one length over a series, in batches, each with the target of its first step.

    Window k holds the steps ``k s, k s + r, ..., k s + (L - 1) r``, with L = `sequence_length`, s = `sequence_stride` and
    r = `sampling_rate`. What is asked for is gathered then: the windows are never all in memory.

    Args:
        data: the series, (T, ...).
        targets: (T, ...); None for windows alone. The target of a window is the one with the number of its first step.
        sequence_length: steps in a window.
        sequence_stride: steps from one window to the next.
        sampling_rate: steps from one entry of a window to the next.
        batch_size: windows a batch; None gives single ones.
        shuffle: mixed, and mixed anew in every pass, instead of in order.
        seed: of the order; drawn from NumPy's global generator when None.
        start_index, end_index: only ``data[start_index:end_index]`` is used.
        format: "tf" or "grain", for programs written for Keras; both give the same.

    Returns:
        a `Dataset` of ``(windows, targets)``, or of windows: (N, sequence_length, ...).

    Raises:
        ArgumentError: an argument has an impossible value.

    >>> windows = timeseries_dataset_from_array(range(6), [10, 11, 12, 13], sequence_length=3)
    >>> [(x.tolist(), y.tolist()) for x, y in windows.take(1)]
    [([[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]], [10, 11, 12, 13])]
    """
    series = np.asarray(data.numpy() if isinstance(data, Tensor) else data)
    _check(len(series), start_index, end_index, sampling_rate, sequence_stride)
    if format not in ("tf", "grain"):
        raise ArgumentError(f'`format` should be either "tf" or "grain". Received: format={format}')
    start, stop = start_index or 0, len(series) if end_index is None else end_index
    count = stop - start - (sequence_length - 1) * sampling_rate
    aims = None if targets is None else np.asarray(targets.numpy() if isinstance(targets, Tensor) else targets)
    if aims is not None:
        aims = aims[start:stop]
        count = min(count, len(aims))
    series = series[start:stop]
    positions = np.arange(0, count, sequence_stride)
    if shuffle:
        seed = int(np.random.randint(int(1e6))) if seed is None else seed
        np.random.RandomState(seed).shuffle(positions)
    steps = np.arange(sequence_length) * sampling_rate

    def taken(places: Any) -> Any:
        windows = series[np.asarray(places)[..., None] + steps]
        return windows if aims is None else (windows, aims[places])

    chosen = Dataset.from_tensor_slices(positions)
    if shuffle:
        chosen = chosen.shuffle(1024 if batch_size is None else 8 * batch_size, seed=seed)
    if batch_size is not None:
        chosen = chosen.batch(batch_size)
    return chosen.map(taken)


def _check(length: int, start: int | None, end: int | None, rate: int, stride: int) -> None:
    if start is not None and not 0 <= start < length:
        raise ArgumentError(
            f"`start_index` must be 0 or greater and lower than the length of the data, {length}. "
            f"Received: start_index={start}"
        )
    if end is not None and not (start or 0) < end < length:
        raise ArgumentError(
            f"`end_index` must be higher than 0 and `start_index`, and lower than the length of the data, {length}. "
            f"Received: start_index={start}, end_index={end}"
        )
    for name, value in (("sampling_rate", rate), ("sequence_stride", stride)):
        if not 0 < value < length:
            raise ArgumentError(
                f"`{name}` must be higher than 0 and lower than the length of the data, {length}. "
                f"Received: {name}={value}"
            )
