"""Activations, regularizers and constraints give Keras's values and slopes."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import parts


@pytest.mark.parametrize("case", reader.family("parts"), ids=str)
def test_parts_equal_keras(case: reader.Case) -> None:
    reader.compare(case, parts.run(BRIDGE, case.setup))
