"""Every loss gives Keras's values and slopes, for every reduction, weight and option."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import losses


@pytest.mark.parametrize("case", reader.family("losses"), ids=str)
def test_losses_equal_keras(case: reader.Case) -> None:
    reader.compare(case, losses.run(BRIDGE, case.setup))
