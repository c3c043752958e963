"""Kernels and templates are the filters as they were made."""

from __future__ import annotations

import numpy as np

from neurona import layers
from neurona.models import Sequential
from neurona.sight import first_kernels, stages_of, templates
from tests.sight.nets import UPRIGHT, branched, edges


def test_kernels_of_a_first_convolution() -> None:
    model = edges()
    first, second = stages_of(model)
    kernels = first_kernels(model, first)
    assert kernels is not None
    np.testing.assert_array_equal(kernels[..., 0], [UPRIGHT, UPRIGHT.T])
    assert first_kernels(model, second) is None
    functional = branched()
    assert [k is not None for k in (first_kernels(functional, s) for s in stages_of(functional))] == [True] + 3 * [
        False
    ]


def test_kernels_behind_scaling_and_flips_are_still_those_of_the_picture() -> None:
    model = Sequential([layers.Input((8, 8, 3)), layers.RandomFlip(), layers.Rescaling(2.0), layers.Conv2D(5, 2)])
    kernels = first_kernels(model, stages_of(model)[0])
    assert kernels is not None and kernels.shape == (5, 2, 2, 3)


def test_kernels_of_a_first_dense_layer_have_the_picture_s_shape() -> None:
    model = Sequential([layers.Input((4, 5)), layers.Flatten(), layers.Dense(3, name="d"), layers.Dense(2)])
    first, second = stages_of(model)
    kernels = first_kernels(model, first)
    weights = model.get_layer("d").kernel.numpy()
    assert kernels is not None
    np.testing.assert_array_equal(kernels[1, :, :, 0].ravel(), weights[:, 1])
    assert first_kernels(model, second) is None
    plain = Sequential([layers.Input((7,)), layers.Dense(2)])
    assert first_kernels(plain, stages_of(plain)[0]) is None


def test_the_template_of_a_linear_layer_is_its_kernel() -> None:
    model = Sequential([layers.Input((9, 9, 3)), layers.Rescaling(0.5), layers.Conv2D(4, 3, name="c"), layers.ReLU()])
    stage = stages_of(model)[0]
    found = templates(model, stage, [2, 0], np.zeros((9, 9, 3), "float32"))
    kernel = model.get_layer("c").kernel.numpy()
    np.testing.assert_allclose(found[0], 0.5 * kernel[..., 2], rtol=1e-5)
    np.testing.assert_allclose(found[1], 0.5 * kernel[..., 0], rtol=1e-5)


def test_the_template_of_a_second_layer_is_the_product_of_both() -> None:
    rng = np.random.default_rng(0)
    model = Sequential([layers.Input((9, 9, 1)), layers.Conv2D(2, 2, name="a"), layers.Conv2D(1, 2, name="b")])
    found = templates(model, stages_of(model)[1], [0], rng.random((9, 9, 1)))
    a, b = model.get_layer("a").kernel.numpy(), model.get_layer("b").kernel.numpy()
    expected = np.zeros((3, 3))
    for y, x, c in np.ndindex(2, 2, 2):
        expected[y : y + 2, x : x + 2] += b[y, x, c, 0] * a[:, :, 0, c]
    np.testing.assert_allclose(found[0, ..., 0], expected, rtol=1e-4, atol=1e-6)
    # padded, the window reaches over the edge of a small picture: then the whole picture is shown
    small = Sequential(
        [layers.Input((3, 3, 1)), layers.Conv2D(1, 3, padding="same"), layers.Conv2D(1, 3, padding="same")]
    )
    assert templates(small, stages_of(small)[1], [0], np.zeros((3, 3, 1))).shape == (1, 3, 3, 1)


def test_behind_pooling_every_place_of_a_window_has_its_part() -> None:
    """At one even colour all of a window's places are its largest; none is left out."""
    model = Sequential(
        [layers.Input((12, 12, 1)), layers.Conv2D(1, 1, kernel_initializer="ones"), layers.MaxPooling2D(),
         layers.Conv2D(1, 2, kernel_initializer="ones")]
    )  # fmt: skip
    found = templates(model, stages_of(model)[1], [0], np.full((12, 12, 1), 0.5))[0, ..., 0]
    assert found.shape == (4, 4)
    windows = found.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(4, 4)
    np.testing.assert_allclose(windows.sum(axis=1), 1, rtol=1e-5)
    assert (windows > 0).mean() > 0.8 and windows.max() < 0.8
