"""EinsumDense and the attentions give Keras's outputs, scores, gradients, masks, weights and configs."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import attention


@pytest.mark.parametrize("case", reader.family("attention"), ids=str)
def test_attentions_equal_keras(case: reader.Case) -> None:
    reader.compare(case, attention.run(BRIDGE, case.setup))
