"""Attention: worked by hand, against loops over queries and heads, and what masks, windows and dropout must do."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from neurona import layers, models, ops, optimizers, utils
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.attention import seen
from neurona.ops import fused
from neurona.tape import Tape
from neurona.tensor import Tensor

RNG = np.random.default_rng(5)
Q, V = RNG.standard_normal((2, 3, 4)).astype("float32"), RNG.standard_normal((2, 5, 4)).astype("float32")


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def naive(layer: Any, query: np.ndarray, value: np.ndarray, sees: np.ndarray) -> np.ndarray:
    """MultiHeadAttention as a loop over samples, heads and queries; `sees` is (N, T, S)."""
    (wq, bq), (wk, bk), (wv, bv), (wo, bo) = (
        dense.get_weights() for dense in (layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense)
    )
    y = np.zeros((*query.shape[:2], wo.shape[-1]))
    for n in range(len(query)):
        for head in range(wq.shape[1]):
            k, v = value[n] @ wk[:, head] + bk[head], value[n] @ wv[:, head] + bv[head]
            for t, row in enumerate(query[n]):
                score = k @ (row @ wq[:, head] + bq[head]) / np.sqrt(wq.shape[2])
                y[n, t] += softmax(np.where(sees[n, t], score, -1e30)) @ v @ wo[head]
    return np.asarray(y + bo)


def multi_head(**settings: Any) -> Any:
    layer = layers.MultiHeadAttention(2, 3, **settings)
    layer.build((None, None, 4), (None, None, 4))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.standard_normal(w.shape).astype("float32") * 0.5 for w in layer.weights])
    return layer


def test_luong_by_hand() -> None:
    query, value = [[[1.0, 0.0]]], [[[1.0, 0.0], [0.0, 2.0]]]
    y, weights = layers.Attention()([np.float32(query), np.float32(value)], return_attention_scores=True)
    first = np.e / (np.e + 1)  # scores 1 and 0
    np.testing.assert_allclose(weights.numpy(), [[[first, 1 - first]]], rtol=1e-6)
    np.testing.assert_allclose(y.numpy(), [[[first, 2 * (1 - first)]]], rtol=1e-6)


def test_bahdanau_by_hand() -> None:
    layer = layers.AdditiveAttention()
    query, value, key = (
        np.float32([[[0.0, 1.0]]]),
        np.float32([[[3.0], [5.0]]]),
        np.float32([[[1.0, 0.0], [0.0, -1.0]]]),
    )
    layer.build([query.shape, value.shape, key.shape])
    layer.set_weights([np.float32([2.0, -1.0])])
    y, weights = layer([query, value, key], return_attention_scores=True)
    wanted = softmax(np.array([2 * np.tanh(1) - np.tanh(1), 0.0]))
    np.testing.assert_allclose(weights.numpy()[0, 0], wanted, rtol=1e-6)
    np.testing.assert_allclose(y.numpy()[0, 0], [wanted @ [3, 5]], rtol=1e-6)


def test_query_mask_empties_and_value_mask_hides() -> None:
    query_mask, value_mask = np.array([[1, 0, 1], [1, 1, 1]], "bool"), np.array([[1, 1, 0, 0, 0], [1] * 5], "bool")
    y = layers.Attention()([Q, V], mask=[Tensor(query_mask), Tensor(value_mask)])
    assert not y.numpy()[0, 1].any()
    np.testing.assert_allclose(y.numpy()[0, 0], layers.Attention()([Q[:1], V[:1, :2]]).numpy()[0, 0], rtol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("scores", [False, True])
def test_heads_are_the_loop(causal: bool, window: int | None, scores: bool) -> None:
    layer = multi_head(sliding_window=window)
    value_mask = np.array([[1, 1, 1, 1, 0], [1, 1, 1, 0, 0]], "bool")
    sees = np.broadcast_to(value_mask[:, None], (2, 3, 5)).copy()
    place, other = np.arange(3)[:, None], np.arange(5)
    sees &= (other <= place) if causal else True
    sees &= (abs(place - other) < window) if window else True
    found = layer(Q, V, value_mask=Tensor(value_mask), use_causal_mask=causal, return_attention_scores=scores)
    y = found[0] if scores else found
    np.testing.assert_allclose(y.numpy(), naive(layer, Q, V, sees), rtol=1e-4, atol=1e-5)
    if scores:
        assert found[1].shape == (2, 2, 3, 5)
        np.testing.assert_allclose(found[1].numpy().sum(-1), 1, rtol=1e-6)
        assert not found[1].numpy()[~np.broadcast_to(sees[:, None], (2, 2, 3, 5))].any()


def test_groups_share_their_keys() -> None:
    grouped = layers.GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)
    plain = layers.MultiHeadAttention(4, 3)
    for layer in (grouped, plain):
        layer.build((None, None, 4), (None, None, 4))
    weights = grouped.get_weights()
    for i in (2, 3, 4, 5):  # key and value: each head serves two of the queries
        weights[i] = np.repeat(weights[i], 2, axis=-2)
    plain.set_weights(weights)
    np.testing.assert_allclose(grouped(Q, V).numpy(), plain(Q, V).numpy(), rtol=1e-5, atol=1e-6)
    y, scores = grouped(Q, V, return_attention_scores=True)
    np.testing.assert_allclose(y.numpy(), grouped(Q, V).numpy(), rtol=1e-5, atol=1e-6)
    assert scores.shape == (2, 4, 3, 5)


def test_attention_over_pictures_axes() -> None:
    layer = layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))
    x = RNG.standard_normal((2, 2, 3, 4)).astype("float32")
    rows = layers.MultiHeadAttention(2, 3)
    y = layer(x, x)
    rows.build((None, 6, 4), (None, 6, 4))
    rows.set_weights(layer.get_weights())
    np.testing.assert_allclose(
        y.numpy().reshape(2, 6, 4), rows(x.reshape(2, 6, 4), x.reshape(2, 6, 4)).numpy(), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda rate: layers.Attention(dropout=rate, seed=1),
        lambda rate: layers.AdditiveAttention(dropout=rate, seed=1),
        lambda rate: layers.MultiHeadAttention(2, 3, dropout=rate, seed=1),
        lambda rate: layers.GroupQueryAttention(3, 2, 1, dropout=rate, seed=1),
    ],
)
def test_dropout_only_while_training_and_seeded(make: Any) -> None:
    def call(layer: Any, **more: Any) -> np.ndarray:
        spread = not isinstance(layer, layers.Attention)
        return np.array(layer(*((Q, V) if spread else ([Q, V],)), **more).numpy())

    dropping, twin, calm = make(0.5), make(0.5), make(0.0)
    rest = call(dropping)
    for other in (twin, calm):
        call(other)
        other.set_weights(dropping.get_weights())
    np.testing.assert_allclose(rest, call(calm), rtol=1e-5, atol=1e-6)
    first, second = call(dropping, training=True), call(dropping, training=True)
    assert not np.allclose(first, rest)
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, call(twin, training=True))


def test_without_any_key_it_is_the_mean() -> None:
    q, k, v = (RNG.standard_normal((2, 3, 2, 4)) for _ in range(3))
    mask = np.zeros((2, 1, 1, 3), bool)
    mask[0] = True
    y = fused.scaled_attention(q, k, v, None, mask).numpy()
    np.testing.assert_allclose(y[1], np.broadcast_to(v[1].mean(axis=0), y[1].shape))
    assert np.isfinite(y).all()


def test_long_sequences_need_no_room_for_all_scores() -> None:
    q, k, v = (RNG.standard_normal((1, 1500, 1, 8)).astype("float32") for _ in range(3))
    tensors = [Tensor(x) for x in (q, k, v)]
    tracemalloc.start()
    with Tape() as tape:
        tape.watch(*tensors)
        y = ops.dot_product_attention(*tensors, is_causal=True)
    gradients = tape.gradient(ops_sum(tape, y), tensors)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 0.9 * 1500 * 1500 * 4  # not even one array of all scores
    part = slice(1400, 1410)
    wanted = softmax(
        np.where(np.arange(1500) <= np.arange(1500)[part, None], q[0, part, 0] @ k[0, :, 0].T / 8**0.5, -1e30)
    )
    np.testing.assert_allclose(y.numpy()[0, part, 0], wanted @ v[0, :, 0], rtol=1e-3, atol=1e-5)
    assert all(np.isfinite(g.numpy()).all() for g in gradients)


def ops_sum(tape: Tape, y: Tensor) -> Tensor:
    """The sum of y, on the tape that has ended."""
    with tape:
        total: Tensor = ops.sum(y)
    return total


def test_blocks_of_samples_and_of_queries_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurona.ops.fused import attention

    q, k, v = (RNG.standard_normal((5, 7, 4, 3)) for _ in range(3))
    bias, mask = RNG.standard_normal((1, 4, 7, 7)), RNG.uniform(size=(5, 1, 7, 7)) < 0.7

    def everything() -> list[np.ndarray]:
        arrays = [q, k[:, :, :2], v[:, :, :2], bias, mask]
        y = fused.scaled_attention.compute(arrays, {"scale": 0.5, "is_causal": True})
        slopes = fused.scaled_attention.backward(np.cos(y), y, arrays, {"scale": 0.5, "is_causal": True}, (True,) * 5)
        return [y, *slopes[:4]]

    whole = everything()
    for size in (1, 4 * 7 * 2, 4 * 7 * 7 * 2):  # a query at a time, two queries, two samples
        monkeypatch.setattr(attention, "_BLOCK", size)
        for a, b in zip(everything(), whole, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_masks_of_queries_and_keys() -> None:
    np.testing.assert_array_equal(seen.causal(2, 3).numpy()[0], np.tri(2, 3))
    together = seen.together(None, [[True, True, False]], None, None, 2, 3, True, 2)
    np.testing.assert_array_equal(together.numpy(), [[[1, 0, 0], [1, 1, 0]]])
    assert seen.together(None, None, None, None, 2, 3, False, None) is None


def test_flash_attention_is_accepted_within_keras_limits() -> None:
    layer = multi_head(flash_attention=True)
    np.testing.assert_array_equal(layer(Q, V).numpy(), multi_head()(Q, V).numpy())
    with pytest.raises(ArgumentError, match="Returning attention scores is not supported when flash"):
        layer(Q, V, return_attention_scores=True)
    with pytest.raises(ArgumentError, match="Dropout is not supported when flash attention is enabled"):
        layers.MultiHeadAttention(2, 3, dropout=0.1, flash_attention=True)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: layers.MultiHeadAttention(0, 3), "`num_heads`, expected a positive integer. Received: num_heads=0"),
        (lambda: layers.MultiHeadAttention(2, 1.5), "`key_dim`"),
        (lambda: layers.MultiHeadAttention(2, 3, value_dim=-1), "or `None`. Received: value_dim=-1"),
        (lambda: layers.MultiHeadAttention(2, 3, output_shape="9"), "Invalid `output_shape`"),
        (lambda: layers.MultiHeadAttention(2, 3, attention_axes="1"), "`attention_axes` must be"),
        (lambda: layers.MultiHeadAttention(2, 3, sliding_window=0), "`sliding_window` must be"),
        (lambda: layers.GroupQueryAttention(3, 3, 2), "must be divisible by `num_key_value_heads`"),
        (lambda: layers.Attention(score_mode="cosine"), "Expected one of {'dot', 'concat'}"),
        (lambda: layers.Attention()(Q), "must be called on a list of inputs"),
        (lambda: layers.Attention()([Q]), "accepts inputs list of length 2 or 3"),
        (lambda: layers.Attention()([Q, V], mask=Tensor(True)), "mask must be a list"),
        (lambda: layers.Attention()([Q, V], mask=[None]), "mask list of length 2 or 3"),
        (lambda: layers.EinsumDense("ab->b", 3), "Invalid einsum equation 'ab->b'"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, quantization_config=8), "does not support quantization"),
        (lambda: layers.EinsumDense("ab,bc->ad", 3).build((None, 4)), "Dimension 'd' was specified in the output"),
        (lambda: layers.EinsumDense("ab,bcd->ac", 3).build((None, 4)), "Weight dimension 'd' did not have a match"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="b").build((None, 4)), "Bias dimension 'b'"),
    ],
)
def test_errors_speak(make: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        make()


def test_shapes_that_do_not_fit_speak() -> None:
    with pytest.raises(ShapeError, match="All dimensions of `value` and `key`"):
        layers.MultiHeadAttention(2, 3)(Q, V, Q)
    with pytest.raises(ShapeError, match=r"`query` of at least 3 axes.*query_shape=\(\d+, 4\)"):
        layers.MultiHeadAttention(2, 3)(Q[0], Q[0])
    with pytest.raises(ShapeError, match="`value` of at least 3 axes"):
        layers.MultiHeadAttention(2, 3)(Q, V[0])
    with pytest.raises(ArgumentError, match=r"needs `query` and `value`.*layer\(x, x\)"):
        layers.MultiHeadAttention(2, 3)(Q)
    for wrong in (layers.Attention(), layers.AdditiveAttention()):
        with pytest.raises(ArgumentError, match=r"list of inputs.*Received: a tensor of shape \(\w+, 3, 4\)\.$"):
            wrong(Q)
    with pytest.raises(ShapeError, match=r"do not match at shared dimension 'b'\. Input shape is 3"):
        layers.EinsumDense("abc,cd->abd", (7, 2)).build((None, 3, 4))
    with pytest.raises(ShapeError, match="must name every axis"):
        layers.EinsumDense("abc,cd->abd", 2).build((None, 3, 4))
    with pytest.raises(ShapeError, match="at least 3 axes"):
        layers.EinsumDense("abc,cd->abd", (3, 2)).build((None, 3))
    layer = layers.EinsumDense("abc,cde->abde", (None, 2, 2))
    layer(Q)
    with pytest.raises(ShapeError, match="ends in axes of length"):
        layer(Q[..., :3])


def test_einsum_dense_is_dense() -> None:
    dense, einsum = layers.Dense(3, "relu"), layers.EinsumDense("...x,xy->...y", 3, "relu", "y")
    dense(Q), einsum(Q)
    einsum.set_weights(dense.get_weights())
    np.testing.assert_array_equal(einsum(Q).numpy(), dense(Q).numpy())
    assert einsum.compute_output_shape((None, 3, 2, 4)) == (None, 3, 2, 3)
    assert layers.EinsumDense("abc,cd->abd", (None, 5)).compute_output_shape((None, 3, 4)) == (None, 3, 5)


def test_einsum_dense_begins_with_the_fans_of_its_equation() -> None:
    layer = layers.EinsumDense("abc,cde->abde", (None, 20, 10), kernel_initializer="glorot_uniform")
    layer.build((None, None, 100))
    assert np.abs(layer.kernel.numpy()).max() == pytest.approx((6 / 300) ** 0.5, rel=0.01)  # 100 in, 20 * 10 out


def test_a_model_with_attention_trains_and_comes_back(tmp_path: Any) -> None:
    utils.set_random_seed(1)
    ids = layers.Input((6,), dtype="int32")
    x = layers.Embedding(9, 8, mask_zero=True)(ids)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)])
    x = layers.LayerNormalization()(x)
    x = layers.GroupQueryAttention(4, 2, 1)(x, x, use_causal_mask=True)
    x = layers.Attention()([x, x])
    model = models.Model(ids, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    data = np.where(np.arange(6) < rng.integers(2, 7, (64, 1)), rng.integers(1, 9, (64, 6)), 0).astype("int32")
    labels = (data == 3).any(axis=1).astype("int32")
    losses = model.fit(data, labels, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "attention.keras")
    again = models.load_model(tmp_path / "attention.keras")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))
