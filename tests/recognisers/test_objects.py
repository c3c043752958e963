"""The parts of the objects recogniser: whitening, mirrored by turns, its loss and its optimizer."""

from __future__ import annotations

import numpy as np

import neurona as keras
from neurona.recognisers import objects
from neurona.recognisers.convolution_muon import ConvolutionMuon
from neurona.recognisers.showing import ShownByEpoch, Turn
from neurona.recognisers.smoothing import SmoothedCrossentropy

PICTURES = np.random.default_rng(3).integers(0, 256, (40, 32, 32, 3)).astype("uint8")


def test_the_first_layer_whitens_and_the_others_pass_on() -> None:
    model = objects.quick(10, 1, 0)
    objects.adapt(model, PICTURES)
    scaled = (PICTURES.astype("float64") - objects._MEAN) / objects._SPREAD
    seen = np.array(model.get_layer("whitening")(scaled.astype("float32"))).reshape(-1, 24)
    np.testing.assert_allclose(seen[:, :12].T @ seen[:, :12] / len(seen), np.eye(12), atol=2e-3)
    np.testing.assert_allclose(seen[:, 12:], -seen[:, :12], atol=1e-5)
    assert not model.get_layer("whitening").trainable
    layer = model.get_layer("conv_2b")
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 96)).astype("float32")
    np.testing.assert_allclose(np.array(layer(x)), x, atol=1e-5)


def shown_in(epoch: int, **settings: int) -> tuple[np.ndarray, np.ndarray]:
    """All pictures of an epoch and their numbers, in the order of the data set."""
    shown = ShownByEpoch(PICTURES, np.arange(len(PICTURES)), 16, 5, **settings)
    Turn(shown).on_epoch_begin(epoch)
    batches = [shown[i] for i in range(len(shown))]
    assert [len(x) for x, _ in batches] == [16, 16, 8]
    pictures, numbers = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert numbers.tolist() != sorted(numbers)
    return pictures[np.argsort(numbers)], np.sort(numbers)


def test_every_picture_is_mirrored_at_every_other_epoch() -> None:
    mirrored = []
    for epoch in range(4):
        pictures, numbers = shown_in(epoch)
        assert numbers.tolist() == list(range(40))
        turned = [np.array_equal(p, q[:, ::-1]) for p, q in zip(pictures, PICTURES, strict=True)]
        assert all(t or np.array_equal(p, q) for t, p, q in zip(turned, pictures, PICTURES, strict=True))
        mirrored.append(turned)
    assert 0 < sum(mirrored[0]) < len(PICTURES)
    assert mirrored[0] == mirrored[2] == [not m for m in mirrored[1]]
    assert mirrored[1] == mirrored[3]


def test_the_first_epochs_show_windows() -> None:
    whole, _ = shown_in(1)
    windows, _ = shown_in(1, windowed=2, side=24)
    assert windows.shape == (40, 24, 24, 3)
    places = set()
    for window, picture in zip(windows, whole, strict=True):
        found = [(i, j) for i in range(9) for j in range(9) if np.array_equal(window, picture[i : i + 24, j : j + 24])]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) > 20
    np.testing.assert_array_equal(shown_in(1, windowed=2, side=24)[0], windows)
    assert shown_in(2, windowed=2, side=24)[0].shape == (40, 32, 32, 3)


def test_a_short_training_ends_with_whole_pictures_too() -> None:
    for epochs, windowed in ((1, 0), (2, 0), (3, 1), (7, 3), (14, 6)):
        assert objects.windows_first(PICTURES, np.arange(40), 20, epochs, 0).windowed == windowed
    assert objects.OBJECTS.recipes["best"].epochs == 14


def test_the_network_learns_from_windows_and_is_kept_for_whole_pictures() -> None:
    model = objects.quick(3, 2, 0)
    shown = ShownByEpoch(PICTURES, np.arange(40) % 10, 20, 0, windowed=1, side=24)
    model.fit(shown, epochs=2, verbose=0, callbacks=[Turn(shown)])
    kept = objects.finish(model)
    assert kept.input_shape == (None, 32, 32, 3)
    np.testing.assert_allclose(kept.predict(PICTURES, verbose=0), model.predict(PICTURES, verbose=0), atol=1e-5)


def test_the_loss_shares_a_fifth_among_all_classes() -> None:
    z = np.array([[2.0, 0.0, -1.0, 0.5]])
    shares = np.array([[0.05, 0.85, 0.05, 0.05]])
    expected = -np.sum(shares * np.log(np.exp(z) / np.exp(z).sum()))
    loss = SmoothedCrossentropy(0.2)
    np.testing.assert_allclose(float(loss(np.array([1]), z)), expected, rtol=1e-5)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, SmoothedCrossentropy) and again.share == 0.2


def test_kernels_move_orthogonally_at_a_fixed_norm() -> None:
    rng = np.random.default_rng(1)
    kernel = keras.Variable(rng.normal(size=(3, 3, 4, 6)))
    vector = keras.Variable([1.0, 2.0])
    optimizer = ConvolutionMuon(0.1, momentum=0.0, steps=5, vector_ratio=2.0, other_momentum=0.0, decay=0.0)
    before, g = np.array(kernel), rng.normal(size=kernel.shape).astype("float32")
    optimizer.build([kernel, vector])
    optimizer.apply([g, np.array([1.0, -1.0], "float32")])
    step = before * np.sqrt(6) / np.linalg.norm(before) - np.array(kernel)
    values = np.linalg.svd(step.reshape(36, 6))[1] / 0.1
    assert np.all(abs(values - 1) < 0.35)
    u, _, vt = np.linalg.svd(g.reshape(36, 6), full_matrices=False)
    assert np.sum(step.reshape(36, 6) * (u @ vt)) / np.linalg.norm(step) / np.sqrt(6) > 0.95  # the same direction
    np.testing.assert_allclose(np.array(vector), [0.8, 2.2], rtol=1e-6)


def test_the_recipes_are_the_networks_that_are_promised() -> None:
    assert objects.OBJECTS.recipes["tutorial"].build(10, 1, 0).count_params() == 122_570
    names = [layer.name for layer in objects.best(10, 1, 0).layers if isinstance(layer, keras.layers.Conv2D)]
    assert names == ["whitening", "conv_1a", "conv_1b", "conv_2a", "conv_2b", "conv_3a", "conv_3b"]
