"""The layers that look values up give Keras's values, vocabularies and configurations, and open its archives."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import lookup


@pytest.mark.parametrize("case", reader.family("lookup"), ids=str)
def test_lookup_equals_keras(case: reader.Case) -> None:
    reader.compare(case, lookup.run(BRIDGE, case.setup))
