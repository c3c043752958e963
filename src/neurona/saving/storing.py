"""Writing HDF5: the counterpart of `stored`. What is written is ours, so h5py may do it."""

from __future__ import annotations

import io
from collections.abc import Iterable

from neurona.tensor import Array

__all__ = ["Stores", "hdf5_of"]

# Of every object: the place of its group in the file, its name, its arrays by their keys.
Stores = Iterable[tuple[str, str, dict[str, Array]]]


def hdf5_of(stores: Stores) -> memoryview:
    """An HDF5 file with these groups, made in memory: h5py loses its way where the disk is full.

    >>> bytes(hdf5_of([])[1:4])
    b'HDF'
    """
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for place, name, arrays in stores:
            group = file.create_group(place)
            group.attrs["name"] = name
            for key, array in arrays.items():
                group.create_dataset(key, data=array)
    return buffer.getbuffer()
