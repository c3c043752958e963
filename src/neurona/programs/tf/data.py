"""`tf.data`: our `Dataset`, which hands tensors to the program and arrays to the training.

>>> numbers = Dataset.from_tensor_slices([1.0, 2.0, 3.0]).map(lambda x: x * 2).batch(2)
>>> [batch.numpy().tolist() for batch in numbers]
[[2.0, 4.0], [6.0]]
>>> numbers.element_spec
TensorSpec(shape=(None,), dtype=float32)
"""

from __future__ import annotations

import functools
import glob
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import DataNotFoundError
from neurona.programs.tf import texts
from neurona.programs.tf.arrays import TensorSpec
from neurona.symbolic import dtype_name
from neurona.tensor import Tensor, as_array, wrap
from neurona.training import dataset
from neurona.training.dataset import AUTOTUNE

__all__ = ["AUTOTUNE", "Dataset", "Options", "TextLineDataset", "cardinality", "handing_tensors"]


def _tensors(structure: Any) -> Any:
    """The structure with tensors for its arrays, numbers and texts."""
    if isinstance(structure, dict):
        return {key: _tensors(item) for key, item in structure.items()}
    if isinstance(structure, tuple):
        return tuple(_tensors(item) for item in structure)
    if isinstance(structure, (Tensor, dataset.Dataset)) or structure is None:
        return structure
    array = structure if isinstance(structure, np.ndarray) else np.asarray(structure)
    return texts.constant(structure) if array.dtype.kind in "OSU" else wrap(array)


def _typed(structure: Any) -> Any:
    """The structure with lists as the arrays that TensorFlow would make of them: float32 and int32."""
    if isinstance(structure, dict):
        return {key: _typed(item) for key, item in structure.items()}
    if isinstance(structure, tuple):
        return tuple(_typed(item) for item in structure)
    return structure if isinstance(structure, (np.ndarray, Tensor)) or structure is None else as_array(structure)


class Options:
    """Settings of a pipeline; any may be set, none changes anything."""

    def __init__(self) -> None:
        self.__dict__["_set"] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__["_set"].setdefault(name, Options())


class Dataset(dataset.Dataset):
    """A `Dataset` whose elements reach the program as tensors."""

    def _handed(self, element: Any) -> Any:
        return _tensors(element)

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> dataset.Dataset:
        """The rows of a tensor, or of several of one length in a tuple or dict."""
        return super().from_tensor_slices(_typed(tensors))

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> dataset.Dataset:
        """One element."""
        return super().from_tensors(_typed(tensors))

    @classmethod
    def from_generator(  # type: ignore[override]
        cls,
        generator: Callable[..., Iterable[Any]],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Any = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> dataset.Dataset:
        """What a function gives, which is called for every pass, in the types that are told."""
        called = functools.partial(generator, *args) if args else generator
        kinds = output_types if output_signature is None else output_signature

        def typed() -> Iterator[Any]:
            return (_as_told(element, kinds) for element in called())

        return super().from_generator(typed)

    @classmethod
    def list_files(cls, file_pattern: Any, shuffle: bool | None = None, seed: Any = None, name: Any = None) -> Any:
        """The paths of the files that match, mixed unless told.

        Raises:
            DataNotFoundError: none does.
        """
        patterns = [file_pattern] if isinstance(file_pattern, (str, Path)) else list(file_pattern)
        found = sorted(path for pattern in patterns for path in glob.glob(str(pattern)))
        if not found:
            raise DataNotFoundError(f"No files matched pattern: {', '.join(map(str, patterns))}")
        listed = cls.from_tensor_slices(found)
        return listed if shuffle is False else listed.shuffle(len(found), seed=seed)

    @property
    def element_spec(self) -> Any:
        """What the elements look like; lengths that a batch may not fill are open. It makes the first element."""
        first = next(iter(self.elements(0)))
        return _spec(first, self._batched)

    _batched = False

    def _like_this(self, dataset: dataset.Dataset) -> Any:
        made = super()._like_this(dataset)
        made._batched = self._batched  # type: ignore[attr-defined]
        return made

    def batch(self, batch_size: Any, drop_remainder: bool = False, *args: Any, **kwargs: Any) -> Any:
        """So many elements at a time, stacked along a new first axis."""
        made = super().batch(int(batch_size), drop_remainder)
        made._batched = not drop_remainder  # type: ignore[attr-defined]
        return made

    def padded_batch(
        self, batch_size: int, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False,
        name: Any = None,
    ) -> Any:  # fmt: skip
        """So many elements at a time, the shorter ones filled up to the longest."""

        def stacked(elements: Iterator[Any], _number: int) -> Iterator[Any]:
            while group := list(itertools.islice(elements, batch_size)):
                if len(group) == batch_size or not drop_remainder:
                    yield _padded(group, padding_values)

        made = self._then(stacked, None if self._count is None else -(-self._count // batch_size))
        made._batched = True  # type: ignore[attr-defined]
        return made

    def window(self, size: int, shift: int | None = None, stride: int = 1, drop_remainder: bool = False) -> Any:
        """Datasets of `size` elements, each beginning `shift` after the one before."""
        step = size if shift is None else shift

        def windows(elements: Iterator[Any], _number: int) -> Iterator[Any]:
            kept: list[Any] = []
            span = (size - 1) * stride + 1
            for element in elements:
                kept.append(element)
                if len(kept) == span:
                    yield self._of(kept[::stride])
                    kept = kept[step:]
            while kept and not drop_remainder:
                yield self._of(kept[:span:stride])
                kept = kept[step:]

        return self._then(windows, None)

    def flat_map(self, map_func: Callable[..., Any], name: Any = None) -> Any:
        """The elements of the datasets that a function makes of every element, one behind the other."""

        def flat(elements: Iterator[Any], number: int) -> Iterator[Any]:
            for element in elements:
                given = self._handed(element)
                made = map_func(*given) if isinstance(given, tuple) else map_func(given)
                yield from made.elements(number)

        return self._then(flat, None)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int = 1,
        num_parallel_calls: Any = None,
        deterministic: Any = None,
        name: Any = None,
    ) -> Any:
        """Elements of `cycle_length` datasets (16 unless told) in turn, `block_length` of each; a function makes them."""
        width = cycle_length if cycle_length is not None and cycle_length > 0 else 16

        def turns(elements: Iterator[Any], number: int) -> Iterator[Any]:
            def opened() -> Iterator[Iterator[Any]]:
                for element in elements:
                    given = self._handed(element)
                    made = map_func(*given) if isinstance(given, tuple) else map_func(given)
                    yield iter(made.elements(number))

            waiting = opened()
            cycle = list(itertools.islice(waiting, width))
            while cycle:
                for source in list(cycle):
                    taken = 0
                    for element in itertools.islice(source, block_length):
                        taken += 1
                        yield element
                    if taken < block_length:  # it is at its end: the next one takes its place
                        place = cycle.index(source)
                        cycle[place : place + 1] = itertools.islice(waiting, 1)

        return self._then(turns, None)

    def reduce(self, initial_state: Any, reduce_func: Callable[[Any, Any], Any], name: Any = None) -> Any:
        """What is left when every element has been taken into a state."""
        state = _tensors(_typed(initial_state))
        for element in self:
            state = reduce_func(state, element)
        return state

    def shard(self, num_shards: int, index: int, name: Any = None) -> Any:
        """Every `num_shards`-th element, from the one at `index`."""
        return self._then(lambda elements, _: itertools.islice(elements, int(index), None, int(num_shards)), None)

    def scan(self, initial_state: Any, scan_func: Callable[[Any, Any], Any], name: Any = None) -> Any:
        """What a function of a state and an element gives: the next state, and what comes."""

        def scanned(elements: Iterator[Any], _number: int) -> Iterator[Any]:
            state = _tensors(_typed(initial_state))
            for element in elements:
                state, made = scan_func(state, self._handed(element))
                yield made

        return self._then(scanned, None)

    def take_while(self, predicate: Callable[..., Any], name: Any = None) -> Any:
        """The elements up to the first for which a function says no."""

        def holds(element: Any) -> bool:
            given = self._handed(element)
            return bool(predicate(*given) if isinstance(given, tuple) else predicate(given))

        return self._then(lambda elements, _: itertools.takewhile(holds, elements), None)

    def unique(self, name: Any = None) -> Any:
        """Each element once."""

        def different(elements: Iterator[Any], _number: int) -> Iterator[Any]:
            seen: set[Any] = set()
            for element in elements:
                array = as_array(element)
                known = (array.shape, tuple(array.reshape(-1).tolist()))
                if known not in seen:
                    seen.add(known)
                    yield element

        return self._then(different, None)

    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """What a function makes of the dataset."""
        return transformation_func(self)

    def with_options(self, options: Any, name: Any = None) -> Any:
        """The dataset itself: options change how TensorFlow works, not what comes."""
        return self

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements as arrays, texts as bytes."""
        return map(_arrays, iter(self))

    def get_single_element(self, name: Any = None) -> Any:
        """The only element."""
        (element,) = self
        return element

    def cardinality(self) -> Any:
        """How many elements there are, as a tensor; -1 when they never end, -2 when nobody knows."""
        return wrap(np.asarray(super().cardinality(), np.int64))

    @classmethod
    def _of(cls, elements: list[Any]) -> Any:
        return cls(lambda _number: iter(elements), len(elements))


def _arrays(structure: Any) -> Any:
    if isinstance(structure, dict):
        return {key: _arrays(item) for key, item in structure.items()}
    if isinstance(structure, tuple):
        return tuple(_arrays(item) for item in structure)
    return structure.numpy() if isinstance(structure, Tensor) else structure


def _as_told(element: Any, kinds: Any) -> Any:
    """An element of a generator in the types of a signature."""
    if isinstance(kinds, dict):
        return {key: _as_told(element[key], kind) for key, kind in kinds.items()}
    if isinstance(kinds, (tuple, list)):
        return tuple(_as_told(item, kind) for item, kind in zip(element, kinds, strict=True))
    if kinds is None:
        return _typed(element)
    kind = dtype_name(kinds.dtype if isinstance(kinds, TensorSpec) else kinds)
    return element if kind == "string" else np.asarray(as_array(element), kind)


def _spec(element: Any, batched: bool) -> Any:
    if isinstance(element, dict):
        return {key: _spec(item, batched) for key, item in element.items()}
    if isinstance(element, tuple):
        return tuple(_spec(item, batched) for item in element)
    array = as_array(element)
    return TensorSpec((None, *array.shape[1:]) if batched else array.shape, dtype_name(array.dtype))


def _padded(group: list[Any], filling: Any) -> Any:
    """One element of many of different lengths."""
    first = group[0]
    if isinstance(first, dict):
        return {
            key: _padded([item[key] for item in group], filling[key] if isinstance(filling, dict) else filling)
            for key in first
        }
    if isinstance(first, tuple):
        parts = zip(*group, strict=True)
        fillings = filling if isinstance(filling, tuple) else (filling,) * len(first)
        return tuple(_padded(list(part), value) for part, value in zip(parts, fillings, strict=True))
    arrays = [as_array(item) for item in group]
    shape = np.max([array.shape for array in arrays], axis=0, initial=0) if arrays[0].ndim else ()
    nothing: Any = ("" if arrays[0].dtype.kind in "OSU" else 0) if filling is None else filling
    made = np.full((len(arrays), *shape), nothing, arrays[0].dtype)
    for place, array in enumerate(arrays):
        where: Any = (place, *map(slice, array.shape))
        made[where] = array
    return made


def TextLineDataset(filenames: Any, *settings: Any, **more: Any) -> Any:  # noqa: N802 - TensorFlow's name
    """The lines of text files, without their ends."""
    paths = [filenames] if isinstance(filenames, (str, Path)) else [str(path) for path in filenames]

    def lines(_number: int) -> Iterator[str]:
        for path in paths:
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    yield line.rstrip("\r\n")

    return Dataset(lines)


def cardinality(dataset: Any) -> Tensor:
    """How many elements a dataset has."""
    return wrap(np.asarray(dataset.cardinality(), np.int64))


def handing_tensors(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes datasets of ours, made to make those that hand out tensors."""

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        found = make(*args, **kwargs)
        return tuple(map(_converted, found)) if isinstance(found, (tuple, list)) else _converted(found)

    return made


def _converted(found: dataset.Dataset) -> Dataset:
    made = Dataset(found.elements, found._count)
    made.class_names, made.file_paths = found.class_names, found.file_paths
    made._batched = True
    return made
