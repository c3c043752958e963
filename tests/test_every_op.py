"""The contract that every op keeps: its example runs, its gradient is right, its compiled twin agrees, its errors speak.

The ops are walked by themselves: a new one needs no line here, only its cases.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurona import kernels, ops
from neurona.cases import Case
from neurona.errors import GradientError, NeuronaError
from neurona.gradient_check import gradcheck
from neurona.symbolic import KerasTensor, flatten
from neurona.tape import OPS, Composed, Op
from neurona.tensor import Tensor

for _module in ("neurona.random", "neurona.metrics", "neurona.layers"):  # their ops are walked too
    importlib.import_module(_module)

DRAWS = 5  # how many sizes of each case; with several cases for most ops, some 20 shapes an op
ALL_OPS = sorted(OPS)
ALL_CASES = [pytest.param(name, case, id=f"{name}-{case}") for name in ALL_OPS for case in OPS[name].cases]
DIFFERENTIABLE = [
    pytest.param(name, case, id=f"{name}-{case}")
    for name in ALL_OPS
    for case in OPS[name].cases
    if isinstance(OPS[name], Composed) or OPS[name].differentiable
]
TWINS = [p for p in ALL_CASES if isinstance(OPS[p.values[0]], Op) and OPS[p.values[0]].has_fast_twin]


def generator(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def draws(name: str, case: Case, dtype: str = "float64", largest: int = 4) -> Iterator[list[Any]]:
    """Arguments for a case: the smallest sizes first, then drawn ones."""
    rng = generator(name)
    letters = case.letters()
    yield case.draw(rng, letters, dtype)
    for _ in range(DRAWS - 1):
        sizes = {letter: int(rng.integers(max(low, 1), max(low, 1) + largest)) for letter, low in letters.items()}
        yield case.draw(rng, sizes, dtype)


def arrays_in(structure: Any) -> list[np.ndarray]:
    return [leaf for leaf in flatten(structure) if isinstance(leaf, np.ndarray)]


def values(result: Any) -> list[np.ndarray]:
    return [t.numpy() for t in flatten(result) if isinstance(t, Tensor)]


@pytest.mark.parametrize("name", ALL_OPS)
def test_has_cases_and_a_running_example(name: str) -> None:
    operation = OPS[name]
    assert operation.cases, f"op '{name}' has no cases"
    assert operation.__doc__, f"op '{name}' has no docstring"
    if name.startswith("_"):
        return
    function = inspect.unwrap(operation)
    assert ">>>" in operation.__doc__, f"op '{name}' has no example"
    scope = {**vars(inspect.getmodule(function)), "ops": ops}
    for example in doctest.DocTestFinder(recurse=False).find(function, name, globs=scope):
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example)
        assert result.failed == 0 and result.attempted > 0


@pytest.mark.parametrize(("name", "case"), DIFFERENTIABLE)
def test_gradient(name: str, case: Case) -> None:
    for arguments in draws(name, case):
        before = [a.copy() for a in arrays_in(arguments)]
        gradcheck(OPS[name], *arguments, tolerance=case.tolerance, **case.attributes)
        for array, kept in zip(arrays_in(arguments), before, strict=True):
            np.testing.assert_array_equal(array, kept, err_msg=f"{name} changed its input")


@pytest.mark.parametrize("name", [n for n in ALL_OPS if isinstance(OPS[n], Op) and OPS[n].differentiable])
def test_check_notices_a_tampered_gradient(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient that is wrong by 0.1 % must be told, or the check proves nothing."""
    operation = OPS[name]
    honest = operation.backward

    def tampered(*args: Any) -> Any:
        return [None if dx is None else dx * 1.001 for dx in honest(*args)]

    monkeypatch.setattr(operation, "backward", tampered)

    def check_all() -> None:
        for case in operation.cases:
            gradcheck(operation, *list(draws(name, case))[-1], tolerance=case.tolerance, **case.attributes)

    with pytest.raises(GradientError, match="is wrong at"):
        check_all()


@pytest.mark.parametrize(("name", "case"), ALL_CASES)
def test_memory_order_and_strides_do_not_matter(name: str, case: Case) -> None:
    operation = OPS[name]
    if isinstance(operation, Op) and operation.stateful:
        return  # it writes into its input on purpose
    for arguments in draws(name, case, "float32"):
        expected = values(operation(*arguments, **case.attributes))

        def every_other(x: Any) -> Any:
            """The same values, as a view with gaps."""
            if isinstance(x, list):
                return [every_other(item) for item in x]
            if not isinstance(x, np.ndarray) or x.ndim == 0:
                return x
            wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
            wide[..., ::2] = x
            return wide[..., ::2]

        def fortran(x: Any) -> Any:
            if isinstance(x, list):
                return [fortran(item) for item in x]
            return np.asarray(x, order="F") if isinstance(x, np.ndarray) else x

        for view in (every_other, fortran):
            for got, wanted in zip(values(operation(*view(arguments), **case.attributes)), expected, strict=True):
                assert got.dtype == wanted.dtype and got.shape == wanted.shape
                np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "case"), ALL_CASES)
def test_symbolic_shape_is_the_real_one(name: str, case: Case) -> None:
    """Drawn on placeholders, an op foretells the shape and type that it then gives."""
    operation = OPS[name]
    if isinstance(operation, Op) and operation.stateful:
        return
    arguments = list(draws(name, case, "float32"))[-1]

    def placeholder(x: Any) -> Any:
        if isinstance(x, list):
            return [placeholder(item) for item in x]
        # index-like inputs keep their values: ones would not be valid for all
        return KerasTensor(x.shape, x.dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x

    drawn = operation(*placeholder(arguments), **case.attributes)
    real = operation(*arguments, **case.attributes)
    for foretold, tensor in zip(flatten(drawn), flatten(real), strict=True):
        if isinstance(foretold, KerasTensor):
            assert foretold.shape == tensor.shape and foretold.dtype == tensor.dtype.name


@pytest.mark.parametrize("name", [n for n in ALL_OPS if OPS[n].errors])
def test_errors_speak(name: str) -> None:
    for failure in OPS[name].errors:
        arguments = failure.case.draw(generator(name), {letter: 2 for letter in failure.case.letters()})
        with pytest.raises(failure.error or NeuronaError) as caught:
            OPS[name](*arguments, **failure.case.attributes)
        assert failure.match in str(caught.value)


@pytest.mark.skipif(kernels.native is None, reason="no compiled kernels on this machine")
@pytest.mark.parametrize(("name", "case"), TWINS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_compiled_twin_agrees(name: str, case: Case, data: st.DataObject) -> None:
    """Forward and gradient of the kernel against the NumPy reference, in float32, on drawn sizes."""
    sizes = {
        letter: data.draw(st.integers(low, case.largest.get(letter, 70)), label=letter)
        for letter, low in case.letters().items()
    }
    operation = OPS[name]
    arrays = case.draw(generator(name), sizes, "float32")
    inputs = arrays[0] if operation.variadic else arrays
    needs = [isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in inputs]

    def run() -> tuple[list[np.ndarray], list[np.ndarray]]:
        y = operation.compute(inputs, case.attributes)
        rng = generator(name)
        g = tuple(rng.standard_normal(part.shape, "float32") for part in (y if isinstance(y, tuple) else (y,)))
        gradients = []
        if operation.differentiable:
            g_in = g if isinstance(y, tuple) else g[0]
            gradients = list(operation.backward(g_in, y, inputs, case.attributes, needs))
        return list(y) if isinstance(y, tuple) else [y], [d for d, n in zip(gradients, needs, strict=False) if n]

    fast = run()
    with kernels.disabled():
        plain = run()
    for got, wanted in zip(fast[0] + fast[1], plain[0] + plain[1], strict=True):
        scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5 * scale)
