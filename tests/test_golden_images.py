"""The functions and layers for pictures give Keras's values, shapes and configurations."""

from __future__ import annotations

import pytest

from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import images


@pytest.mark.parametrize("case", reader.family("images"), ids=str)
def test_images_equal_keras(case: reader.Case) -> None:
    reader.compare(case, images.run(BRIDGE, case.setup))
