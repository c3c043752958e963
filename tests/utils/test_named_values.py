"""utils.Config: attributes and entries are the same values; frozen, they stay."""

from __future__ import annotations

import json

import pytest

from neurona.errors import ArgumentError
from neurona.utils import Config


def test_attributes_and_entries_are_the_same() -> None:
    settings = Config(rate=0.1)
    settings.momentum = 0.9
    settings["seed"] = 3
    assert settings.rate == settings["rate"] == 0.1 and settings.get("none", 5) == 5
    assert list(settings) == ["momentum", "rate", "seed"] and len(settings) == 3 and "seed" in settings
    assert dict(settings.items()) == settings.as_dict() == json.loads(settings.to_json())
    assert list(settings.values()) == [0.1, 0.9, 3] and list(settings.keys()) == ["rate", "momentum", "seed"]
    settings.update({"seed": 4}, more=True)
    assert settings.pop("seed") == 4 and settings.more is True
    del settings["more"]
    assert repr(settings) == "<Config {'rate': 0.1, 'momentum': 0.9}>"


def test_frozen_it_stays() -> None:
    settings = Config(rate=0.1)
    settings.freeze()
    assert settings.frozen
    for change in (
        lambda: setattr(settings, "rate", 1),
        lambda: settings.__setitem__("rate", 1),
        lambda: settings.pop("rate"),
        lambda: settings.update(rate=1),
        lambda: settings.__delitem__("rate"),
    ):
        with pytest.raises(ArgumentError, match="config is frozen"):
            change()
    settings.unfreeze()
    settings.rate = 2
    assert settings.rate == 2


def test_a_wrong_name_is_told_with_the_nearest() -> None:
    settings = Config(learning_rate=0.1)
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        _ = settings.learnin_rate
    with pytest.raises(AttributeError, match="a name that Config needs itself"):
        settings.items = 3
    assert not hasattr(settings, "other")
