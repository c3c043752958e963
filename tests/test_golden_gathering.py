"""Padding, windows, folders of texts and pictures, and the film reviews come out as Keras's."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import gathering


@pytest.mark.parametrize("case", reader.family("gathering"), ids=str)
def test_gathering_equals_keras(case: reader.Case) -> None:
    reader.compare(case, gathering.run(BRIDGE, case.setup))
