"""The compiled module for this folder's tests; without one they are skipped with the loader's own reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from neurona import kernels


@pytest.fixture
def native() -> Iterator[Any]:
    """The kernels; instruction set and threads are put back afterwards."""
    module = kernels.native
    if module is None:
        pytest.skip(f"no compiled kernels: {kernels.info()['why_not']}")
    isa, threads = module.current(), module.get_threads()
    yield module
    module.select(isa)
    module.set_threads(threads)


@pytest.fixture(params=kernels.info()["supported"] or ["none"])
def each_isa(request: pytest.FixtureRequest, native: Any) -> Any:
    """The kernels, once for each instruction set that this processor runs."""
    native.select(request.param)
    return native
