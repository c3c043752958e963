"""KerasFileEditor: look into a file of weights, compare it with a model, change it and write it anew.

A file is a tree of dicts here: an object's own arrays under "0", "1", ..., the objects within it under their names. It is read
with the readers that trust nothing, and never changed in its place: `save` writes another file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.saving.atomic import atomic_file
from neurona.saving.json_reader import read_json
from neurona.saving.members import read_members
from neurona.saving.stored import Stored, open_stored
from neurona.saving.storing import hdf5_of
from neurona.saving.tree import saveables
from neurona.tensor import Array

__all__ = ["KerasFileEditor"]

Tree = dict[str, Any]  # an array, or a tree, by name


class KerasFileEditor:
    """The weights of a ``.keras`` or ``.weights.h5`` file, to be inspected, edited and saved.

    Args:
        filepath: the file.

    Attributes:
        weights_dict: the tree of its arrays, nested dicts.
        config, metadata: of a ``.keras`` file, what its JSON says.

    Raises:
        SavingError: the file is missing or damaged.
        ArgumentError: another kind of file.
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = os.fspath(filepath)
        path = Path(self.filepath)
        self.config: Any = None
        self.metadata: Any = None
        data: bytes | Path = path
        if path.name.endswith(".keras"):
            members = read_members(path)
            self.config = read_json(members["config.json"], f"{path}: config.json")
            self.metadata = read_json(members["metadata.json"], f"{path}: metadata.json")
            data = members["model.weights.h5"]
        elif not path.name.endswith(".weights.h5"):
            raise ArgumentError(
                f"Invalid filename: expected a `.keras` or `.weights.h5` extension. Received: filepath={filepath}"
            )
        self._names: dict[str, str] = {}  # the names that the file gives its objects, by their paths
        with open_stored(data, str(path)) as root:
            self.weights_dict = self._tree(root, "")
        version = self.metadata.get("keras_version") if isinstance(self.metadata, dict) else None
        print(f"Keras model file '{self.filepath}'" + (f", saved by Keras {version}" if version else ""))

    def _tree(self, group: Stored, path: str) -> Tree:
        tree: Tree = {}
        for name in group.keys():  # noqa: SIM118 - a Stored is no dict
            child = group.child(name)
            if child is None:
                tree[name] = group.array(name)
            elif name == "vars":
                self._names[path] = str(child.attrs.get("name", ""))
                tree |= {key: child.array(key) for key in child.keys()}  # noqa: SIM118
            else:
                below = self._tree(child, f"{path}/{name}" if path else name)
                if below:
                    tree[name] = below
        return tree

    # -- looking ----------------------------------------------------------------------------------------------------

    def summary(self) -> None:
        """Print the objects and the shapes of their weights."""
        print("Weights structure")

        def show(tree: Tree, path: str, indent: str) -> None:
            for name, value in tree.items():
                inner = f"{path}/{name}" if path else name
                if isinstance(value, dict):
                    called = self._names.get(inner)
                    print(f"{indent}{name}{f' ({called})' if called else ''}")
                    show(value, inner, indent + "    ")
                else:
                    array = np.asarray(value)
                    print(f"{indent}{name}: shape={array.shape}, dtype={array.dtype.name}")

        show(self.weights_dict, "", "    ")

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """How far the file fits a built model; each difference is printed.

        Returns:
            ``{"status": "success" or "error", "error_count": ..., "match_count": ...}``.
        """
        wanted = {path: np.shape(value) for path, value in _arrays_of(reference_model)}
        found = {path: np.shape(value) for path, value in _leaves(self.weights_dict)}
        told = [f"{path} is in the model alone, shape {shape}" for path, shape in wanted.items() if path not in found]
        told += [f"{path} is in the file alone, shape {shape}" for path, shape in found.items() if path not in wanted]
        both = [path for path in wanted if path in found]
        told += [
            f"{path} has the shape {found[path]} in the file, {wanted[path]} in the model"
            for path in both
            if found[path] != wanted[path]
        ]
        matching = sum(found[path] == wanted[path] for path in both)
        for line in told:
            print(f"...{line}")
        print(f"{matching} weights match, {len(told)} do not.")
        return {"status": "error" if told else "success", "error_count": len(told), "match_count": matching}

    # -- editing ----------------------------------------------------------------------------------------------------

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object another name.

        Args:
            object_name: its name, or its path ("layers/dense_2").
            new_name: a name, no path.

        Raises:
            ArgumentError: no such object, several of that name, a path for a name, or a name that is taken.
        """
        _own_name("new_name", new_name)

        def rename(tree: Tree, name: str, path: str) -> None:
            if new_name != name:
                _check_free(tree, new_name)
                tree[new_name] = tree.pop(name)
                new_path = path.removesuffix(name) + new_name
                for old, called in self._forget(path).items():
                    self._names[new_path + old.removeprefix(path)] = called

        self._edit(rename, object_name)

    def delete_object(self, object_name: str) -> None:
        """Take an object out, with all that lies in it."""

        def delete(tree: Tree, name: str, path: str) -> None:
            del tree[name]
            self._forget(path)

        self._edit(delete, object_name)

    def _forget(self, path: str) -> dict[str, str]:
        """Take out, and give, what the file calls an object and those within it."""
        below = [one for one in self._names if one == path or one.startswith(f"{path}/")]
        return {one: self._names.pop(one) for one in below}

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Put a new object in.

        Args:
            object_path: its whole path; what it lies in must be there.
            weights: its arrays by their names, "0", "1", ...

        Raises:
            ArgumentError: nothing there to lie in, a name that is taken, or weights that are no arrays of numbers by name.
        """
        _check_weights(weights)
        above, _, name = object_path.rpartition("/")
        tree = self._find(above) if above else self.weights_dict
        _check_free(tree, _own_name("object_path", name))
        tree[name] = dict(weights)

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Put further arrays into an object, in the place of those of the same names.

        Raises:
            ArgumentError: no such object, or weights that are no arrays of numbers by name.
        """
        _check_weights(weights)

        def add(tree: Tree, name: str, path: str) -> None:
            for weight_name in weights:
                if isinstance(tree[name].get(weight_name), dict):
                    _check_free(tree[name], weight_name)
            tree[name].update(weights)

        self._edit(add, object_name)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Take an array out of an object."""

        def delete(tree: Tree, name: str, path: str) -> None:
            if weight_name not in tree[name]:
                raise ArgumentError(
                    f"Weight {weight_name} not found in object {object_name}. Weights found: {list(tree[name])}"
                )
            del tree[name][weight_name]

        self._edit(delete, object_name)

    def _find(self, path: str) -> Tree:
        tree = self.weights_dict
        for name in path.split("/"):
            if not isinstance(tree.get(name), dict):
                raise ArgumentError(f"Path '{path}' not found in model. Received: a tree with {list(tree)} there.")
            tree = tree[name]
        return tree

    def _edit(self, change: Callable[[Tree, str, str], None], name: str) -> None:
        """Have `change` told the tree that an object lies in, its name there and its whole path."""
        above, _, own = name.rpartition("/")
        if above:
            self._find(name)
            change(self._find(above), own, name)
            return
        places = [place for place in _trees(self.weights_dict, "") if isinstance(place[0].get(name), dict)]
        if len(places) > 1:
            raise ArgumentError(
                f"Name '{name}' occurs more than once in the model; try passing a complete path. Received: {name!r}"
            )
        if not places:
            raise ArgumentError(
                f"Source name '{name}' does not appear in the model. Use summary() to see all objects. Received: {name!r}"
            )
        tree, path = places[0]
        change(tree, name, f"{path}{name}")

    # -- saving -----------------------------------------------------------------------------------------------------

    def save(self, filepath: Any) -> None:
        """Write the edited weights to a ``.weights.h5`` file; one that is there is replaced when all is written.

        Raises:
            ArgumentError: another ending.
            SavingError: the disk is full.
        """
        path = Path(os.fspath(filepath))
        if not path.name.endswith(".weights.h5"):
            raise ArgumentError(
                f"Invalid `filepath` argument: expected a `.weights.h5` extension. Received: filepath={filepath}"
            )
        data = hdf5_of(
            (f"{place}/vars" if place else "vars", self._names.get(place, place.rpartition("/")[2]), arrays)
            for place, arrays in _objects(self.weights_dict, "")
        )
        with atomic_file(path) as stream:
            stream.write(data)

    def resave_weights(self, filepath: Any) -> None:
        """As `save`."""
        self.save(filepath)


def _objects(tree: Tree, path: str) -> Iterator[tuple[str, dict[str, Array]]]:
    """Every object that has arrays of its own, with its path."""
    arrays = {name: np.asarray(value) for name, value in tree.items() if not isinstance(value, dict)}
    if arrays:
        yield path, arrays
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _objects(value, f"{path}/{name}" if path else name)


def _leaves(tree: Tree) -> Iterator[tuple[str, Array]]:
    for path, arrays in _objects(tree, ""):
        for name, array in arrays.items():
            yield f"{path}/{name}" if path else name, array


def _trees(tree: Tree, path: str) -> Iterator[tuple[Tree, str]]:
    """Every tree, with what stands before a name in it in that one's path."""
    yield tree, path
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _trees(value, f"{path}{name}/")


def _arrays_of(model: Any) -> Iterator[tuple[str, Any]]:
    """What a model would write, by its place in a file."""
    for path, thing in saveables(model):
        store: dict[str, Any] = {}
        thing.save_own_variables(store)
        for name, array in store.items():
            yield f"{path}/{name}" if path else name, array


def _check_weights(weights: Any) -> None:
    if not isinstance(weights, dict):
        raise ArgumentError(
            "Argument `weights` should be a dict where keys are weight names (usually '0', '1', etc.) and values are NumPy "
            f"arrays. Received: type(weights)={type(weights)}"
        )
    for name, value in weights.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ArgumentError(f"A weight's name should be a string such as '0', without '/'. Received: {name!r}")
        kind = np.asarray(value).dtype
        if kind.kind not in "biuf":
            raise ArgumentError(f"Weight '{name}' should be an array of numbers. Received: dtype {kind}")


def _check_free(tree: Tree, name: str) -> None:
    if name in tree:
        raise ArgumentError(
            f"There is an object or a weight '{name}' already; delete it first, or choose another name. "
            f"Received: {name!r} beside {sorted(tree)}"
        )


def _own_name(argument: str, name: str) -> str:
    if not name or "/" in name:
        raise ArgumentError(f"Argument `{argument}` should end in a name, not a full path name. Received: {name!r}")
    return name
