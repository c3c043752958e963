"""Every metric gives Keras's result after each batch, with and without sample weights."""

from __future__ import annotations

import pytest

import neurona
from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import metrics


@pytest.fixture(scope="module", autouse=True)
def _names_start_anew() -> None:
    """Automatic names are compared too, so whatever ran before must not have used them up."""
    neurona.backend.clear_session()


@pytest.mark.parametrize("case", reader.family("metrics"), ids=str)
def test_metrics_equal_keras(case: reader.Case) -> None:
    reader.compare(case, metrics.run(BRIDGE, case.setup))
