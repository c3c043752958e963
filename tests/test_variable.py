"""Variables: what they may be asked, and be told."""

from __future__ import annotations

import numpy as np
import pytest

from neurona.errors import DTypeError, ShapeError
from neurona.programs.tf.arrays import Variable as TheirVariable
from neurona.variable import Variable


def test_a_variable_is_no_condition() -> None:
    with pytest.raises(DTypeError, match="cannot be used as a boolean"):
        bool(Variable([1.0], name="w"))
    assert bool(Variable([1.0]) > 0)  # a comparison is
    assert bool(TheirVariable(True))  # and so is one of TensorFlow's
    assert not TheirVariable(0)


def test_overwriting_is_yes_or_no() -> None:
    variable = Variable(np.zeros(2))
    assert variable.overwrite_with_gradient is False
    variable.overwrite_with_gradient = True
    assert variable.overwrite_with_gradient is True
    with pytest.raises(DTypeError, match=r"must be a boolean\. Received: 'true'"):
        variable.overwrite_with_gradient = "true"  # type: ignore[assignment]


def test_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"must match. Expected shape \(2,\) for 'w', received shape \(3,\)"):
        Variable(np.zeros(2), name="w").assign(np.zeros(3))
