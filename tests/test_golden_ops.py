"""Every op gives Keras's values and dtypes."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import ops


@pytest.mark.parametrize("case", reader.family("ops"), ids=str)
def test_ops_equal_keras(case: reader.Case) -> None:
    reader.compare(case, ops.run(BRIDGE, case.setup))
