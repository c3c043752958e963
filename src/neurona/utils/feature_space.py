"""FeatureSpace: a table's columns as numbers for a network: each prepared by a layer, some crossed, all joined.

    float_normalized ─> Normalization ──────────────────────┐
    string_categorical ─> StringLookup ──┬─> one-hot ───────┼─> concat (N, width), or a dict
    integer_hashed ─> Hashing ───────────┼─> one-hot ───────┤
                        HashedCrossing <─┘ ─> one-hot ──────┘

In a file it lies as Keras writes it: `Feature`, `Cross` and the two small layers have the names that Keras's files use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from neurona import ops
from neurona.errors import ArgumentError, DTypeError, NotBuiltError
from neurona.layers import (
    CategoryEncoding,
    Concatenate,
    Discretization,
    HashedCrossing,
    Hashing,
    Identity,
    Input,
    IntegerLookup,
    Layer,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)
from neurona.layers.lookup.base import given_array
from neurona.names import auto_name
from neurona.registry import deserialize_keras_object, export, serialize_keras_object
from neurona.saving import save_model
from neurona.symbolic import KerasTensor
from neurona.tensor import wrap
from neurona.training.dataset import Dataset

__all__ = ["Cross", "Feature", "FeatureSpace"]

_HOME = "keras.src.layers.preprocessing.feature_space"  # where files say that the parts of one come from
Real = float  # the class below has a method of that name
Config = dict[str, Any]


def _check_mode(output_mode: str, known: tuple[str, ...]) -> str:
    if output_mode not in known:
        raise ArgumentError(
            f"Invalid value for argument `output_mode`. Expected one of {known}. Received: output_mode={output_mode}"
        )
    return output_mode


class _Part:
    """A setting with a name in files."""

    def get_config(self) -> Config:
        """The constructor's arguments, ready for JSON."""
        raise NotImplementedError(f"{type(self).__name__} does not tell its settings.")

    @classmethod
    def from_config(cls, config: Config) -> Any:
        """A new one with these settings."""
        return cls(**config)


@export(_HOME)
class Cross(_Part):
    """Features whose values count together: made by `FeatureSpace.cross`."""

    def __init__(self, feature_names: Iterable[str], crossing_dim: int, output_mode: str = "one_hot") -> None:
        self.output_mode = _check_mode(output_mode, ("int", "one_hot"))
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim

    @property
    def name(self) -> str:
        """The features' names, joined by ``_X_``."""
        return "_X_".join(self.feature_names)

    def get_config(self) -> Config:
        return {
            "feature_names": self.feature_names, "crossing_dim": self.crossing_dim, "output_mode": self.output_mode,
        }  # fmt: skip


@export(_HOME)
class Feature(_Part):
    """A column's type, the layer that prepares it and what becomes of the layer's output: made by `FeatureSpace`."""

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        self.output_mode = _check_mode(output_mode, ("int", "one_hot", "float"))
        self.dtype = dtype
        self.preprocessor = deserialize_keras_object(preprocessor) if isinstance(preprocessor, dict) else preprocessor

    def get_config(self) -> Config:
        return {
            "dtype": self.dtype,
            "preprocessor": serialize_keras_object(self.preprocessor),
            "output_mode": self.output_mode,
        }


@export(_HOME)
class TFDIdentity(Identity):
    """Hands plain numbers on."""


@export(_HOME)
class TFDConcat(Concatenate):
    """Joins the encoded features."""


@export("keras.utils")
class FeatureSpace(Layer):
    """Columns of a table, encoded and joined: call it with a dict of columns, or of single values.

    Args:
        features: the columns by name, each a kind ("float", "float_normalized", "float_rescaled", "float_discretized",
            "integer_categorical", "string_categorical", "integer_hashed", "string_hashed") or what the method of that name
            gives, with settings of its own.
        output_mode: "concat": one vector (N, width), the features in the order of their names, then the crosses; "dict": each
            by itself.
        crosses: tuples of names whose values are hashed together, or `FeatureSpace.cross`.
        crossing_dim, hashing_dim, num_discretization_bins: how many numbers a cross, a hashed or a discretized feature
            becomes where nothing else is said.
        name: what it is called.

    Raises:
        ArgumentError: no features, a cross of unknown ones, an unknown kind or mode.
        NotBuiltError: used before `adapt`, where something is to be learnt from data.

    >>> space = FeatureSpace({"size": "float_rescaled", "colour": "string_categorical"}, crosses=[("colour", "shape")][:0])
    >>> space.adapt({"size": [1.0, 2.0, 3.0], "colour": ["red", "blue", "red"]})
    >>> space({"size": 2.0, "colour": "red"})  # unknown, red, blue; and the size
    Tensor([0., 1., 0., 2.], dtype=float32)
    >>> space({"size": [1.0, 2.0], "colour": ["blue", "grey"]}).shape
    (2, 4)
    """

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Iterable[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not features:
            raise ArgumentError(f"The `features` argument cannot be None or empty. Received: features={features}")
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {name: self._as_feature(name, feature) for name, feature in features.items()}
        self.crosses = [self._as_cross(cross) for cross in crosses or ()]
        self.crosses_by_name = {cross.name: cross for cross in self.crosses}
        self.output_mode = _check_mode(output_mode, ("dict", "concat"))
        self.inputs = {name: Input((1,), dtype=one.dtype, name=name) for name, one in self.features.items()}
        self.preprocessors = {name: feature.preprocessor for name, feature in self.features.items()}
        self.crossers = {one.name: HashedCrossing(one.crossing_dim, name=one.name) for one in self.crosses}
        self.one_hot_encoders: dict[str, Any] = {}
        self.concat: Any = None
        self.encoded_features: Any = None
        self._is_adapted = False

    # -- kinds of features ------------------------------------------------------------------------------------------

    @classmethod
    def cross(cls, feature_names: Iterable[str], crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """Features whose values are hashed together into `crossing_dim` numbers ("one_hot") or one ("int")."""
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A feature of a type ("float32", "int32", "string") that a layer of your own prepares."""
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """Numbers as they are."""
        return Feature("float32", TFDIdentity(dtype="float32", name=_layer_name(name, "float")), "float")

    @classmethod
    def float_rescaled(cls, scale: Real = 1.0, offset: Real = 0.0, name: str | None = None) -> Feature:
        """Numbers times `scale`, plus `offset`."""
        layer = Rescaling(scale=scale, offset=offset, name=_layer_name(name, "float_rescaled"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """Numbers brought to mean 0 and variance 1."""
        return Feature("float32", Normalization(axis=-1, name=_layer_name(name, "float_normalized")), "float")

    @classmethod
    def float_discretized(
        cls, num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """Numbers by the range they lie in: of `num_bins` that hold equally many, or between `bin_boundaries`."""
        layer = Discretization(bin_boundaries, num_bins, name=_layer_name(name, "float_discretized"))
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Whole numbers that stand for classes; the most frequent `max_tokens`, and `num_oov_indices` for the others."""
        layer = IntegerLookup(max_tokens, num_oov_indices, name=_layer_name(name, "integer_categorical"))
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """Words that stand for classes; as `integer_categorical`."""
        layer = StringLookup(max_tokens, num_oov_indices, name=_layer_name(name, "string_categorical"))
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Words by their hash, one of `num_bins`."""
        return Feature("string", Hashing(num_bins, name=_layer_name(name, "string_hashed")), output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """Whole numbers by their hash, one of `num_bins`."""
        return Feature("int32", Hashing(num_bins, name=_layer_name(name, "integer_hashed")), output_mode)

    def _as_feature(self, name: str, feature: Any) -> Feature:
        if isinstance(feature, dict):
            feature = deserialize_keras_object(feature)
        if isinstance(feature, Feature):
            return feature
        hashing, bins = (self.hashing_dim,), (self.num_discretization_bins,)
        settings = {"float_discretized": bins, "integer_hashed": hashing, "string_hashed": hashing}
        plain = ("float", "float_normalized", "float_rescaled", "integer_categorical", "string_categorical")
        if not isinstance(feature, str) or feature not in (*plain, *settings):
            raise ArgumentError(f"Invalid feature type: {feature}. Expected one of {sorted((*plain, *settings))}.")
        made: Feature = getattr(self, feature)(*settings.get(feature, ()), name=name)
        return made

    def _as_cross(self, cross: Any) -> Cross:
        if isinstance(cross, dict):
            cross = deserialize_keras_object(cross)
        if not isinstance(cross, Cross):
            if not self.crossing_dim:
                raise ArgumentError(
                    "When specifying `crosses`, the argument `crossing_dim` (dimensionality of the crossing space) should "
                    f"be specified as well. Received: crossing_dim={self.crossing_dim}"
                )
            cross = Cross(cross, self.crossing_dim)
        made: Cross = cross
        if not set(made.feature_names) <= set(self.features):
            raise ArgumentError(
                "All features referenced in the `crosses` argument should be present in the `features` dict. "
                f"Received unknown features: {made.feature_names}"
            )
        return made

    # -- learning from data -----------------------------------------------------------------------------------------

    def _to_adapt(self) -> Iterator[str]:
        """The features whose layers learn from data."""
        for name, layer in self.preprocessors.items():
            given = (
                (isinstance(layer, Normalization) and layer.input_mean is not None)
                or (isinstance(layer, TextVectorization) and layer.get_config().get("vocabulary") is not None)
                or (isinstance(layer, Discretization) and layer.get_config().get("bin_boundaries") is not None)
            )
            if hasattr(layer, "adapt") and not given:
                yield name

    def adapt(self, dataset: Any) -> None:
        """Let the layers learn from a data set of dicts, or from one dict of columns.

        Raises:
            DTypeError: it is neither.
        """
        if isinstance(dataset, dict):
            dataset = Dataset.from_tensor_slices(dataset)
        if not hasattr(dataset, "as_numpy_iterator"):
            raise DTypeError(
                "`adapt()` can only be called on a tf.data.Dataset or a dict of arrays/lists. "
                f"Received instead: {dataset} (of type {type(dataset)})"
            )
        for name in self._to_adapt():
            self.preprocessors[name].adapt(_Column(dataset, name))
        self._is_adapted = True
        self.encoded_features = None  # a vocabulary may be another one now
        self.get_encoded_features()
        self.built = True

    def _check_if_adapted(self) -> None:
        if not self._is_adapted:
            if any(True for _ in self._to_adapt()):
                raise NotBuiltError(
                    "You need to call `.adapt(dataset)` on the FeatureSpace before you can start using it. "
                    f"Received: features that learn from data: {list(self._to_adapt())}"
                )
            self._is_adapted = True

    # -- encoding ---------------------------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, KerasTensor]:
        """A model's inputs, a column each."""
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """What becomes of the inputs, for a model that begins with them."""
        self._check_if_adapted()
        if self.encoded_features is None:
            self.one_hot_encoders, self.concat = {}, None
            self.encoded_features = self._encoded(self.inputs)
        return self.encoded_features

    def _encoded(self, data: dict[str, Any]) -> Any:
        prepared = {name: self.preprocessors[name](data[name]) for name in sorted(self.features)}
        crossed = {
            name: self.crossers[name]([prepared[one] for one in self.crosses_by_name[name].feature_names])
            for name in sorted(self.crosses_by_name)
        }
        encoded = {name: self._one_hot(name, value) for name, value in (*prepared.items(), *crossed.items())}
        if self.output_mode == "dict":
            return encoded
        for name, value in encoded.items():
            if not _type_of(value).startswith("float"):
                raise ArgumentError(
                    f"Cannot concatenate features because feature '{name}' has not been encoded (it has dtype "
                    f"{_type_of(value)}). Consider using `output_mode='dict'`."
                )
        if self.concat is None:
            self.concat = TFDConcat(axis=-1)
        return self.concat(list(encoded.values())) if len(encoded) > 1 else next(iter(encoded.values()))

    def _one_hot(self, name: str, value: Any) -> Any:
        """A feature or a cross as its output mode asks."""
        asked = self.features[name] if name in self.features else self.crosses_by_name[name]
        if asked.output_mode != "one_hot":
            return value
        if name not in self.one_hot_encoders:
            if not _type_of(value).startswith("int"):
                raise ArgumentError(
                    f"Feature '{name}' has `output_mode='one_hot'`. Thus its preprocessor should return an integer dtype. "
                    f"Instead it returns a {_type_of(value)} dtype."
                )
            layer = self.preprocessors[name] if name in self.features else self.crossers[name]
            self.one_hot_encoders[name] = CategoryEncoding(_classes_of(layer, name), output_mode="multi_hot")
        return self.one_hot_encoders[name](value)

    def __call__(self, data: Any) -> Any:
        """Encode a dict of columns (N,) or (N, 1), or of single values, which give vectors without a batch.

        Raises:
            ArgumentError: no dict, or one without a feature or with another column.
        """
        self.get_encoded_features()
        if not isinstance(data, dict):
            raise ArgumentError(
                f"A FeatureSpace can only be called with a dict. Received: data={data} (of type {type(data)})"
            )
        if data.keys() != self.features.keys():
            raise ArgumentError(
                f"Expected the features {sorted(self.features)}. Received: a dict with the keys {sorted(data)}."
            )
        columns = {
            name: value if isinstance(value, KerasTensor) else given_array(value) for name, value in data.items()
        }
        single = any(len(column.shape) == 0 for column in columns.values())
        encoded = self._encoded(
            {name: _as_column(column, self.features[name].dtype) for name, column in columns.items()}
        )
        if not single:
            return encoded
        return (
            {k: ops.squeeze(v, 0) for k, v in encoded.items()} if isinstance(encoded, dict) else ops.squeeze(encoded, 0)
        )

    # -- saving -----------------------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        return {
            "features": serialize_keras_object(self.features),
            "output_mode": self.output_mode,
            "crosses": serialize_keras_object(self.crosses),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    def get_build_config(self) -> Config:
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: Config) -> None:
        for name, settings in config.items():
            layer = self.preprocessors.get(name)
            if layer is not None and not layer.built and settings:
                layer.build_from_config(settings)
        self._is_adapted = True

    def save(self, filepath: Any) -> None:
        """Write it to a ``.keras`` file, which `neurona.models.load_model` reads."""
        save_model(self, filepath)

    def save_own_variables(self, store: Any) -> None:
        """There are none: its layers keep what they learnt."""

    def load_own_variables(self, store: Any) -> None:
        """There are none."""


class _Column:
    """One column of a data set of dicts, in batches (N, 1), as often as it is asked for."""

    def __init__(self, dataset: Any, name: str) -> None:
        self.dataset, self.name = dataset, name

    def __iter__(self) -> Iterator[Any]:
        singles: list[Any] = []
        for element in self.dataset.as_numpy_iterator():
            if not isinstance(element, dict) or self.name not in element:
                raise ArgumentError(
                    f"adapt() expected a data set of dicts with the key '{self.name}'. Received: {type(element).__name__}"
                    f"{' with the keys ' + str(sorted(element)) if isinstance(element, dict) else ''}. "
                    "Leave labels out: dataset.map(lambda x, y: x)."
                )
            column = given_array(element[self.name])
            if column.ndim == 0:
                singles.append(column.item())
            else:
                yield column[:, None] if column.ndim == 1 else column
            if len(singles) == _TOGETHER:
                yield given_array(singles)[:, None]
                singles = []
        if singles:
            yield given_array(singles)[:, None]


_TOGETHER = 4096  # single values that are looked at together


def _layer_name(name: str | None, kind: str) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def _type_of(value: Any) -> str:
    return str(getattr(value.dtype, "name", value.dtype))


def _as_column(column: Any, dtype: str) -> Any:
    """A column (N, 1) of a feature of this type; whole numbers are welcome where floats are."""
    if not isinstance(column, KerasTensor):
        column = wrap(column.reshape(1, 1) if column.ndim == 0 else column[:, None] if column.ndim == 1 else column)
    whole = dtype.startswith("float") and _type_of(column).startswith(("int", "uint", "bool"))
    return ops.cast(column, dtype) if whole else column


def _classes_of(layer: Any, name: str) -> int:
    """How many values the output of a layer can have."""
    if isinstance(layer, (IntegerLookup, StringLookup)):
        return layer.vocabulary_size()
    if isinstance(layer, CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, Discretization) and layer.num_bins is None:
        return len(layer.bin_boundaries or ()) + 1
    if isinstance(layer, (Discretization, HashedCrossing, Hashing)):
        return int(layer.num_bins or 0)
    raise ArgumentError(
        f"Feature '{name}' has `output_mode='one_hot'`. However it isn't a standard feature and the dimensionality of its "
        f"output space is not known, thus it cannot be one-hot encoded. Received: {layer}. Try using `output_mode='int'`."
    )
