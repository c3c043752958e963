"""Every learning-rate schedule gives Keras's rate at every step."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import schedules


@pytest.mark.parametrize("case", reader.family("schedules"), ids=str)
def test_schedules_equal_keras(case: reader.Case) -> None:
    reader.compare(case, schedules.run(BRIDGE, case.setup))
