"""Name <-> class: how objects become JSON configurations and come back, in Keras 3's format.

Every public class and function enters a table with `export` ("keras.layers" -> "Dense"); a configuration names its
class by module and name, and only what is in a table, or what the user registered, is ever made from one. So reading a
configuration cannot run code that nobody asked for.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from neurona.errors import ArgumentError, DTypeError, NeuronaError, SavingError, UnknownNameError, UnsafeFileError
from neurona.names import snake_case
from neurona.sharing import known, number, remember
from neurona.tensor import Tensor

__all__ = [
    "KERAS_VERSION",
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "export",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "resolve",
    "serialize_keras_object",
    "table",
]

# The version of Keras whose names, configurations and files these are.
KERAS_VERSION = "3.15.0"

Thing = TypeVar("Thing")
Config = dict[str, Any]

_exports: dict[str, dict[str, Any]] = {}
_custom: dict[str, Any] = {}


def export(module: str, *aliases: str) -> Callable[[Thing], Thing]:
    """Decorator: enter a class or function in the table of `module`, under its name and the aliases.

    Args:
        module: where Keras has it, e.g. "keras.layers".
        aliases: further names to find it by ("mse").
    """

    def enter(thing: Thing) -> Thing:
        names = _exports.setdefault(module, {})
        own = thing.__name__  # type: ignore[attr-defined]
        for name in (own, snake_case(own), *aliases):
            names[name] = thing
        if inspect.isclass(thing):
            thing._keras_module = module  # type: ignore[attr-defined]
        return thing

    return enter


def table(module: str) -> dict[str, Any]:
    """The names of a module and what they stand for."""
    return _exports.get(module, {})


def resolve(module: str, kind: str, identifier: Any, custom_objects: Config | None = None) -> Any:
    """What an argument such as ``activation="relu"`` means: the object itself.

    Args:
        module: the table to look in.
        kind: what is looked for, as the error calls it ("activation").
        identifier: ``None``, a name, a configuration, a class (made without arguments) or the object itself.

    Raises:
        UnknownNameError: no such name; the nearest one is offered.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize_keras_object(identifier, custom_objects)
    elif isinstance(identifier, str):
        names = {**table(module), **_custom, **(custom_objects or {})}
        found = names.get(identifier, names.get(identifier.lower()))
        if found is None:
            raise UnknownNameError.among(kind, identifier, {n for n in names if n == n.lower()})
    else:
        found = identifier
    if inspect.isclass(found):
        found = found()
    if not callable(found) and not hasattr(found, "get_config"):
        raise ArgumentError(f"Could not interpret {kind} identifier. Received: {identifier!r}.")
    return found


# -- the user's own classes -----------------------------------------------------------------------------------


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Thing], Thing]:
    """Decorator: let configurations name the user's own class or function as ``package>name``.

    >>> @register_keras_serializable("lesson")
    ... class Double:
    ...     def get_config(self):
    ...         return {}
    >>> get_registered_object("lesson>Double") is Double
    True
    """

    def enter(thing: Thing) -> Thing:
        own = name or thing.__name__  # type: ignore[attr-defined]
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ArgumentError(f"Cannot register a class that does not have a get_config() method. Received: {thing}.")
        registered = f"{package}>{own}"
        _custom[registered] = thing
        thing._keras_registered_name = registered  # type: ignore[attr-defined]
        return thing

    return enter


def get_registered_name(thing: Any) -> str:
    """The name under which a class or function was registered, else its own."""
    own = thing.__dict__.get("_keras_registered_name") if hasattr(thing, "__dict__") else None
    return str(own or getattr(thing, "__name__", thing))


def get_registered_object(name: str, custom_objects: Config | None = None) -> Any:
    """The class or function registered under `name`, or ``None``."""
    return (custom_objects or {}).get(name, _custom.get(name))


def get_custom_objects() -> Config:
    """The table of the user's own objects; entries may be added."""
    return _custom


@contextmanager
def custom_object_scope(custom_objects: Config | None) -> Iterator[None]:
    """Within this context the given names are known: ``with custom_object_scope({"Mine": Mine}): ...``."""
    before = dict(_custom)
    _custom.update(custom_objects or {})
    try:
        yield
    finally:
        _custom.clear()
        _custom.update(before)


CustomObjectScope = custom_object_scope


# -- objects to configurations ---------------------------------------------------------------------------------


def serialize_keras_object(thing: Any) -> Any:
    """A JSON-ready description of an object made of settings, layers, functions, arrays, lists and dicts."""
    if thing is None or isinstance(thing, (str, bool, int, float)):
        return thing
    if isinstance(thing, (list, set)):
        return [serialize_keras_object(item) for item in thing]
    if isinstance(thing, tuple):
        return tuple(serialize_keras_object(item) for item in thing)
    if isinstance(thing, dict):
        return {key: serialize_keras_object(value) for key, value in thing.items()}
    if isinstance(thing, np.generic):
        return thing.item()
    if isinstance(thing, np.dtype):
        return thing.name
    if isinstance(thing, bytes):
        return {"class_name": "__bytes__", "config": {"value": thing.decode("utf-8")}}
    if isinstance(thing, slice):
        parts = [serialize_keras_object(part) for part in (thing.start, thing.stop, thing.step)]
        return {"class_name": "__slice__", "config": dict(zip(("start", "stop", "step"), parts, strict=True))}
    if thing is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(thing, (np.ndarray, Tensor)):
        array = thing.data if isinstance(thing, Tensor) else thing
        kind = "__tensor__" if isinstance(thing, Tensor) else "__numpy__"
        return {"class_name": kind, "config": {"value": array.tolist(), "dtype": array.dtype.name}}
    if hasattr(thing, "get_config") and not inspect.isclass(thing):
        return _describe(thing)
    if getattr(thing, "__name__", None) == "<lambda>":
        raise SavingError(
            "A lambda cannot be saved: a file may not hold code. Give it a name with `def` and register it with "
            "@neurona.saving.register_keras_serializable()."
        )
    if callable(thing) and hasattr(thing, "__name__"):
        return {
            "module": "builtins",
            "class_name": "function",
            "config": get_registered_name(thing),
            "registered_name": "function",
        }
    raise DTypeError(f"Cannot serialize {type(thing).__name__}. Expected settings or an object with get_config().")


def _describe(thing: Any) -> Config:
    kind = type(thing)
    registered = kind.__dict__.get("_keras_registered_name")
    module = kind.__dict__.get("_keras_module")
    described: Config = {
        "module": None if registered else module or kind.__module__,
        "class_name": kind.__name__,
        "config": _settings(thing.get_config()),
        "registered_name": registered if registered or module else kind.__name__,
    }
    for extra, getter in (("build_config", "get_build_config"), ("compile_config", "get_compile_config")):
        value = getattr(thing, getter)() if hasattr(thing, getter) else None
        if value:
            described[extra] = _settings(value)
    if hasattr(thing, "load_own_variables"):
        number(thing, described)
    return described


def _settings(config: Any) -> Any:
    """A configuration in JSON's types: tuples become lists, objects within it are described."""
    if isinstance(config, dict):
        return {key: _settings(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_settings(value) for value in config]
    return serialize_keras_object(config)


# -- configurations to objects ---------------------------------------------------------------------------------

_PLAIN: dict[str, Callable[[Any], Any]] = {
    "__bytes__": lambda c: c["value"].encode("utf-8"),
    "__slice__": lambda c: slice(c["start"], c["stop"], c["step"]),
    "__ellipsis__": lambda c: Ellipsis,
    "__tensor__": lambda c: Tensor(_array(c)),
    "__numpy__": lambda c: _array(c),
}


def _array(config: Config) -> Any:
    """The array of a configuration: of numbers, or of texts in a width that they need themselves."""
    kind = np.dtype(config["dtype"])
    if kind.kind in "biufc":
        return np.array(config["value"], kind)
    if kind.kind in "OSU":
        return np.array(config["value"], object if kind.kind == "O" else kind.kind)
    raise DTypeError(f"Expected an array of numbers or texts. Received: dtype={config['dtype']!r}.")


def deserialize_keras_object(config: Any, custom_objects: Config | None = None, safe_mode: bool = True) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        config: the description.
        custom_objects: names of the user's own classes and functions, besides the registered ones.
        safe_mode: accepted for Keras's sake; code is never read from a configuration either way.

    Raises:
        UnknownNameError: the class is neither Keras's nor registered.
        UnsafeFileError: the description holds code.
    """
    if custom_objects:  # a scope, so that they are known to what is made within as well
        with custom_object_scope(custom_objects):
            return deserialize_keras_object(config)
    if config is None or isinstance(config, (str, bool, int, float)):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(item) for item in config]
    if not isinstance(config, dict):
        raise SavingError(f"Expected a configuration, received {type(config).__name__}.")
    name = config.get("class_name")
    if not isinstance(name, str):
        return {key: deserialize_keras_object(value) for key, value in config.items()}
    if name == "__tuple__":
        return tuple(deserialize_keras_object(item) for item in config["items"])
    inner = config.get("config", {})
    if name in _PLAIN:
        return _PLAIN[name](inner)
    if name == "__lambda__":
        raise UnsafeFileError(
            "This configuration holds the code of a lambda, which is never run. Write the function in your program "
            "and register it with @neurona.saving.register_keras_serializable()."
        )
    if name == "function":
        return _find_function(inner, config.get("registered_name"))
    shared = known(config)
    if shared is not None:
        return shared
    thing = _made(_find_class(config, name), inner if isinstance(inner, dict) else {})
    if config.get("build_config") and hasattr(thing, "build_from_config"):
        thing.build_from_config(config["build_config"])
    if config.get("compile_config") and hasattr(thing, "compile_from_config"):
        thing.compile_from_config(config["compile_config"])
    remember(config, thing)
    return thing


def _made(cls: Any, settings: Config) -> Any:
    """An object of a class, of its configuration."""
    if not hasattr(cls, "from_config"):
        raise DTypeError(
            f"Unable to reconstruct an instance of '{cls.__name__}': the class has no `from_config()` method. "
            "Write one, a class method that gives `cls(**config)`."
        )
    try:
        return cls.from_config(settings)
    except TypeError as error:
        if isinstance(error, NeuronaError):
            raise
        raise DTypeError(
            f"{cls.__name__} cannot be made from its configuration: {error}. Check that objects (layers, functions, ...) that "
            "its `get_config()` gives are explicitly deserialized in its `from_config()`."
        ) from error


def _load_the_rest() -> None:
    """Load the modules that have not been used yet: a file may name what they export. The package's front door, which
    loads them on demand, knows which they are."""
    sys.modules["neurona"].load_exporters()


def _find_function(name: Any, registered: str | None) -> Any:
    for key in (registered, name):
        if isinstance(key, str) and key in _custom:
            return _custom[key]
    _load_the_rest()
    for module in ("keras.activations", "keras.losses", "keras.metrics"):
        if isinstance(name, str) and name in table(module):
            return table(module)[name]
    raise UnknownNameError(
        f"Unknown function. Received: {name!r}. Register it with @neurona.saving.register_keras_serializable() or "
        "pass custom_objects={...}."
    )


def _find_class(config: Config, name: str) -> Any:
    for key in (config.get("registered_name"), name):
        if isinstance(key, str) and key in _custom:
            return _custom[key]
    module = config.get("module")
    if name not in table(str(module)):
        _load_the_rest()
    tables = [table(module)] if module in _exports else list(_exports.values()) if module is None else []
    if isinstance(module, str) and module.startswith("keras.") and not tables:
        tables = list(_exports.values())  # Keras names some classes by their file ("keras.src.models.functional")
    for names in tables:
        found = names.get(name)
        if inspect.isclass(found) and hasattr(found, "from_config"):  # a callback, say, is no part of a model
            return found
    raise UnknownNameError(
        f"Unknown class. Received: {module}.{name}. Only Keras's classes and registered ones are made from a "
        "configuration: use @neurona.saving.register_keras_serializable() or custom_objects={...}."
    )
