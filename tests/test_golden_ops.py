"""Every op gives Keras's values and dtypes."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import ops


@pytest.mark.parametrize("case", reader.family("ops"), ids=str)
def test_ops_equal_keras(case: reader.Case) -> None:
    got = ops.run(BRIDGE, case.setup)
    if "op" not in case.setup:  # a table of dtypes: what Keras's backend refuses, an engine is free to allow
        got = {pair: dtype for pair, dtype in got.items() if pair in case.expected}
    reader.compare(case, got)
