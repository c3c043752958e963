"""Reading HDF5 without trusting it: the only place that opens such a file.

A `Stored` is a group of the file: its children by name, its arrays, its attributes. Only what lies in the file itself is
given: no links to other places, no arrays that keep their numbers elsewhere, nothing that is not there. Each object
answers to one name, so the groups are a tree and whoever walks it comes to an end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurona.errors import SavingError, UnsafeFileError
from neurona.saving.budget import Budget
from neurona.saving.hdf5.arrays import read_array
from neurona.saving.hdf5.attributes import read_attributes
from neurona.saving.hdf5.blocks import Source
from neurona.saving.hdf5.groups import ELSEWHERE, is_group, read_links
from neurona.saving.hdf5.headers import Object, read_object, root_address
from neurona.tensor import Array

__all__ = ["Stored", "open_stored"]

_DEEPEST = 64  # groups within groups


@contextmanager
def open_stored(data: bytes | Path, origin: str, budget: Budget | None = None) -> Iterator[Stored]:
    """The root group of an HDF5 file, to be used in a ``with`` statement.

    Args:
        data: the bytes of the file, or its path.
        origin: what errors call it.
        budget: of the file that these bytes came from; their own without one.

    Raises:
        SavingError: it is no HDF5 file, a damaged one, or in a form that model files do not have.
        UnsafeFileError: it leads to another file, or asks for more memory than it holds numbers.
    """
    if isinstance(data, Path):
        try:
            data = data.read_bytes()
        except OSError as error:
            raise SavingError(f"{origin} is not a readable HDF5 file: {error}.") from error
    source = Source(data, origin, budget or Budget(len(data)))
    address = root_address(source)
    yield Stored(read_object(source, address), "", {address: ""})


class Stored:
    """A group of an HDF5 file.

    Args:
        group: its header.
        path: its place in the file.
        places: address -> path of every object met so far, in the whole file.
    """

    def __init__(self, group: Object, path: str, places: dict[int, str]) -> None:
        if not is_group(group):
            group.source.damaged(f"'{path}' is no group")
        self._group, self._path, self._places = group, path, places
        self._source = group.source
        self._links: dict[str, int] | None = None
        self._met: dict[str, Object] = {}

    def keys(self) -> list[str]:
        """The names of the groups and arrays in it: "2" before "10"."""
        return sorted(self._names(), key=lambda name: (len(name), name))

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def child(self, name: str) -> Stored | None:
        """The group of that name (slashes lead further down), or ``None`` where there is no such group.

        Raises:
            UnsafeFileError: it is a link to another place.
        """
        found = self
        for part in filter(None, name.split("/")):
            thing = found._own(part)
            if thing is None or not is_group(thing):
                return None
            found = Stored(thing, found._place(part), self._places)
        return found

    def array(self, name: str) -> Array:
        """The array of that name (slashes lead further down), in memory of its own.

        Numbers in bfloat16 come as float32, which holds the same ones.

        Raises:
            SavingError: there is none, or it is of a strange type.
            UnsafeFileError: it lies elsewhere, or declares more than it holds.
        """
        return read_array(self._array(name), self._told(name))

    def array_attrs(self, name: str) -> dict[str, Any]:
        """The attributes of the array of that name, as `attrs`."""
        return read_attributes(self._array(name))

    @property
    def attrs(self) -> dict[str, Any]:
        """Its attributes: numbers, texts, lists of either."""
        return read_attributes(self._group)

    def _names(self) -> dict[str, int]:
        if self._links is None:
            self._links = read_links(self._group)
        return self._links

    def _place(self, name: str) -> str:
        return f"{self._path}/{name}" if self._path else name

    def _told(self, name: str) -> str:
        return f"{self._source.origin}: '{self._place(name)}'"

    def _array(self, name: str) -> Object:
        above, _, own = name.rpartition("/")
        group = self.child(above)
        thing = group._own(own) if group else None
        if thing is None or is_group(thing):
            raise SavingError(f"{self._told(name)} is no array.")
        return thing

    def _own(self, name: str) -> Object | None:
        """The object of that name, which must be this group's alone."""
        if name in self._met:
            return self._met[name]
        address = self._names().get(name)
        if address is None:
            return None
        place = self._place(name)
        if address == ELSEWHERE:
            raise UnsafeFileError(f"{self._told(name)} is a link to another place, which is never followed.")
        if self._places.setdefault(address, place) != place:
            raise UnsafeFileError(f"{self._told(name)} is the same object as '{self._places[address]}'.")
        if place.count("/") >= _DEEPEST:
            raise UnsafeFileError(f"{self._told(name)} lies deeper than {_DEEPEST} groups.")
        self._met[name] = read_object(self._source, address)
        return self._met[name]
