"""Convolutions, pooling, padding and enlarging give Keras's outputs, gradients, weights, shapes and configs."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import convolutions


@pytest.mark.parametrize("family", ["convolutions", "channels_first"])
def test_every_layer_has_a_golden_case(family: str) -> None:
    table = convolutions.TABLE if family == "convolutions" else convolutions.ON_JAX
    recorded = [case.id for case in reader.family(family) if not case.id.startswith("mask/")]
    assert recorded == [case["id"] for case in convolutions.cases(BRIDGE.keras, table) if "layer" in case["setup"]]


@pytest.mark.parametrize("case", [*reader.family("convolutions"), *reader.family("channels_first")], ids=str)
def test_convolutions_equal_keras(case: reader.Case) -> None:
    reader.compare(case, convolutions.run(BRIDGE, case.setup))
