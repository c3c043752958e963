"""For every test: English at first, whatever language the test before it spoke."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from neurona.i18n import set_language


@pytest.fixture(autouse=True)
def english_at_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGUAGE", "en")  # a command writes its language there, for what it starts
    set_language(None)
    yield
    set_language(None)
