"""Hashing and HashedCrossing: categories of which there is no list, put into bins by their fingerprints."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import config
from neurona.cases import A, Case
from neurona.errors import ArgumentError, ShapeError
from neurona.layers.lookup.arguments import expect_choice, refuse_sparse, salt_pair
from neurona.layers.lookup.base import LookupLayer, given_array
from neurona.layers.lookup.encoding import encode, encoded_shape
from neurona.layers.lookup.fingerprint import combine, farm_fingerprint, sip_hash
from neurona.layers.lookup.texts import to_utf8
from neurona.registry import export
from neurona.symbolic import KerasTensor, Shape
from neurona.tape import op
from neurona.tensor import Array, Arrays, Tensor, wrap

__all__ = ["HashedCrossing", "Hashing"]

_HASH_KEY = np.uint64(0xDECAFCAFFE)  # with which TensorFlow's crosses begin


@export("keras.layers")
class Hashing(LookupLayer):
    """The bin of each text or whole number: its fingerprint modulo the number of bins.

    Equal values always fall into the same bin, and different ones sometimes. Numbers are written out before they are
    hashed.

    Args:
        num_bins: how many bins there are, the mask's included.
        mask_value: the value that stands for nothing: it alone falls into bin 0.
        salt: a number or two: the key of SipHash; without it the fingerprint is FarmHash's.
        output_mode: "int": the bin of each value; "one_hot", "multi_hot", "count": vectors, as in `CategoryEncoding`.
        sparse: must be False.

    Raises:
        ArgumentError: a setting that cannot be meant.

    >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).numpy().ravel()
    array([1, 0, 1, 1, 2])
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else config.floatx()
        super().__init__(**kwargs)
        if num_bins is None or num_bins <= 0:
            raise ArgumentError(
                f"The `num_bins` for `Hashing` cannot be `None` or non-positive values. Received: num_bins={num_bins}."
            )
        if output_mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ArgumentError(
                "When `output_mode=\"int\"`, `dtype` should be an integer type, 'int32' or 'int64'. "
                f"Received: dtype={kwargs['dtype']}"
            )
        if output_mode not in ("int", "one_hot", "multi_hot", "count"):
            raise ArgumentError(
                "Invalid value for argument `output_mode`. Expected one of 'int', 'one_hot', 'multi_hot' and 'count'. "
                f"Received: output_mode={output_mode}"
            )
        if sparse and output_mode == "int":
            raise ArgumentError(
                "`sparse` may only be true if `output_mode` is 'one_hot', 'multi_hot' or 'count' (and there are no sparse "
                f"tensors here: leave it out). Received: sparse={sparse} and output_mode={output_mode}"
            )
        refuse_sparse("Hashing", sparse)
        self.num_bins, self.mask_value, self.output_mode, self.sparse = num_bins, mask_value, output_mode, sparse
        self.salt = None if salt is None else salt_pair("Hashing", salt)

    def _compute(self, inputs: Array) -> Array:
        return encode(self._bins_of(inputs), self.output_mode, self.num_bins, self.compute_dtype)

    def _bins_of(self, values: Array) -> Array:
        """The bin of each value."""
        masked = self.mask_value is not None and self.num_bins > 1
        texts = written_out(values)
        hashes = farm_fingerprint(texts) if self.salt is None else sip_hash(texts, self.salt)
        bins = (hashes % np.uint64(self.num_bins - masked)).astype(np.int64).reshape(values.shape)
        if not masked:
            return bins
        mask = written_out(given_array([self.mask_value]).astype(values.dtype, copy=False))[0]
        is_mask = np.fromiter((text == mask for text in texts), bool, len(texts)).reshape(values.shape)
        return np.where(is_mask, 0, bins + 1)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }


def written_out(values: Array) -> list[bytes]:
    """Each value as a text: whole numbers in digits, fractions without what follows the point.

    >>> written_out(np.array([-1.7, 20.0]))
    [b'-1', b'20']
    """
    if values.dtype.kind in "OSU":
        return to_utf8(values)
    if values.dtype.kind == "b":
        return [b"true" if value else b"false" for value in values.ravel().tolist()]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ArgumentError("Hashing expected finite numbers. Received: NaN or infinity among them.")
    return [b"%d" % value for value in values.ravel().tolist()]


def _cross(features: Arrays, num_bins: int) -> Array:
    """The bins of the combinations that stand at the same place of several arrays."""
    mixed = np.full(features[0].size, _HASH_KEY)
    for feature in features:
        is_text = feature.dtype.kind in "OSU"
        mixed = combine(mixed, farm_fingerprint(to_utf8(feature)) if is_text else feature.ravel().astype(np.uint64))
    return (mixed % np.uint64(num_bins)).astype(np.int64).reshape(features[0].shape)


@op(cases=[Case([A("N", 0, 9, kind="int"), A("N", 0, 9, kind="int")], num_bins=5, output_mode="int", dtype="int64")])
def _hashed_cross(features: Arrays, num_bins: int, output_mode: str, dtype: str) -> Array:
    """The bins of crossed features, or the vectors that stand for them."""
    bins = _cross(features, num_bins)
    return encode(bins, output_mode, num_bins, dtype)


@export("keras.layers")
class HashedCrossing(LookupLayer):
    """The bin of each combination of two or more features: one fingerprint of all of theirs, modulo the number of bins.

    Its input is a list of texts or whole numbers of the same shape: ``()``, ``(N,)`` or ``(N, 1)`` each.

    Args:
        num_bins: how many bins there are.
        output_mode: "int": the bin; "one_hot": a vector with 1 at its place.
        sparse: must be False.

    Raises:
        ArgumentError: a setting that cannot be meant, fewer than two features, or fractions.
        ShapeError: features of different shapes, or of more than one value a sample.

    >>> HashedCrossing(num_bins=5)((["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]))
    Tensor([1, 4, 1, 1, 3], dtype=int64)
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if output_mode == "int" and dtype is None:
            dtype = "int64"
        super().__init__(name=name, dtype=dtype, **kwargs)
        refuse_sparse("HashedCrossing", sparse)
        expect_choice("HashedCrossing", "output_mode", output_mode, ("int", "one_hot"))
        self.num_bins, self.output_mode, self.sparse = num_bins, output_mode, sparse

    def _convert_argument(self, argument: Any) -> Any:
        if not isinstance(argument, (list, tuple)):
            return argument
        return [leaf if isinstance(leaf, Tensor) else wrap(given_array(leaf)) for leaf in argument]

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(
                f"`HashedCrossing` should be called on a list or tuple of inputs. Received: {type(inputs).__name__}"
            )
        if len(inputs) < 2:
            raise ArgumentError(
                f"`HashedCrossing` should be called on at least two inputs. Received: {len(inputs)} input(s)."
            )
        shapes = [tuple(x.shape) for x in inputs]
        if len(shapes[0]) > 2 or (len(shapes[0]) == 2 and shapes[0][-1] != 1):
            raise ShapeError(
                "All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or `(batch_size, 1)`. "
                f"Received: shapes {shapes}"
            )
        if any(shape != shapes[0] for shape in shapes):
            raise ShapeError(f"All `HashedCrossing` inputs should have equal shape. Received: shapes {shapes}")
        if any(x.dtype.kind not in "iubOSU" for x in inputs):
            raise ArgumentError(
                "All `HashedCrossing` inputs should have an integer or string dtype. "
                f"Received: {[x.dtype.name for x in inputs]}"
            )
        crossed: Tensor = _hashed_cross(
            list(inputs), num_bins=self.num_bins, output_mode=self.output_mode, dtype=self.compute_dtype
        )
        return crossed

    def compute_output_shape(self, input_shape: Any) -> Shape:
        shapes = [tuple(shape) if isinstance(shape, (list, tuple)) else shape for shape in input_shape]
        if len(shapes) < 2 or not all(isinstance(shape, tuple) for shape in shapes):
            raise ArgumentError(f"Expected as input a list/tuple of 2 tensors. Received input_shape={input_shape}")
        if any(shape[1:] != shapes[0][1:] for shape in shapes):
            raise ShapeError(
                f"Expected the two input tensors to have identical shapes. Received input_shape={input_shape}"
            )
        return encoded_shape(shapes[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        if not isinstance(inputs, (list, tuple)):
            raise ArgumentError(
                f"`HashedCrossing` should be called on a list or tuple of inputs. Received: {type(inputs).__name__}"
            )
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }
