"""Config: a program's settings under names, which can be frozen once they are set."""

from __future__ import annotations

import difflib
import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from neurona.errors import ArgumentError

__all__ = ["Config"]


class Config:
    """Named values, as attributes and as entries; JSON and back; `freeze` forbids changes.

    Args:
        kwargs: the first ones.

    Raises:
        ArgumentError: a change to what is frozen.
        AttributeError: a value that is not there, with the nearest name; a name that the class needs itself.

    >>> settings = Config(rate=0.1)
    >>> settings.momentum = 0.9
    >>> settings["rate"], settings.as_dict()
    (0.1, {'rate': 0.1, 'momentum': 0.9})
    >>> settings.freeze()
    >>> settings.frozen, settings
    (True, <Config {'rate': 0.1, 'momentum': 0.9}>)
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether it may no longer be changed."""
        return self._frozen

    def freeze(self) -> None:
        """Forbid changes from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allow changes again."""
        object.__setattr__(self, "_frozen", False)

    def _check_thawed(self) -> None:
        if self._frozen:
            raise ArgumentError(
                "Cannot mutate attribute(s) because the config is frozen. Received: a change to one of "
                f"{sorted(self._config)}. Call unfreeze() first."
            )

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._check_thawed()
        self._config[key] = item

    def __delitem__(self, key: str) -> None:
        self._check_thawed()
        del self._config[key]

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_config", {})
        if name in values:
            return values[name]
        near = difflib.get_close_matches(name, values, n=1, cutoff=0.7)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise AttributeError(f"Unknown attribute: '{name}'.{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name) or name in ("_config", "_frozen"):
            raise AttributeError(
                f"`{name}` is a name that Config needs itself. Received: {name}={value!r}. Choose another."
            )
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """The names with their values."""
        return self._config.items()

    def pop(self, *args: Any) -> Any:
        """Take a value out, by its name; a second argument is what there is otherwise."""
        self._check_thawed()
        return self._config.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values, as of a dict."""
        self._check_thawed()
        self._config.update(*args, **kwargs)

    def get(self, keyname: str, value: Any = None) -> Any:
        """A value by its name, or the second argument."""
        return self._config.get(keyname, value)

    def as_dict(self) -> dict[str, Any]:
        """A dict of its own with the same values."""
        return dict(self._config)

    def to_json(self) -> str:
        """The values as JSON."""
        return json.dumps(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __contains__(self, name: object) -> bool:
        return name in self._config

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
