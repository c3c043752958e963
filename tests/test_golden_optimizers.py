"""Every optimizer moves the weights as Keras's does, over 100 steps."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import optimizers


@pytest.mark.parametrize("case", reader.family("optimizers"), ids=str)
def test_optimizers_equal_keras(case: reader.Case) -> None:
    reader.compare(case, optimizers.run(BRIDGE, case.setup))
