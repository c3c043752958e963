"""Every optimizer moves the weights as Keras's does, over 100 steps."""

from __future__ import annotations

import pytest

import neurona
from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import optimizers


@pytest.fixture(scope="module", autouse=True)
def _names_start_anew() -> None:
    """Automatic names are compared too, so whatever ran before must not have used them up."""
    neurona.backend.clear_session()


@pytest.mark.parametrize("case", reader.family("optimizers"), ids=str)
def test_optimizers_equal_keras(case: reader.Case) -> None:
    reader.compare(case, optimizers.run(BRIDGE, case.setup))
