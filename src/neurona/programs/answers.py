"""The tables: which module answers for which, which names stand elsewhere, and what to say where nothing answers.

A face takes a name from its table `names`, else from the modules that stand behind it (`homes`), the first that has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from neurona.i18n import N_

__all__ = ["FACES", "HINTS", "Answer", "canonical"]


@dataclass(frozen=True)
class Answer:
    """What stands behind a module.

    Attributes:
        homes: modules whose public names are handed on.
        names: what other names stand for, as "module:name".
    """

    homes: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)


def canonical(path: str) -> str:
    """The name under which a module stands in `FACES`.

    >>> canonical("tensorflow.keras.layers"), canonical("keras.src.layers.core.dense"), canonical("tensorflow.math")
    ('keras.layers', 'keras.layers', 'tensorflow.math')
    """
    for alias, meant in _ALIASES:
        if path == alias or path.startswith(alias + "."):
            path = meant + path.removeprefix(alias)
    if path.startswith("keras.src."):
        first = path.split(".")[2]
        return f"keras.{_SOURCES.get(first, first)}".rstrip(".")
    return "keras" if path == "keras.src" else path


_ALIASES = (
    ("tensorflow.compat.v2", "tensorflow"),
    ("tensorflow.python.keras", "keras"),
    ("tensorflow.keras", "keras"),
    ("tensorflow._api.v2", "tensorflow"),
    ("keras.api", "keras"),
    ("keras._tf_keras.keras", "keras"),
    ("keras.layers.experimental.preprocessing", "keras.layers"),
    ("keras.layers.experimental", "keras.layers"),
    ("keras.optimizers.experimental", "keras.optimizers"),
    ("keras.optimizers.legacy", "keras.optimizers"),
    ("keras.layers.advanced_activations", "keras.layers"),
    ("keras.layers.convolutional_recurrent", "keras.layers"),
    ("keras.layers.convolutional", "keras.layers"),
    ("keras.layers.core", "keras.layers"),
    ("keras.layers.embeddings", "keras.layers"),
    ("keras.layers.merge", "keras.layers"),
    ("keras.layers.noise", "keras.layers"),
    ("keras.layers.normalization", "keras.layers"),
    ("keras.layers.pooling", "keras.layers"),
    ("keras.layers.recurrent", "keras.layers"),
    ("keras.layers.wrappers", "keras.layers"),
    ("keras.engine.topology", "keras.layers"),
    ("keras.engine", "keras.layers"),
    ("keras.utils.generic_utils", "keras.utils"),
    ("keras.utils.vis_utils", "keras.utils"),
    ("keras.utils.np_utils", "keras.utils"),
    ("keras.utils.data_utils", "keras.utils"),
    ("tensorflow.optimizers", "keras.optimizers"),
    ("tensorflow.losses", "keras.losses"),
    ("tensorflow.metrics", "keras.metrics"),
    ("tensorflow.initializers", "keras.initializers"),
    ("tensorflow.data.experimental", "tensorflow.data"),
    ("tensorflow.random.experimental", "tensorflow.random"),
    ("tensorflow.config.experimental", "tensorflow.config"),
    ("tensorflow.io.gfile", "tensorflow.io"),
    ("tensorflow.gfile", "tensorflow.io"),
)
# Keras's own folders that are called otherwise than its public modules.
_SOURCES = {"engine": "models", "trainers": "models", "api_export": ""}

_TF = "neurona.programs.tf"


def _from(home: str, names: str) -> dict[str, str]:
    """Names that stand under the same name in one module."""
    return {name: f"{home}:{name}" for name in names.split()}


def _renamed(home: str, names: str) -> dict[str, str]:
    """Names that stand under another one, as "theirs=ours"."""
    return {theirs: f"{home}:{ours}" for theirs, ours in (pair.split("=") for pair in names.split())}


def _harmless(names: str) -> dict[str, str]:
    """Settings that are taken and change nothing."""
    return {name: f"{_TF}.settings:nothing" for name in names.split()}


_ELEMENTWISE = _from(
    "neurona.ops",
    "abs add cos cosh divide exp expm1 floor floor_divide greater greater_equal isfinite isinf isnan less "
    "less_equal log log1p logical_and logical_not logical_or logical_xor maximum minimum mod multiply negative reciprocal "
    "round rsqrt sigmoid sign sin sinh softplus softsign sqrt square subtract tan tanh erf erfc erfinv einsum roll tril triu "
    "searchsorted",
) | _renamed(
    "neurona.ops",
    "acos=arccos asin=arcsin atan=arctan atan2=arctan2 acosh=arccosh asinh=arcsinh atanh=arctanh ceil=ceil pow=power "
    "truediv=true_divide floordiv=floor_divide floormod=mod divide_no_nan=divide_no_nan "
    "log_sigmoid=log_sigmoid is_nan=isnan is_inf=isinf is_finite=isfinite invert=bitwise_not",
)
_ELEMENTWISE |= _from(f"{_TF}.mathematics", "multiply_no_nan squared_difference xlogy xdivy")

_TYPES = _from(
    f"{_TF}.types",
    "float16 float32 float64 half double bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool string complex64 "
    "complex128 newaxis DType",
)

# The short names that Keras keeps for programs that use it through `tensorflow`.
_SHORT = "MAE=mean_absolute_error MAPE=mean_absolute_percentage_error MSE=mean_squared_error " \
         "MSLE=mean_squared_logarithmic_error KLD=kl_divergence kullback_leibler_divergence=kl_divergence " \
         "logcosh=log_cosh mae=mean_absolute_error mape=mean_absolute_percentage_error mse=mean_squared_error " \
         "msle=mean_squared_logarithmic_error kld=kl_divergence"  # fmt: skip

_CHECKS = _from(
    f"{_TF}.settings",
    "assert_equal assert_greater assert_greater_equal assert_less assert_less_equal assert_near assert_positive "
    "assert_non_negative assert_rank assert_shapes assert_type assert_all_finite check_numerics",
)

_NN = _from("neurona.ops", "relu relu6 elu selu sigmoid silu softplus softsign softmax swish tanh") | _from(
    f"{_TF}.mathematics", "l2_normalize softmax top_k in_top_k"
)


#: Every module that is answered, by its full name.
FACES: dict[str, Answer] = {
    "keras": Answer(
        ("neurona",),
        {"__version__": f"{_TF}.types:KERAS_VERSION", "version": f"{_TF}.types:keras_version",
         "Sequential": "neurona.models:Sequential", "Model": "neurona.models:Model"},
    ),
    "keras.activations": Answer(("neurona.parts.activations",)),
    "keras.backend": Answer(
        ("neurona.backend", f"{_TF}.session"),
        _from("neurona.ops", "is_tensor convert_to_tensor convert_to_numpy shape where")
        | {"Variable": "neurona.variable:Variable", "backend": f"{_TF}.session:backend",
           "function": f"{_TF}.tape:function", "name_scope": f"{_TF}.settings:name_scope"},
    ),
    "keras.callbacks": Answer(("neurona.training.callbacks",)),
    "keras.config": Answer(
        ("neurona.config",),
        {"backend": f"{_TF}.session:backend", **_from("neurona.dtype_policies", "dtype_policy set_dtype_policy"),
         **_harmless(
             "enable_interactive_logging disable_interactive_logging enable_traceback_filtering "
             "disable_traceback_filtering enable_unsafe_deserialization disable_flash_attention enable_flash_attention")},
    ),
    "keras.constraints": Answer(("neurona.parts.constraints",)),
    "keras.datasets": Answer(("neurona.datasets",)),
    "keras.dtype_policies": Answer(("neurona.dtype_policies",)),
    "keras.initializers": Answer(("neurona.parts.initializers",)),
    "keras.layers": Answer(
        ("neurona.layers",), _from(f"{_TF}.ragged", "StringLookup IntegerLookup")
    ),
    "keras.losses": Answer(("neurona.losses",), _renamed("neurona.losses", _SHORT)),
    "keras.metrics": Answer(("neurona.metrics",), _renamed("neurona.losses", _SHORT)),
    "keras.mixed_precision": Answer(("neurona.mixed_precision",)),
    "keras.models": Answer(("neurona.models",)),
    "keras.ops": Answer(("neurona.ops",)),
    "keras.ops.image": Answer(("neurona.ops.image",)),
    "keras.ops.linalg": Answer(
        ("neurona.ops.linalg", "neurona.ops.decompositions", "neurona.ops.inverses"),
        {"jvp": "neurona.ops:jvp", "norm": "neurona.ops:norm"},
    ),
    "keras.optimizers": Answer(("neurona.optimizers",)),
    "keras.preprocessing": Answer(("neurona.preprocessing",)),
    "keras.preprocessing.image": Answer(("neurona.preprocessing.image", "neurona.programs.picture_generator")),
    "keras.preprocessing.sequence": Answer(("neurona.preprocessing.sequence",)),
    "keras.preprocessing.text": Answer(("neurona.programs.tokenizer",)),
    "keras.random": Answer(("neurona.random",)),
    "keras.regularizers": Answer(("neurona.parts.regularizers",)),
    "keras.saving": Answer(("neurona.saving",)),
    "keras.tree": Answer(("neurona.tree",)),
    "keras.utils": Answer(
        ("neurona.utils",),
        _from(
            f"{_TF}.data_folders",
            "audio_dataset_from_directory image_dataset_from_directory split_dataset text_dataset_from_directory "
            "timeseries_dataset_from_array",
        ),
    ),
    "tensorflow": Answer(
        (f"{_TF}.arrays", f"{_TF}.mathematics", f"{_TF}.tape", f"{_TF}.stepwise"),
        {
            **_ELEMENTWISE, **_TYPES, **_CHECKS,
            **_from(f"{_TF}.types", "__version__"),
            **_from(f"{_TF}.settings", "device name_scope control_dependencies init_scope executing_eagerly as_dtype print"),
            "no_op": f"{_TF}.settings:nothing",
            "as_string": f"{_TF}.texts:as_string",
            "saturate_cast": "neurona.ops:saturate_cast",
            **_renamed("neurona.ops", "realdiv=true_divide truncatemod=fmod"),
            "Tensor": "neurona.tensor:Tensor",
            "RaggedTensor": f"{_TF}.ragged:RaggedTensor",
            "SparseTensor": f"{_TF}.types:SparseTensor",
            "clip_by_value": f"{_TF}.mathematics:clip_by_value",
            "AUTOTUNE": f"{_TF}.data:AUTOTUNE",
            **_renamed(
                "neurona.parts.initializers",
                "random_uniform_initializer=RandomUniform random_normal_initializer=RandomNormal "
                "constant_initializer=Constant zeros_initializer=Zeros ones_initializer=Ones"),
        },
    ),
    "tensorflow.autodiff": Answer((f"{_TF}.tape",)),
    "tensorflow.autograph": Answer((), {"set_verbosity": f"{_TF}.settings:nothing"}),
    "tensorflow.autograph.experimental": Answer((), {"do_not_convert": f"{_TF}.tape:function"}),
    "tensorflow.bitwise": Answer((), _from("neurona.ops", "bitwise_and bitwise_or bitwise_xor") | _renamed(
        "neurona.ops", "invert=bitwise_not left_shift=bitwise_left_shift right_shift=bitwise_right_shift")),
    "tensorflow.compat": Answer(),
    "tensorflow.config": Answer(
        (f"{_TF}.settings",),
        _harmless(
            "set_visible_devices set_memory_growth set_soft_device_placement run_functions_eagerly "
            "enable_op_determinism set_logical_device_configuration set_virtual_device_configuration "
            "LogicalDeviceConfiguration VirtualDeviceConfiguration experimental_run_functions_eagerly")
        | {"get_visible_devices": f"{_TF}.settings:list_physical_devices"},
    ),
    "tensorflow.config.optimizer": Answer((), {"set_jit": f"{_TF}.settings:nothing"}),
    "tensorflow.config.threading": Answer(
        (), _harmless("set_inter_op_parallelism_threads set_intra_op_parallelism_threads"),
    ),
    "tensorflow.data": Answer((f"{_TF}.data",)),
    "tensorflow.debugging": Answer((), _CHECKS),
    "tensorflow.dtypes": Answer((f"{_TF}.arrays",), {**_TYPES, "as_dtype": f"{_TF}.settings:as_dtype"}),
    "tensorflow.errors": Answer((f"{_TF}.types",)),
    "tensorflow.experimental": Answer(),
    "tensorflow.image": Answer((f"{_TF}.image", f"{_TF}.image_parts")),
    "tensorflow.io": Answer((f"{_TF}.files",)),
    "tensorflow.linalg": Answer(
        (f"{_TF}.mathematics", f"{_TF}.arrays"),
        _from("neurona.ops", "cholesky cross det eigh einsum inv logdet lstsq pinv qr slogdet solve svd trace")
        | _renamed("neurona.ops", "triangular_solve=solve_triangular"),
    ),
    "tensorflow.lookup": Answer((f"{_TF}.lookup",)),
    "tensorflow.lookup.experimental": Answer(),
    "tensorflow.math": Answer(
        (f"{_TF}.mathematics",),
        _ELEMENTWISE | _from("neurona.ops", "angle conj imag nextafter real") | _renamed("neurona.ops", "rint=round")
        | _from(f"{_TF}.nn", "log_softmax zero_fraction")),
    "tensorflow.nest": Answer(
        (), _from("neurona.tree", "assert_same_structure flatten is_nested map_structure pack_sequence_as")),
    "tensorflow.nn": Answer((f"{_TF}.nn",), _NN),
    "tensorflow.ragged": Answer((), _from(f"{_TF}.ragged", "constant")),
    "tensorflow.random": Answer((f"{_TF}.draws",)),
    "tensorflow.strings": Answer((f"{_TF}.texts",), _from(f"{_TF}.ragged", "bytes_split split unicode_split")),
    "tensorflow.summary": Answer(),
    "tensorflow.sysconfig": Answer((), {"get_build_info": "builtins:dict"}),
    "tensorflow.test": Answer((), _from(f"{_TF}.settings", "is_gpu_available is_built_with_cuda")),
    "tensorflow.train": Answer((f"{_TF}.checkpoints",)),
    "tensorflow.types": Answer(),
    "tensorflow.types.experimental": Answer((), {"TensorLike": "neurona.tensor:TensorLike"}),
    "tensorflow.version": Answer((f"{_TF}.types",)),
}  # fmt: skip

_NO_GRAPHS = N_("There are no graphs and sessions: what is called happens at once.")
_ONE_PROCESSOR = N_("Everything runs on this machine's processor; leave the strategy out.")

#: What there is instead, for a name or for all that begin with it.
HINTS: dict[str, str] = {
    "keras.applications": N_(
        "There are no trained networks to take over. Build the layers, or see `neurona train objects`."
    ),
    "keras.distribution": _ONE_PROCESSOR,
    "keras.preprocessing.sequence.TimeseriesGenerator": N_("Use keras.utils.timeseries_dataset_from_array."),
    "keras.export": N_("Use model.save(), or model.export() to ONNX."),
    "keras.layers.TFSMLayer": N_("Models come from .keras files: keras.saving.load_model()."),
    "keras.layers.JaxLayer": N_("Write a keras.layers.Layer."),
    "keras.layers.TorchModuleWrapper": N_("Write a keras.layers.Layer."),
    "keras.quantizers": N_("There is no quantisation."),
    "keras.estimator": N_("Use model.fit()."),
    "keras.wrappers.scikit_learn": N_("Use neurona.sklearn: NeuronaClassifier, NeuronaRegressor."),
    "keras.backend.gradients": N_("Use tf.GradientTape."),
    "tensorflow.random_uniform": N_("Programs for TensorFlow 2 are answered: tf.random.uniform."),
    "tensorflow.random_normal": N_("Programs for TensorFlow 2 are answered: tf.random.normal."),
    "tensorflow.compat.v1": N_("There are no graphs and sessions. Programs for TensorFlow 2 are answered."),
    "tensorflow.contrib": N_("Programs for TensorFlow 2 are answered."),
    "tensorflow.placeholder": _NO_GRAPHS,
    "tensorflow.Session": _NO_GRAPHS,
    "tensorflow.Graph": _NO_GRAPHS,
    "tensorflow.distribute": _ONE_PROCESSOR,
    "tensorflow.tpu": _ONE_PROCESSOR,
    "tensorflow.estimator": N_("Use model.fit()."),
    "tensorflow.feature_column": N_("Use the preprocessing layers: Normalization, CategoryEncoding, StringLookup."),
    "tensorflow.lite": N_("Use model.export() to ONNX."),
    "tensorflow.saved_model": N_("Use model.save() to a .keras file and keras.saving.load_model()."),
    "tensorflow.ragged": N_("Ragged tensors hold rows of texts or numbers, and become dense ones with to_tensor()."),
    "tensorflow.sparse": N_("There are no sparse tensors. Use dense ones."),
    "tensorflow.SparseTensor": N_("There are no sparse tensors. Use dense ones."),
    "tensorflow.signal": N_("There are no spectra. Compute them with NumPy's fft before training."),
    "tensorflow.audio": N_("There are no sounds. Read them with another library into arrays."),
    "tensorflow.summary": N_("Use keras.callbacks.TensorBoard."),
    "tensorflow.profiler": N_("Use Python's cProfile."),
    "tensorflow.raw_ops": N_("Use the function of tf or keras.ops."),
    "tensorflow.data.TFRecordDataset": N_("Use tf.data.Dataset.from_tensor_slices or from_generator."),
    "tensorflow.io.TFRecordWriter": N_("Use numpy.savez."),
    "tensorflow.io.parse_single_example": N_("Use arrays: tf.data.Dataset.from_tensor_slices."),
}
