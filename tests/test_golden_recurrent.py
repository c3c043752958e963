"""The recurrent layers give Keras's outputs, states, gradients, weights, shapes and configurations."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import recurrent


@pytest.mark.parametrize("case", reader.family("recurrent"), ids=str)
def test_recurrent_layers_equal_keras(case: reader.Case) -> None:
    reader.compare(case, recurrent.run(BRIDGE, case.setup))
