"""Batches: what fit, evaluate and predict accept, cut into batches of arrays.

Arrays stay as they are and where they are. A batch is gathered by one `take` for each array into one of two
buffers that alternate, and only there bytes and doubles become `floatx`: a set of byte pictures is never
blown up to floats as a whole. Order is a permutation drawn from a seed and the epoch's number, so that any
batch of any epoch can be made again. Leans on `neurona.training.data_arrays` (what counts as an
array) and `neurona.training.py_dataset`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from neurona import config
from neurona.errors import ArgumentError, DTypeError
from neurona.symbolic import map_structure
from neurona.tensor import Array
from neurona.training.data_arrays import (
    batch_dtype,
    count_samples,
    holds_arrays,
    is_numbers,
    to_arrays,
    with_class_weight,
)
from neurona.training.dataset import Dataset
from neurona.training.py_dataset import PyDataset, fetch
from neurona.warn import warn_caller

__all__ = ["ArrayBatches", "Batch", "Batches", "DatasetBatches", "PyDataset", "StreamBatches", "make_batches",
           "split_validation"]  # fmt: skip

Batch = tuple[Any, Any, Any]  # (x, y, sample_weight): nested arrays, None where absent


class Batches:
    """Batches, epoch after epoch.

    Attributes:
        num_batches: how many an epoch has, ``None`` while that is unknown.
        batch_size: samples a batch (the last may have fewer), ``None`` where the data decide.
        seed: from it and an epoch's number the order of that epoch follows. To go on with an interrupted
            training, set it to what it was and ask for ``epoch(epoch, first=batches_already_seen)``.
    """

    num_batches: int | None
    batch_size: int | None
    seed: int

    def epoch(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from number `first` on.

        The arrays of a batch are valid while the next one is used and no longer: then their memory serves
            again.
        """
        raise NotImplementedError(f"{type(self).__name__} must define epoch().")

    def _generator(self, epoch: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch])


def make_batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    seed: int | None = None,
    steps: int | None = None,
    class_weight: dict[int, float] | None = None,
    reuse: bool = True,
) -> Batches:
    """Batches from whatever holds them.

    Args:
        x: an array of shape ``(N, ...)``, a list, a data frame, or a list or dict of such for several inputs;
            or batches: a `PyDataset`, a generator, or anything iterable whose items are ``x``, ``(x,)``,
            ``(x, y)`` or ``(x, y, sample_weight)``.
        y, sample_weight: targets and weights, nested alike, where `x` holds arrays.
        batch_size: samples a batch, 32 by default.
        shuffle: True mixes the samples each epoch, "batch" mixes blocks of one batch that stay together.
        seed: of the order; drawn from NumPy's global generator when None.
        steps: batches an epoch; an epoch then goes on where the one before it stopped.
        class_weight: a weight for the samples of each class, which multiplies `sample_weight`.
        reuse: False gives every batch memory of its own.

    Raises:
        ShapeError: the arrays have different numbers of samples.
        ArgumentError: `x` is nothing that can be cut into batches.

    >>> for x, y, w in make_batches([[1.0], [2.0], [3.0]], [0, 1, 0], batch_size=2).epoch():
    ...     print(x.tolist(), y.tolist(), w)
    [[1.0], [2.0]] [0, 1] None
    [[3.0]] [0] None
    """
    if seed is None:
        # NumPy's global generator: neurona.utils.set_random_seed and numpy.random.seed both make it repeat
        # itself
        seed = int(np.random.randint(2**31))
    if batch_size is not None and (isinstance(batch_size, bool) or int(batch_size) != batch_size or batch_size < 1):
        raise ArgumentError(f"Expected `batch_size` to be a whole number from 1. Received: batch_size={batch_size!r}.")
    limit = config.max_steps_per_epoch()
    if limit and (not steps or limit < steps):
        warn_caller(f"Limiting steps_per_epoch to {limit}: see neurona.config.set_max_steps_per_epoch().")
        steps = limit
    if steps is not None and (int(steps) != steps or steps < 1):
        raise ArgumentError(f"Expected a number of steps from 1. Received: {steps!r}.")
    if class_weight is not None and not isinstance(class_weight, dict):
        raise DTypeError(
            f"Expected `class_weight` to be a dict from class number to weight. Received: {class_weight!r}."
        )
    if shuffle not in (True, False, None, "batch"):
        raise ArgumentError(f"Expected `shuffle` to be True, False or 'batch'. Received: shuffle={shuffle!r}.")
    if isinstance(x, PyDataset):
        _refuse_targets("a PyDataset", y, sample_weight)
        return DatasetBatches(x, bool(shuffle), seed, steps, class_weight)
    if holds_arrays(x):
        data = (to_arrays(x), to_arrays(y), to_arrays(sample_weight))
        return ArrayBatches(data, batch_size, shuffle, seed, steps, class_weight, reuse)
    if isinstance(x, Iterable):
        _refuse_targets("an iterable of batches", y, sample_weight)
        return StreamBatches(x, seed, steps, class_weight)
    raise ArgumentError(
        f"Unrecognized data type for x. Expected arrays, a PyDataset or an iterable of batches. "
        f"Received: {type(x).__name__}."
    )


def split_validation(data: Batch, validation_split: float) -> tuple[Batch, Batch]:
    """Part ``(x, y, sample_weight)`` into training data and validation data, which are the last fraction.

    Raises:
        ArgumentError: the data are no arrays, or one of the two parts would be empty.

    >>> train, held_out = split_validation(([1, 2, 3, 4], None, None), 0.25)
    >>> train[0].tolist(), held_out[0].tolist()
    ([1, 2, 3], [4])
    """
    if not 0 < validation_split < 1:
        raise ArgumentError(f"Expected `validation_split` between 0 and 1. Received: {validation_split}.")
    if isinstance(data[0], PyDataset) or not holds_arrays(data[0]):
        raise ArgumentError(
            "`validation_split` needs arrays, whose last samples can be held out. "
            f"Received: x of type {type(data[0]).__name__}. Give `validation_data` instead."
        )
    arrays = (to_arrays(data[0]), to_arrays(data[1]), to_arrays(data[2]))
    count = count_samples(arrays)
    at = math.floor(count * (1.0 - validation_split))
    if at in (0, count):
        raise ArgumentError(
            f"{count} samples cannot be split into training and validation data with "
            f"validation_split={validation_split}: one would be empty. Provide more data or another split."
        )
    train = tuple(map_structure(lambda a: None if a is None else a[:at], part) for part in arrays)
    held_out = tuple(map_structure(lambda a: None if a is None else a[at:], part) for part in arrays)
    return (train[0], train[1], train[2]), (held_out[0], held_out[1], held_out[2])


def _refuse_targets(kind: str, y: Any, sample_weight: Any) -> None:
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ArgumentError(f"When `x` is {kind}, `{name}` should not be passed: it belongs into the batches.")


# -- arrays --------------------------------------------------------------------------------------------------


class _Column:
    """One array of the data, and the two buffers in which its batches appear."""

    def __init__(self, source: Array, dtype: npt.DTypeLike, batch_size: int, reuse: bool) -> None:
        self.source, self.dtype, self.reuse = source, np.dtype(dtype), reuse
        self._direct = source.dtype == self.dtype
        self._whole = source.flags.c_contiguous  # take() would copy all of another array first
        self._shape = (batch_size, *source.shape[1:])
        self._buffers: list[Array | None] = [None, None]
        self._raw: Array | None = None
        self._turn = 0

    def _buffer(self, rows: int) -> Array:
        if not self.reuse:
            return np.empty((rows, *self._shape[1:]), self.dtype)
        self._turn ^= 1
        buffer = self._buffers[self._turn]
        if buffer is None:
            buffer = self._buffers[self._turn] = np.empty(self._shape, self.dtype)
        return buffer if rows == self._shape[0] else buffer[:rows]

    def take(self, index: Array) -> Array:
        """The rows with these numbers."""
        out = self._buffer(len(index))
        if not self._whole:
            np.copyto(out, self.source[index], casting="unsafe")
        elif self._direct:
            self.source.take(index, axis=0, out=out, mode="clip")  # "raise" would gather into a copy first
        else:
            if self._raw is None:
                self._raw = np.empty(self._shape, self.source.dtype)
            raw = self._raw[: len(index)]
            self.source.take(index, axis=0, out=raw, mode="clip")
            np.copyto(out, raw, casting="unsafe")
        return out

    def slice(self, start: int, stop: int) -> Array:
        """The rows from `start` to `stop`: a view where nothing needs converting."""
        part = self.source[start:stop]
        if self._direct and part.flags.c_contiguous:
            return part
        out = self._buffer(len(part))
        np.copyto(out, part, casting="unsafe")
        return out


class ArrayBatches(Batches):
    """Batches of arrays that are in memory (or mapped into it)."""

    def __init__(
        self,
        data: Batch,
        batch_size: int | None,
        shuffle: bool | str | None,
        seed: int,
        steps: int | None,
        class_weight: dict[int, float] | None,
        reuse: bool,
    ) -> None:
        x, y, weight = data
        count = count_samples(data)
        data = (x, y, with_class_weight(y, weight, class_weight))
        if batch_size is None:
            batch_size = math.ceil(count / steps) if steps else 32
        self.num_samples, self.shuffle, self.seed = count, shuffle, seed
        self.batch_size = self._size = int(batch_size)
        self._per_pass = math.ceil(count / self._size)
        if steps is not None and 0 < self._per_pass < steps:
            _warn_out_of_data(steps, self._per_pass)
            steps = None
        self.num_batches: int = self._per_pass if steps is None else int(steps)
        size = min(self._size, max(count, 1))

        def column(part: int) -> Callable[[Array | None], _Column | None]:
            return lambda a: None if a is None else _Column(a, batch_dtype(a.dtype, part), size, reuse)

        self._columns = tuple(map_structure(column(part), structure) for part, structure in enumerate(data))

    def epoch(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        for which, start, stop in _stretches(epoch, first, self.num_batches, self._per_pass):
            yield from self._walk(which, start, stop)

    def _walk(self, which: int, first: int, last: int) -> Iterator[Batch]:
        """The batches `first` to `last` of one pass over the data."""
        size = self._size
        x, y, weight = self._columns
        plain = all(column is None or isinstance(column, _Column) for column in self._columns)
        if self.shuffle is True:
            order = self._generator(which).permutation(self.num_samples)
            for start in range(first * size, last * size, size):
                index = order[start : start + size]
                if plain:
                    yield (
                        x.take(index),
                        None if y is None else y.take(index),
                        None if weight is None else weight.take(index),
                    )
                else:
                    yield self._each(lambda c, index=index: c.take(index))
            return
        blocks = np.arange(self._per_pass)
        if self.shuffle == "batch":
            full = self.num_samples // size  # a smaller last block stays last
            blocks[:full] = self._generator(which).permutation(full)
        for start in blocks[first:last].tolist():
            start *= size
            stop = min(start + size, self.num_samples)
            if plain:
                yield (
                    x.slice(start, stop),
                    None if y is None else y.slice(start, stop),
                    None if weight is None else weight.slice(start, stop),
                )
            else:
                yield self._each(lambda c, start=start, stop=stop: c.slice(start, stop))

    def _each(self, read: Any) -> Batch:
        x, y, weight = (map_structure(lambda c: None if c is None else read(c), part) for part in self._columns)
        return x, y, weight


# -- batches that come ready made ----------------------------------------------------------------------------


class StreamBatches(Batches):
    """Batches from a generator, or from an iterable that starts anew each epoch (such as a DataLoader).

    With `steps` one iterator is drawn from, epoch after epoch, until it is empty; without, each epoch is one
    pass. Of an iterator that cannot start anew, `epoch` never skips anything: its place is its own.
    """

    def __init__(
        self, source: Iterable[Any], seed: int, steps: int | None, class_weight: dict[int, float] | None
    ) -> None:
        self.source, self.seed, self.steps, self.class_weight = source, seed, steps, class_weight
        self.batch_size = None
        self.num_batches = steps if steps is not None else _length(source)
        self._once = isinstance(source, Iterator)
        self._current: Iterator[Any] | None = None

    def epoch(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        skip = 0 if self._once else first
        if self.steps is None:
            count = skip
            # only a `Dataset` can give the pass of a number: a training that is taken up goes on in the same order
            elements = self.source.elements(epoch) if isinstance(self.source, Dataset) else iter(self.source)
            for batch in itertools.islice(elements, skip, None):
                count += 1
                yield standard_batch(batch, self.class_weight)
            if not self._once:
                self.num_batches = count
            return
        if self._current is None:
            self._current = itertools.islice(iter(self.source), skip, None)
        for step in range(first, self.steps):
            try:
                batch = next(self._current)
            except StopIteration:
                _warn_out_of_data(self.steps, step)
                self._current = None
                return
            yield standard_batch(batch, self.class_weight)


class DatasetBatches(Batches):
    """Batches of a `PyDataset`, made ahead by its workers."""

    def __init__(
        self,
        dataset: PyDataset,
        shuffle: bool,
        seed: int,
        steps: int | None,
        class_weight: dict[int, float] | None,
    ) -> None:
        self.dataset, self.shuffle, self.seed, self.class_weight = dataset, shuffle, seed, class_weight
        self.steps = steps
        self.batch_size = None

    @property
    def num_batches(self) -> int | None:  # type: ignore[override]  # the data set may change it between epochs
        count = self.dataset.num_batches
        return count if self.steps is None else self.steps if count is None else min(self.steps, count)

    def epoch(self, epoch: int = 0, first: int = 0) -> Iterator[Batch]:
        self.dataset.on_epoch_begin()
        batches = fetch(self.dataset, self._indices(epoch, first))
        try:
            for batch in batches:
                yield standard_batch(batch, self.class_weight)
        finally:
            batches.close()  # type: ignore[attr-defined]  # it is a generator: its workers stop here
            self.dataset.on_epoch_end()

    def _indices(self, epoch: int, first: int) -> Iterator[int]:
        per_pass, per_epoch = self.dataset.num_batches, self.num_batches
        if per_epoch is None:
            yield from itertools.count(first)
        elif per_pass is None:
            yield from range(epoch * per_epoch + first, (epoch + 1) * per_epoch)
        else:
            for which, start, stop in _stretches(epoch, first, per_epoch, per_pass):
                order = self._generator(which).permutation(per_pass) if self.shuffle else np.arange(per_pass)
                yield from order[start:stop].tolist()


def _stretches(epoch: int, first: int, per_epoch: int, per_pass: int) -> Iterator[tuple[int, int, int]]:
    """Which batches an epoch has, as ``(pass over the data, from, to)``.

    One pass, unless `steps` says otherwise: then the epochs are stretches of an endless sequence of passes.

    >>> list(_stretches(epoch=2, first=0, per_epoch=4, per_pass=10))
    [(0, 8, 10), (1, 0, 2)]
    """
    begin, end = epoch * per_epoch + first, (epoch + 1) * per_epoch
    while begin < end:
        which, start = divmod(begin, per_pass)
        stop = min(per_pass, start + end - begin)
        yield which, start, stop
        begin += stop - start


def standard_batch(batch: Any, class_weight: dict[int, float] | None = None) -> Batch:
    """``(x, y, sample_weight)`` as arrays, from one batch as users write them.

    Raises:
        ArgumentError: a tuple with more than three parts or none.
    """
    if isinstance(batch, list) and not is_numbers(batch):
        batch = tuple(batch)
    parts = batch if isinstance(batch, tuple) else (batch,)
    if not 1 <= len(parts) <= 3:
        raise ArgumentError(
            f"A batch must be x, (x,), (x, y) or (x, y, sample_weight). Received: a tuple of {len(parts)} entries."
        )
    x, y, weight = (*(to_arrays(part) for part in parts), None, None)[:3]
    weight = with_class_weight(y, weight, class_weight)
    return _converted(x, 0), _converted(y, 1), _converted(weight, 2)


def _converted(structure: Any, part: int) -> Any:
    """The arrays of inputs (0), targets (1) or weights (2) in the types that a batch has."""

    def convert(array: Array | None) -> Array | None:
        return None if array is None else array.astype(batch_dtype(array.dtype, part), copy=False)

    return map_structure(convert, structure)


def _length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:  # generators have none, and endless data sets refuse
        return None


def _warn_out_of_data(steps: int, found: int) -> None:
    warn_caller(
        f"Your input ran out of data: {steps} steps an epoch were asked for, and {found} batches were there. "
        "Ask for fewer steps or provide more data.",
    )
