"""Every metric gives Keras's result after each batch, with and without sample weights."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import metrics


@pytest.mark.parametrize("case", reader.family("metrics"), ids=str)
def test_metrics_equal_keras(case: reader.Case) -> None:
    reader.compare(case, metrics.run(BRIDGE, case.setup))
