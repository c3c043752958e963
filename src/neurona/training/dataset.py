"""Data as a chain of steps: where they come from, and what is done to them on the way to `fit`.

    dataset = Dataset.from_tensor_slices((x, y)).shuffle(1000).batch(32).map(lambda x, y: (x / 255, y))

A `Dataset` speaks the words of ``tf.data.Dataset`` that programs for small networks use. Elements are arrays, numbers or
texts, or tuples and dicts of such; who iterates gets tensors, the steps on the way and `fit` plain arrays. Nothing is
computed before somebody asks for an element, and every pass begins anew. What is drawn at random follows from a seed and
the number of the pass, so any pass can be repeated.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from neurona.errors import ArgumentError, DTypeError
from neurona.symbolic import map_structure
from neurona.tensor import Tensor, as_tensor

__all__ = ["AUTOTUNE", "Dataset"]

AUTOTUNE = -1  # tf.data's word for "as many as fit"

Make = Callable[[int], Iterator[Any]]


class Dataset:
    """Elements in an order, made anew for every pass.

    Args:
        make: gives the elements of a pass, from its number: 0, 1, 2, ...
        count: how many there are: None where nobody knows, infinity where they never end.

    Attributes:
        batch_size: elements a batch, where the last step made batches.
        class_names: the names of the classes, where the source knows them; later steps keep them.
        file_paths: the files that the elements of the source come from, likewise.

    >>> dataset = Dataset.from_tensor_slices(([1, 2, 3], [0, 1, 0])).map(lambda x, y: (10 * x, y)).batch(2)
    >>> for x, y in dataset:
    ...     print(x.tolist(), y.tolist())
    [10, 20] [0, 1]
    [30] [0]
    >>> len(dataset), [int(x) for x in Dataset.range(5).skip(1).take(2).repeat(2)]
    (2, [1, 2, 1, 2])
    """

    batch_size: int | None = None
    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    def __init__(self, make: Make, count: float | None = None) -> None:
        self._make, self._count = make, count
        self._passes = itertools.count()

    # -- sources -------------------------------------------------------------------------------------------------

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Dataset:
        """The rows of an array, or of several of one length in a tuple or dict.

        Raises:
            ArgumentError: there is no array, or the lengths differ.
        """
        arrays = _arrays(tensors)
        lengths = {len(array) if array.ndim else -1 for array in _leaves(arrays)}
        if len(lengths) != 1 or -1 in lengths:
            raise ArgumentError(
                f"from_tensor_slices expects arrays of one length. Received: lengths {sorted(lengths)}."
            )
        (count,) = lengths

        def rows(_number: int) -> Iterator[Any]:
            return (_row(arrays, k) for k in range(count))

        return cls(rows, count)

    @classmethod
    def from_tensors(cls, tensors: Any) -> Dataset:
        """One element."""
        element = _arrays(tensors)
        return cls(lambda _pass: iter([element]), 1)

    @classmethod
    def from_generator(cls, generator: Callable[[], Iterable[Any]], **_signature: Any) -> Dataset:
        """What a function gives, which is called for every pass; tf.data's types and shapes are not needed."""
        if not callable(generator):
            raise DTypeError(f"from_generator expects a function. Received: {type(generator).__name__}.")
        return cls(lambda _pass: map(_arrays, generator()))

    @classmethod
    def range(cls, *bounds: int) -> Dataset:
        """Whole numbers, as Python's `range` counts them."""
        numbers = range(*bounds)
        return cls(lambda _pass: map(np.int64, numbers), len(numbers))

    @classmethod
    def zip(cls, *datasets: Any) -> Dataset:
        """Tuples of one element from each, as far as the shortest goes."""
        parts: tuple[Dataset, ...] = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple) else datasets
        counts = [part._count for part in parts]
        count = None if None in counts or not counts else min(c for c in counts if c is not None)
        return cls(lambda number: zip(*(part.elements(number) for part in parts), strict=False), count)

    # -- steps ---------------------------------------------------------------------------------------------------

    def map(self, map_func: Callable[..., Any], num_parallel_calls: int | None = None, **_order: Any) -> Dataset:
        """What a function makes of every element; a tuple is handed over as several arguments.

        `num_parallel_calls` is for tf.data's programs: elements are made one after the other, beside the training
        when `prefetch` follows.
        """

        def change(element: Any) -> Any:
            given = self._handed(element)
            return _arrays(map_func(*given) if isinstance(given, tuple) else map_func(given))

        return self._then(lambda elements, _number: map(change, elements), self._count)

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which a function says yes."""

        def kept(element: Any) -> bool:
            given = self._handed(element)
            return bool(np.asarray(_arrays(predicate(*given) if isinstance(given, tuple) else predicate(given))))

        return self._then(lambda elements, _number: filter(kept, elements), None)

    def batch(self, batch_size: int, drop_remainder: bool = False, **_order: Any) -> Dataset:
        """So many elements at a time, stacked along a new first axis; texts become an array of objects.

        Args:
            batch_size: elements a batch; the last may have fewer.
            drop_remainder: whether such a last one is left out.
        """
        _positive("batch_size", batch_size)

        def grouped(elements: Iterator[Any], _number: int) -> Iterator[Any]:
            while group := list(itertools.islice(elements, batch_size)):
                if len(group) == batch_size or not drop_remainder:
                    yield _stack(group)

        full = None if self._count is None else self._count / batch_size
        if full is not None and math.isfinite(full):
            full = math.floor(full) if drop_remainder else math.ceil(full)
        made = self._then(grouped, full)
        made.batch_size = batch_size
        return made

    def unbatch(self) -> Dataset:
        """The rows of every element, one by one."""

        def rows(elements: Iterator[Any], _number: int) -> Iterator[Any]:
            for element in elements:
                count = len(next(iter(_leaves(element))))
                for k in range(count):
                    yield _row(element, k)

        return self._then(rows, None)

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> Dataset:
        """Mixed: always one of the next `buffer_size` elements comes, drawn by chance.

        Args:
            buffer_size: from how many; all at once when it is as large as the data.
            seed: of the order; drawn from NumPy's global generator when None.
            reshuffle_each_iteration: whether each pass has an order of its own, as by default.
        """
        _positive("buffer_size", buffer_size)
        start = int(np.random.randint(2**31)) if seed is None else int(seed)

        def mixed(elements: Iterator[Any], number: int) -> Iterator[Any]:
            generator = np.random.default_rng([start, number if reshuffle_each_iteration is not False else 0])
            waiting = list(itertools.islice(elements, buffer_size))
            for element in elements:
                place = int(generator.integers(len(waiting)))
                chosen, waiting[place] = waiting[place], element
                yield chosen
            for place in generator.permutation(len(waiting)).tolist():
                yield waiting[place]

        return self._then(mixed, self._count)

    def take(self, count: int) -> Dataset:
        """The first `count` elements; all of them when it is -1."""
        if count < 0:
            return self._then(lambda elements, _number: elements, self._count)
        known = None if self._count is None else min(self._count, count)
        return self._then(lambda elements, _number: itertools.islice(elements, count), known)

    def skip(self, count: int) -> Dataset:
        """All but the first `count` elements; none when it is -1."""
        if count < 0:
            return self._then(lambda _elements, _number: iter(()), 0)
        known = None if self._count is None else max(self._count - count, 0)
        return self._then(lambda elements, _number: itertools.islice(elements, count, None), known)

    def repeat(self, count: int | None = None) -> Dataset:
        """`count` passes one behind the other, without an end when None or -1; each is a pass of its own number."""
        times = -1 if count is None else count

        def again(number: int) -> Iterator[Any]:
            for which in itertools.count() if times < 0 else range(number * times, (number + 1) * times):
                empty = True
                for element in self.elements(which):
                    empty = False
                    yield element
                if empty:
                    return

        known = self._count and self._count * (math.inf if times < 0 else times)
        return self._like_this(type(self)(again, 0 if times == 0 else known))

    def cache(self, filename: str = "") -> Dataset:
        """Kept in memory during the first whole pass; later ones take them from there.

        Raises:
            ArgumentError: a file name: elements are kept in memory only.
        """
        if filename:
            raise ArgumentError(f"cache keeps elements in memory only. Received: filename={filename!r}. Leave it out.")
        kept: list[Any] = []
        whole = False

        def remembered(number: int) -> Iterator[Any]:
            nonlocal kept, whole
            if whole:
                yield from kept
                return
            seen = []
            for element in self.elements(number):
                seen.append(element)
                yield element
            kept, whole = seen, True

        return self._like_this(type(self)(remembered, self._count))

    def prefetch(self, buffer_size: int = AUTOTUNE) -> Dataset:
        """The same elements, so many of them made ahead by a thread while the last one is used."""
        ahead = 2 if buffer_size == AUTOTUNE else buffer_size
        if ahead == 0:
            return self
        _positive("buffer_size", ahead)
        return self._then(lambda elements, _number: _ahead(elements, ahead), self._count)

    def enumerate(self, start: int = 0) -> Dataset:
        """Tuples of a number and an element."""
        return self._then(
            lambda elements, _number: ((np.int64(k), element) for k, element in enumerate(elements, start)), self._count
        )

    def concatenate(self, dataset: Dataset) -> Dataset:
        """These elements, then those of another."""
        known = None if self._count is None or dataset._count is None else self._count + dataset._count
        return self._then(lambda elements, number: itertools.chain(elements, dataset.elements(number)), known)

    # -- the end of the chain ------------------------------------------------------------------------------------

    def elements(self, number: int = 0) -> Iterator[Any]:
        """The elements of the pass of this number; the same number gives the same order."""
        return iter(self._make(number))

    def __iter__(self) -> Iterator[Any]:
        return (map_structure(_tensor, self._handed(element)) for element in self.elements(next(self._passes)))

    def _handed(self, element: Any) -> Any:
        """An element in the form in which functions get it."""
        return element

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The same as iterating, with NumPy's arrays in the place of tensors."""
        return self.elements(next(self._passes))

    def cardinality(self) -> int:
        """How many elements there are; -1 when they never end, -2 when nobody knows, as in tf.data."""
        return -2 if self._count is None else -1 if math.isinf(self._count) else int(self._count)

    def __len__(self) -> int:
        count = self.cardinality()
        if count < 0:
            raise DTypeError("The length of the dataset is " + ("unknown." if count == -2 else "infinite."))
        return count

    def __bool__(self) -> bool:
        return True  # asking for the length would fail where it is unknown

    def __repr__(self) -> str:
        return f"<Dataset: {'unknown' if self._count is None else self._count} elements>"

    def _then(self, step: Callable[[Iterator[Any], int], Iterator[Any]], count: float | None) -> Dataset:
        made = self._like_this(type(self)(lambda number: iter(step(self.elements(number), number)), count))
        made._passes = self._passes  # `data.take(1)` asked for twice goes over the data twice
        return made

    def _like_this(self, dataset: Dataset) -> Dataset:
        dataset.class_names, dataset.file_paths = self.class_names, self.file_paths
        return dataset


def _arrays(structure: Any) -> Any:
    """The structure with arrays for tensors and lists; texts stay as they are."""

    def array(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.data
        if hasattr(value, "numpy"):
            return np.asarray(value.numpy())
        return value if isinstance(value, (str, bytes, np.generic, np.ndarray)) or value is None else np.asarray(value)

    if isinstance(structure, dict):
        return {key: _arrays(item) for key, item in structure.items()}
    if isinstance(structure, tuple):
        return tuple(_arrays(item) for item in structure)
    if isinstance(structure, list) and structure and isinstance(structure[0], str):
        return _objects(structure)
    return array(structure)


def _tensor(value: Any) -> Any:
    return value if value is None or isinstance(value, Dataset) else as_tensor(value)  # windows are datasets


def _row(structure: Any, place: int) -> Any:
    return map_structure(lambda array: None if array is None else array[place], structure)


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, dict):
        structure = tuple(structure.values())
    if isinstance(structure, tuple):
        for item in structure:
            yield from _leaves(item)
    elif structure is not None:
        yield structure


def _stack(elements: list[Any]) -> Any:
    """One element of many: their arrays one above the other."""
    first = elements[0]
    if isinstance(first, dict):
        return {key: _stack([element[key] for element in elements]) for key in first}
    if isinstance(first, tuple):
        return tuple(_stack(list(parts)) for parts in zip(*elements, strict=True))
    if first is None:
        return None
    if isinstance(first, (str, bytes)):
        return _objects(elements)
    shapes = {np.shape(element) for element in elements}
    if len(shapes) > 1:
        raise ArgumentError(f"Cannot batch arrays of different shapes. Received: {sorted(shapes)}.")
    return np.stack(elements)


def _objects(texts: list[Any]) -> Any:
    array = np.empty(len(texts), object)  # one of fixed width would make every text as long as the longest
    array[:] = texts
    return array


def _positive(name: str, value: int) -> None:
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ArgumentError(f"Expected `{name}` to be a whole number from 1. Received: {name}={value!r}.")


class _End:
    """What follows the last element: an error that came up, or none."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _ahead(elements: Iterator[Any], count: int) -> Iterator[Any]:
    """The elements, made by a thread of its own that stops when nobody asks for more."""
    made: queue.Queue[Any] = queue.Queue(count)
    stopped = threading.Event()

    def put(item: Any) -> bool:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                made.put(item, timeout=0.05)
                return True
        return False

    def work() -> None:
        try:
            for element in elements:
                if not put(element):
                    return
            put(_End())
        except BaseException as error:  # raised again where the elements are used
            put(_End(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        thread.join()
