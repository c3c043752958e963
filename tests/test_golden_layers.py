"""Every layer gives Keras's outputs, gradients, weights, shapes, state and config."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import layers


@pytest.mark.parametrize("case", reader.family("layers"), ids=str)
def test_layers_equal_keras(case: reader.Case) -> None:
    reader.compare(case, layers.run(BRIDGE, case.setup))
