"""For every test: English at first, whatever language the test before it spoke; and the same draws in every run.

`HYPOTHESIS_PROFILE=exploring python -m pytest` draws anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from neurona.i18n import set_language

# No deadlines: a busy machine is no mistake of the program.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("exploring", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(autouse=True)
def english_at_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGUAGE", "en")  # a command writes its language there, for what it starts
    set_language(None)
    yield
    set_language(None)
