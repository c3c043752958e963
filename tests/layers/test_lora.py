"""LoRA: two small kernels learn, the large one rests, and files hold their sum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurona as keras
from neurona import layers
from neurona.errors import ArgumentError, NotBuiltError

RNG = np.random.default_rng(5)
CASES = {
    "dense": (lambda **k: layers.Dense(3, kernel_initializer="ones", **k), RNG.random((4, 6), "float32"), 3),
    "einsum": (
        lambda **k: layers.EinsumDense("ab,bcd->acd", (2, 5), bias_axes="cd", **k), RNG.random((4, 6), "float32"), 5,
    ),
    "embedding": (lambda **k: layers.Embedding(7, 4, **k), RNG.integers(0, 7, (4, 3)), 4),
    "conv": (lambda **k: layers.Conv2D(3, 2, strides=2, **k), RNG.random((2, 5, 5, 2), "float32"), 3),
}  # fmt: skip
each = pytest.mark.parametrize("name", list(CASES))


@each
def test_it_begins_where_it_was_and_trains_the_small_ones_alone(name: str) -> None:
    make, x, last = CASES[name]
    layer = make()
    before = layer(x).numpy()
    layer.enable_lora(2)
    np.testing.assert_array_equal(layer(x).numpy(), before)  # b is zeros
    a, b = layer._factors()
    assert (a.shape[-1], b.shape) == (2, (2, last))
    kernel = getattr(layer, layer._adapted)
    assert not kernel.trainable
    assert layer.weights[-1] is kernel
    resting = kernel.numpy()
    model = keras.Sequential([layer])
    model.compile("sgd", "mse")
    for _ in range(2):  # a follows b, which begins at zero
        model.fit(x, before + 1.0, verbose=0, lint=False)
    np.testing.assert_array_equal(kernel.numpy(), resting)
    assert np.abs(b.numpy()).max() > 0
    np.testing.assert_allclose(layer._merged().numpy(), resting + a.numpy() @ b.numpy(), rtol=1e-5)


@each
def test_files_hold_the_sum(name: str, tmp_path: Path) -> None:
    make, x, _ = CASES[name]
    adapted, plain = keras.Sequential([make(lora_rank=2, lora_alpha=6)]), keras.Sequential([make()])
    for model in (adapted, plain):
        model(x)
    for variable in adapted.layers[0]._factors():
        variable.assign(RNG.random(variable.shape))
    y = adapted(x).numpy()
    adapted.save_weights(tmp_path / "a.weights.h5")
    plain.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_allclose(plain(x).numpy(), y, rtol=1e-5, atol=1e-6)
    plain.save_weights(tmp_path / "b.weights.h5")
    adapted.load_weights(tmp_path / "b.weights.h5")
    np.testing.assert_allclose(adapted(x).numpy(), y, rtol=1e-5, atol=1e-6)
    adapted.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras")
    assert again.layers[0].lora_enabled
    assert again.layers[0].get_config()["lora_alpha"] == 6
    np.testing.assert_allclose(again(x).numpy(), y, rtol=1e-5, atol=1e-6)


def test_what_it_refuses() -> None:
    built = layers.Dense(2)
    built.build((None, 3))
    built.enable_lora(1)
    assert built.lora_kernel_a.path == "dense/lora_kernel_a" or built.lora_kernel_a.path.endswith("/lora_kernel_a")
    wrong: list[tuple[Any, type, str]] = [
        (layers.Dense(2, kernel_constraint="non_neg"), ArgumentError, "incompatible with kernel constraints"),
        (layers.Embedding(2, 2, embeddings_constraint="non_neg"), ArgumentError, "with embedding constraints"),
        (layers.Dense(2), NotBuiltError, "isn't yet built"),
        (built, ArgumentError, "already enabled"),
    ]
    for layer, error, text in wrong:
        with pytest.raises(error, match=text):
            layer.enable_lora(2)
    with pytest.raises(ArgumentError, match="cannot be quantized"):
        built.quantize("int8")
