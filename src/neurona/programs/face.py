"""A module that answers for another, and the finder that hands such modules to ``import``.

    install()
    import tensorflow as tf  # a Face: its names are looked up in the tables of `answers`

A name is answered by the table, else by the modules that stand behind the face (`neurona.layers` behind `keras.layers`).
One that nothing answers raises an `UnansweredError`, which is also the AttributeError or ImportError that Python itself
would raise, so that ``hasattr`` and ``try: ... except ImportError`` in a program go on working.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from neurona.errors import ArgumentError, UnansweredImportError, UnansweredNameError, suggestion
from neurona.i18n import _
from neurona.programs import older
from neurona.programs.answers import FACES, HINTS, Answer, canonical
from neurona.programs.tf import methods

__all__ = ["Face", "find", "install", "is_installed", "uninstall"]

_ROOTS = ("keras", "tensorflow")


class Face(ModuleType):
    """What a program gets for ``import keras.layers``.

    Args:
        path: the module's full name, as in the table `FACES`.
        answer: what stands behind it.

    >>> find("tensorflow.math").exp is find("keras.ops").exp
    True
    """

    def __init__(self, path: str, answer: Answer) -> None:
        super().__init__(path, f"{path}, answered by neurona.")
        self.__path__: list[str] = []  # so that `import keras.layers` is asked of the finder
        self.__spec__ = ModuleSpec(path, None, is_package=True)  # for libraries that ask whether there is such a module
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return [n for n in dir(self) if not n.startswith("_")]
        if name.startswith("__") and name not in self._answer.names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = self._found(name)
        setattr(self, name, value)
        return value

    def _found(self, name: str) -> Any:
        path = f"{self.__name__}.{name}"
        if name in self._answer.names:
            return _named(self._answer.names[name])
        if path in FACES or canonical(path) in FACES:
            return find(path)
        for home in self._answer.homes:
            module = _module(home)
            if name in getattr(module, "__all__", dir(module)):
                return getattr(module, name)
        raise UnansweredNameError(path, _instead(path, dir(self)))

    def __dir__(self) -> list[str]:
        found = set(self._answer.names)
        for home in self._answer.homes:
            module = _module(home)
            found.update(getattr(module, "__all__", []))
        prefix = self.__name__ + "."
        found.update(path.removeprefix(prefix) for path in FACES if path.startswith(prefix))
        return sorted(name for name in found if "." not in name)

    def __repr__(self) -> str:
        return f"<module {self.__name__!r} (answered by neurona)>"


_faces: dict[str, Face] = {}


def find(path: str) -> Any:
    """The module that answers for this one.

    Args:
        path: its full name, such as "tensorflow.keras.layers".

    Raises:
        UnansweredImportError: nothing does.

    >>> find("tensorflow.keras.layers") is find("keras.layers")
    True
    """
    known = canonical(path)
    if known in FACES:
        if known not in _faces:
            _faces[known] = Face(known, FACES[known])
        return _faces[known]
    above, _, name = known.rpartition(".")
    try:
        found = getattr(find(above), name)
    except (UnansweredNameError, UnansweredImportError) as error:
        raise UnansweredImportError(path, error.instead) from None
    if not isinstance(found, ModuleType):
        raise UnansweredImportError(path, "There is such a name, but it is no module.")
    return found


def _module(name: str) -> ModuleType:
    """The module of ours, imported without a frame of the standard library that a traceback would show."""
    __import__(name)
    return sys.modules[name]


def _named(where: str) -> Any:
    """The thing called "module:name", or the module itself."""
    module, _, name = where.partition(":")
    found: Any = _module(module)
    for part in name.split(".") if name else []:
        found = getattr(found, part)
    return found


def _instead(path: str, known: Sequence[str]) -> str:
    """What there is in place of a name: the hint that the longest beginning of it has, else the nearest name."""
    parts = path.split(".")
    for end in range(len(parts), 1, -1):
        if hint := HINTS.get(".".join(parts[:end])):
            return _(hint)
    return suggestion(parts[-1], known).strip()


class _FaceLoader(Loader):
    """Puts the module that answers in the place of the one that was asked for."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # the import machinery takes the entry of sys.modules after this; a module of ours keeps its own __spec__
        sys.modules[module.__name__] = find(module.__name__)


class _FaceFinder(MetaPathFinder):
    """Answers for the modules of Keras and TensorFlow, whether they are installed or not."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] not in _ROOTS:
            return None
        find(name)  # raises where nothing answers
        return ModuleSpec(name, _FaceLoader(), is_package=True)


_finder = _FaceFinder()


def is_installed() -> bool:
    """Whether programs' imports of Keras and TensorFlow are answered by neurona now."""
    return _finder in sys.meta_path


def install() -> None:
    """From now on ``import keras`` and ``import tensorflow`` are answered by neurona.

    Raises:
        ArgumentError: one of them has been imported already; two cannot live under one name.
    """
    there = [root for root in _ROOTS if root in sys.modules and not isinstance(sys.modules[root], Face)]
    if there:
        raise ArgumentError(
            f"`neurona.programs.install()` must come before the first import of Keras. Received: {there} imported."
        )
    if not is_installed():
        sys.meta_path.insert(0, _finder)
        methods.give()
        older.give()


def uninstall() -> None:
    """Undo `install`: later imports find the real packages, or none."""
    if not is_installed():
        return
    sys.meta_path.remove(_finder)
    methods.take_away()
    older.take_away()
    for name in [name for name in sys.modules if name.partition(".")[0] in _ROOTS]:
        del sys.modules[name]  # ours: `install` would not have begun beside others
