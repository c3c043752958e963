"""Products and factorisations: against naive loops, hand-worked values, and what factors give together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from neurona import kernels, ops
from neurona.errors import ArgumentError, ShapeError
from neurona.gradient_check import gradcheck
from neurona.tensor import Tensor


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_matmul_is_the_triple_loop() -> None:
    a, b = drawn(2, 3, 4), drawn(2, 4, 5, seed=1)
    wanted = np.zeros((2, 3, 5))
    for n, i, j, k in itertools.product(range(2), range(3), range(5), range(4)):
        wanted[n, i, j] += a[n, i, k] * b[n, k, j]
    np.testing.assert_allclose(ops.matmul(a, b).numpy(), wanted, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (64, 100, 33), (3, 0, 4)])
def test_matmul_with_and_without_kernels(shape: tuple[int, int, int]) -> None:
    n, k, m = shape
    a, b = drawn(n, k).astype("float32"), drawn(k, m).astype("float32")
    fast = ops.matmul(a, b).numpy()
    with kernels.disabled():
        plain = ops.matmul(a, b).numpy()
    assert fast.dtype == plain.dtype == np.float32
    np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-4)


def test_types_that_meet_in_a_product() -> None:
    eye = np.eye(2)
    assert ops.matmul(eye.astype("int8"), eye.astype("int8")).dtype == np.int32
    assert ops.matmul(eye.astype("int32"), eye.astype("float32")).dtype == np.float32
    assert ops.dot(eye.astype("float32"), 2.0).dtype == np.float32
    assert ops.outer(eye.astype("float32"), 2.0).dtype == np.float32


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("bij,bjk,k->bi", [(2, 3, 4), (2, 4, 5), (5,)]),
        ("ii->", [(3, 3)]),
        ("ij->ji", [(2, 3)]),
        ("i,j", [(2,), (3,)]),
        ("ji", [(2, 3)]),
        ("...i,...i->...", [(4, 2, 3), (2, 3)]),
        ("i...->...", [(2, 3, 4)]),
        ("...i,ij", [(4, 2, 3), (3, 2)]),
        ("iij,j->i", [(3, 3, 2), (2,)]),
        ("ab,ab->a", [(2, 3), (1, 3)]),
    ],
)
def test_einsum_is_numpys_and_has_its_gradient(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    operands = [drawn(*shape, seed=i) for i, shape in enumerate(shapes)]
    np.testing.assert_allclose(ops.einsum(subscripts, *operands).numpy(), np.einsum(subscripts, *operands))
    gradcheck(lambda *x: ops.einsum(subscripts, *x), *operands)


def test_kron_and_cross_by_hand() -> None:
    assert ops.kron([[1, 2]], [[1], [3]]).tolist() == [[1, 2], [3, 6]]
    assert ops.cross([2.0, 0.0], [0.0, 3.0]).tolist() == 6.0
    assert ops.cross([1.0, 0.0], [0.0, 0.0, 1.0]).tolist() == [0.0, -1.0, 0.0]


def test_trace_of_narrow_integers_has_room() -> None:
    assert ops.trace(np.full((3, 3), 100, "int8")).item() == 300
    assert ops.trace(np.ones((3, 3), "uint8")).dtype == np.uint32


def test_factors_multiply_to_the_matrix() -> None:
    x = drawn(2, 4, 3)
    q, r = ops.qr(x)
    np.testing.assert_allclose(ops.matmul(q, r).numpy(), x, atol=1e-12)
    u, s, v = ops.svd(x, full_matrices=False)
    np.testing.assert_allclose((u.numpy() * s.numpy()[:, None, :]) @ v.numpy(), x, atol=1e-12)
    positive = x @ np.swapaxes(x, -1, -2) + np.eye(4)
    low = ops.cholesky(positive).numpy()
    np.testing.assert_allclose(low @ np.swapaxes(low, -1, -2), positive, atol=1e-12)
    np.testing.assert_array_equal(ops.cholesky(positive, upper=True).numpy(), np.swapaxes(low, -1, -2))
    values, vectors = ops.eigh(positive)
    np.testing.assert_allclose(positive @ vectors.numpy(), vectors.numpy() * values.numpy()[:, None, :], atol=1e-10)


def test_equations_are_solved() -> None:
    a, b = drawn(2, 3, 3), drawn(2, 3, seed=1)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", a, ops.solve(a, b).numpy()), b, atol=1e-10)
    lower = ops.solve_triangular(a, b, lower=True).numpy()
    np.testing.assert_allclose(np.einsum("nij,nj->ni", np.tril(a), lower), b, atol=1e-10)
    tall, right = drawn(5, 2), drawn(5, seed=2)
    best = ops.lstsq(tall, right).numpy()
    np.testing.assert_allclose(tall.T @ (tall @ best - right), 0, atol=1e-12)  # the rest is perpendicular


def test_determinants() -> None:
    x = drawn(3, 3)
    sign, size = ops.slogdet(x)
    np.testing.assert_allclose(sign.item() * np.exp(size.item()), ops.det(x).item())
    assert np.isnan(ops.logdet([[0.0, 1.0], [1.0, 0.0]]).item())  # the determinant is -1


def test_gradient_of_det_where_there_is_no_inverse() -> None:
    gradcheck(ops.det, np.array([[1.0, 2.0], [2.0, 4.0]]))


def test_gradient_of_cholesky_is_symmetric() -> None:
    report = gradcheck(lambda x: ops.cholesky(x @ ops.transpose(x) + np.eye(3)), drawn(3, 3))
    assert report.checked == 9


def test_singular_equations_are_told() -> None:
    with pytest.raises(ArgumentError, match="solve could not be computed: Singular matrix"):
        ops.solve(np.zeros((2, 2)), np.ones(2))


def test_shapes_are_told() -> None:
    with pytest.raises(ShapeError, match=r"Received: shapes \(2, 3\) and \(2, 3\)"):
        ops.matmul(Tensor(np.ones((2, 3))), np.ones((2, 3)))
