"""PyDataset: batches that the user's own Python code makes, one at a time and possibly by several workers.

Keras's contract (also under its older name `Sequence`): a subclass has ``__len__`` or `num_batches`,
``__getitem__`` that returns batch number i, and `on_epoch_begin` and `on_epoch_end` if it likes. Leans on the
standard library alone.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any

from neurona.registry import export
from neurona.warn import warn_caller

__all__ = ["PyDataset", "fetch"]

_DEFAULTS = {"workers": 1, "use_multiprocessing": False, "max_queue_size": 10}


class _Setting:
    """An attribute with a default, for subclasses that forget ``super().__init__()``."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, dataset: Any, owner: type | None = None) -> Any:
        if dataset is None:
            return self
        if f"_{self.name}" not in vars(dataset):
            setattr(dataset, f"_{self.name}", _DEFAULTS[self.name])
            warn_caller(
                f"{type(dataset).__name__}.__init__() should call `super().__init__(**kwargs)`, where kwargs "
                "may hold `workers`, `use_multiprocessing` and `max_queue_size`. "
                f"Using {self.name}={_DEFAULTS[self.name]}.",
            )
        return getattr(dataset, f"_{self.name}")

    def __set__(self, dataset: Any, value: Any) -> None:
        setattr(dataset, f"_{self.name}", value)


@export("keras.utils")
class PyDataset:
    """A data set that makes its batches itself; subclass it.

    Args:
        workers: how many batches are made at the same time; 0 and 1 make them where they are used.
        use_multiprocessing: workers are processes, not threads; then the data set must be picklable.
        max_queue_size: how many batches may wait ready.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return [[index]], [[index**2]]
    >>> Squares().num_batches, list(Squares())
    (2, [([[0]], [[0]]), ([[1]], [[1]])])
    """

    workers = _Setting()
    use_multiprocessing = _Setting()
    max_queue_size = _Setting()

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index), which returns a batch.")

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; ``None`` for endless ones."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must define __len__() or the property `num_batches`.")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before the first batch of each epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of each epoch."""


def fetch(dataset: PyDataset, indices: Iterable[int]) -> Iterator[Any]:
    """The batches with these numbers, in this order, made ahead by the data set's workers."""
    workers = int(dataset.workers)
    if workers < 1 or (workers == 1 and not dataset.use_multiprocessing):
        for index in indices:
            yield dataset[index]
        return
    pending: deque[Future[Any]] = deque()
    numbers = iter(indices)
    pool = _pool(dataset, workers)
    try:
        for index in itertools.islice(numbers, max(int(dataset.max_queue_size), workers)):
            pending.append(_order(pool, dataset, index))
        while pending:
            batch = pending.popleft().result()
            for index in itertools.islice(numbers, 1):
                pending.append(_order(pool, dataset, index))
            yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(dataset: PyDataset, workers: int) -> Executor:
    if not dataset.use_multiprocessing:
        return concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="neurona-data")
    # spawned, not forked: a forked child would inherit locks of threads that it does not have
    context = multiprocessing.get_context("spawn")
    pool = concurrent.futures.ProcessPoolExecutor  # looked up here: the standard library loads it late
    return pool(workers, context, initializer=_keep, initargs=(dataset,))


def _order(pool: Executor, dataset: PyDataset, index: int) -> Future[Any]:
    if dataset.use_multiprocessing:  # the worker has its own copy: only the number travels
        return pool.submit(_make_batch, index)
    return pool.submit(dataset.__getitem__, index)


_kept: dict[str, PyDataset] = {}


def _keep(dataset: PyDataset) -> None:
    _kept["dataset"] = dataset


def _make_batch(index: int) -> Any:
    return _kept["dataset"][index]
