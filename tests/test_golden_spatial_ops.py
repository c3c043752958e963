"""Every convolution and pooling gives Keras's values and gradients, in float32 and float64."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import spatial_ops


@pytest.mark.parametrize("family", ["spatial_ops", "spatial_ops_jax"])
def test_there_are_cases_of_every_op(family: str) -> None:
    names = {case.setup["op"] for case in reader.family(family)}
    assert len(names) >= 7


@pytest.mark.parametrize("case", [*reader.family("spatial_ops"), *reader.family("spatial_ops_jax")], ids=str)
def test_spatial_ops_equal_keras(case: reader.Case) -> None:
    reader.compare(case, spatial_ops.run(BRIDGE, case.setup))
