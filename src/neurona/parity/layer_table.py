"""The layers that are compared: of each some ways to use it, with the axes of its inputs and what is drawn.

A line is ``way("N H W C", setting=value or lot, ...)``; several inputs are parted by commas. Letters are sizes to be drawn
(`drawing.sizes`), digits are sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from neurona.parity.drawing import New, one_of, real, whole

__all__ = [
    "ASIDE",
    "FLOAT32_ALONE",
    "LAYERS_LEFT_OUT",
    "LOOKUPS",
    "RANDOM",
    "SLACK",
    "TABLE",
    "UNRELIABLE",
    "Way",
    "way",
]


class Way(NamedTuple):
    """One way to use a layer."""

    axes: str
    settings: dict[str, Any]


def way(axes: str, /, **settings: Any) -> Way:
    """Axes of the inputs, and settings."""
    return Way(axes, settings)


_ACT = one_of("relu", "tanh", "sigmoid", "softplus", "elu", None)
_FLAG = one_of(True, False)
_PAD = one_of("valid", "same")
_MASK = {"seed": 1}
_RANGE = {"value_range": (-3.0, 3.0)}


def _inner(name: str, **settings: Any) -> New:
    return New(f"layers.{name}", settings)


def _conv(axes: str, rank: int, **more: Any) -> list[Way]:
    """Plain, with strides, and with holes."""
    plain = {"kernel_size": (whole(1, 3),) * rank, "padding": _PAD, "use_bias": _FLAG, **more}
    return [
        way(axes, **plain, activation=_ACT),
        way(axes, **plain, strides=(2,) * rank),
        way(axes, **{**plain, "kernel_size": (2,) * rank}, dilation_rate=(2,) * rank),
    ]


def _pool(axes: str, rank: int) -> list[Way]:
    return [
        way(axes, pool_size=whole(2, 3), padding=_PAD),
        way(axes, pool_size=(2,) * rank, strides=(one_of(1, 2),) * rank, padding=_PAD),
    ]


_AXES = {1: "N T C", 2: "N H W C", 3: "N D D D C"}

TABLE: dict[str, list[Way]] = {
    "Activation": [way("N C", activation=one_of("relu", "tanh", "softplus", "swish", "gelu", "mish", "hard_sigmoid"))],
    "ActivityRegularization": [way("N C", l1=real(0, 0.2), l2=real(0, 0.2))],
    "Add": [way("N C, N C"), way("N T 3, N 1 3"), way("N C, N C, N C")],
    "AdditiveAttention": [way("N T E, N S E", use_scale=_FLAG)],
    "Attention": [way("N T E, N S E", use_scale=_FLAG, score_mode=one_of("dot", "concat")), way("N T E, N S E, N S E")],
    "Average": [way("N C, N C"), way("N T 3, N 1 3")],
    "BatchNormalization": [way("8 C", momentum=real(0.5, 0.99)), way("N H W C", epsilon=real(0.001, 0.1)),
                           way("N T C", axis=1, scale=_FLAG, center=_FLAG)],
    "Bidirectional": [way("N T E", layer=_inner("LSTM", units=whole(1, 4)), merge_mode=one_of("concat", "sum", "mul")),
                      way("N T E", layer=_inner("GRU", units=whole(1, 4), return_sequences=True))],
    "CategoryEncoding": [],
    "CenterCrop": [way("N H W C", height=whole(2, 5), width=whole(2, 5))],
    "Concatenate": [way("N C, N E"), way("N T C, N S C", axis=1)],
    "ConvLSTM1D": [way("N 3 6 C", filters=whole(1, 3), kernel_size=whole(1, 3), padding=_PAD)],
    "ConvLSTM2D": [way("N 3 5 4 C", filters=whole(1, 2), kernel_size=whole(1, 3), padding=_PAD, return_sequences=_FLAG)],
    "ConvLSTM3D": [way("N 2 3 4 3 C", filters=whole(1, 2), kernel_size=whole(1, 2), padding=_PAD)],
    "Dense": [way("N C", units=whole(1, 6), activation=_ACT, use_bias=_FLAG), way("N T C", units=whole(1, 6))],
    "Dot": [way("N E, N E", axes=1, normalize=_FLAG), way("N T E, N S E", axes=-1)],
    "ELU": [way("N C", alpha=real(0.2, 1.5))],
    "EinsumDense": [way("N T E", equation="abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de", activation=_ACT),
                    way("N T E", equation="...x,xy->...y", output_shape=(4,), bias_axes="y")],
    "Embedding": [way("N T", input_dim=6, output_dim=whole(1, 5))],
    "Flatten": [way("N H W C"), way("N T C")],
    "GRU": [way("N T E", units=whole(1, 5), reset_after=_FLAG), way("N T E", units=whole(1, 5), return_sequences=True,
            go_backwards=_FLAG, use_bias=_FLAG, activation=one_of("tanh", "softsign"))],
    "GroupNormalization": [way("N T 6", groups=one_of(1, 2, 3, -1)), way("N H W 4", groups=2, epsilon=real(0.001, 0.1))],
    "GroupQueryAttention": [way("N T E, N S E", head_dim=whole(2, 3), num_query_heads=4, num_key_value_heads=one_of(1, 2))],
    "Identity": [way("N C")],
    "LSTM": [way("N T E", units=whole(1, 5), unit_forget_bias=_FLAG), way("N T E", units=whole(1, 5),
             return_sequences=True, go_backwards=_FLAG, use_bias=_FLAG, recurrent_activation=one_of("sigmoid", "softsign"))],
    "LayerNormalization": [way("N C", epsilon=real(0.001, 0.1)), way("N T E", axis=one_of(1, 2, [1, 2]), scale=_FLAG)],
    "LeakyReLU": [way("N C", negative_slope=real(0.01, 0.5))],
    "Masking": [way("N T C", mask_value=0.0)],
    "Maximum": [way("N C, N C"), way("N T 3, N 1 3")],
    "MelSpectrogram": [way("N 80", fft_length=32, sequence_stride=one_of(8, 16), sampling_rate=200, num_mel_bins=whole(2, 5),
                           max_freq=90)],
    "Minimum": [way("N C, N C"), way("N T 3, N 1 3")],
    "MultiHeadAttention": [way("N T E, N S E", num_heads=whole(1, 3), key_dim=whole(2, 4), use_bias=_FLAG),
                           way("N T 4, N S 3, N S 2", num_heads=2, key_dim=2, value_dim=3, output_shape=5)],
    "Multiply": [way("N C, N C"), way("N T 3, N 1 3")],
    "Normalization": [way("N 3", mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0], invert=_FLAG),
                      way("N T C", axis=None, mean=real(-1, 1), variance=real(0.5, 2))],
    "PReLU": [way("N C", alpha_initializer="ones"), way("N T C", shared_axes=[1])],
    "Permute": [way("N T C", dims=(2, 1)), way("N H W C", dims=(3, 1, 2))],
    "RMSNormalization": [way("N C", epsilon=real(0.001, 0.1)), way("N T E", axis=one_of(2, -1))],
    "RNN": [way("N T E", cell=New("layers.GRUCell", {"units": whole(1, 4)}), return_sequences=_FLAG),
            way("N T E", cell=New("layers.StackedRNNCells", {"cells": [New("layers.LSTMCell", {"units": 2}),
                                                                       New("layers.SimpleRNNCell", {"units": 3})]}))],
    "ReLU": [way("N C", max_value=one_of(None, 1.0), negative_slope=real(0, 0.3), threshold=one_of(0.0, 0.31))],
    "RepeatVector": [way("N C", n=whole(1, 4))],
    "Rescaling": [way("N C", scale=real(0.1, 2), offset=real(-1, 1))],
    "Resizing": [way("N H W C", height=whole(2, 9), width=whole(2, 9), interpolation=one_of("bilinear", "nearest", "bicubic"))],
    "Reshape": [way("N T 6", target_shape=(-1, 3)), way("N 4 6", target_shape=(3, 8))],
    "STFTSpectrogram": [way("N 40 2", frame_length=8, frame_step=whole(2, 8), mode=one_of("magnitude", "psd", "stft"),
                            padding=_PAD, window=one_of("hann", "hamming", None), expand_dims=_FLAG)],
    "SimpleRNN": [way("N T E", units=whole(1, 5), activation=one_of("tanh", "relu", "elu"), return_sequences=_FLAG)],
    "Softmax": [way("N E"), way("N T E", axis=one_of(1, 2, [1, 2]))],
    "SpectralNormalization": [way("N E", layer=_inner("Dense", units=whole(2, 5)), power_iterations=whole(1, 2))],
    "Subtract": [way("N C, N C"), way("N T 3, N 1 3")],
    "TimeDistributed": [way("N T E", layer=_inner("Dense", units=whole(1, 4), activation=_ACT)),
                        way("N 3 H W C", layer=_inner("Conv2D", filters=2, kernel_size=2))],
    "UnitNormalization": [way("N C"), way("N T E", axis=one_of(1, 2, [1, 2]))],
}  # fmt: skip

for _rank, _letters in _AXES.items():
    _name = f"{_rank}D"
    TABLE |= {
        f"Conv{_name}": _conv(_letters, _rank, filters=whole(1, 4)),
        f"Conv{_name}Transpose": _conv(_letters, _rank, filters=whole(1, 4))[:2],
        f"AveragePooling{_name}": _pool(_letters, _rank),
        f"MaxPooling{_name}": _pool(_letters, _rank),
        f"GlobalAveragePooling{_name}": [way(_letters, keepdims=_FLAG)],
        f"GlobalMaxPooling{_name}": [way(_letters, keepdims=_FLAG)],
        f"AdaptiveAveragePooling{_name}": [way(_letters, output_size=(whole(1, 4),) * _rank)],
        f"AdaptiveMaxPooling{_name}": [way(_letters, output_size=(whole(1, 4),) * _rank)],
        f"ZeroPadding{_name}": [way(_letters, padding=whole(1, 2))],
        f"Cropping{_name}": [way(_letters, cropping=1)],
        f"UpSampling{_name}": [way(_letters, size=whole(1, 3))],
    }
TABLE["Conv1D"].append(way("N T C", filters=2, kernel_size=whole(1, 3), padding="causal"))
TABLE["Conv2D"].append(way("N H W 4", filters=4, kernel_size=(3, 2), groups=2))
TABLE["UpSampling2D"].append(way("N H W C", size=2, interpolation=one_of("bilinear", "bicubic")))
TABLE |= {
    "DepthwiseConv1D": [way("N T C", kernel_size=whole(1, 3), depth_multiplier=whole(1, 2), padding=_PAD)],
    "DepthwiseConv2D": [way("N H W C", kernel_size=whole(1, 3), depth_multiplier=whole(1, 2), padding=_PAD),
                        way("N 6 6 C", kernel_size=3, strides=2, activation=_ACT)],
    "SeparableConv1D": [way("N T C", filters=whole(1, 4), kernel_size=whole(1, 3), padding=_PAD)],
    "SeparableConv2D": [way("N H W C", filters=whole(1, 4), kernel_size=whole(1, 3), padding=_PAD, activation=_ACT)],
}  # fmt: skip
del TABLE["CategoryEncoding"]

#: Layers that draw random numbers in training, each side its own: they are compared as they are applied.
RANDOM: dict[str, list[Way]] = {
    "AlphaDropout": [way("N C", rate=real(0.1, 0.5))],
    "AugMix": [way("N H W 3", **_RANGE)],
    "AutoContrast": [way("N H W 3", **_RANGE)],
    "CutMix": [way("N H W 3", **_MASK)],
    "Dropout": [way("N C", rate=real(0.1, 0.5))],
    "Equalization": [way("N H W 3", value_range=(0, 255))],
    "GaussianDropout": [way("N C", rate=real(0.1, 0.5))],
    "GaussianNoise": [way("N C", stddev=real(0.1, 0.5))],
    "MixUp": [way("N H W 3", **_MASK)],
    "RandAugment": [way("N H W 3", **_RANGE)],
    "RandomBrightness": [way("N H W 3", factor=0.2, **_RANGE)],
    "RandomColorDegeneration": [way("N H W 3", factor=0.2, **_RANGE)],
    "RandomColorJitter": [way("N H W 3", brightness_factor=0.2, **_RANGE)],
    "RandomContrast": [way("N H W 3", factor=0.2, **_RANGE)],
    "RandomErasing": [way("N H W 3", **_RANGE)],
    "RandomFlip": [way("N H W C")],
    "RandomGaussianBlur": [way("N H W 3", **_RANGE)],
    "RandomGrayscale": [way("N H W 3")],
    "RandomHue": [way("N H W 3", factor=0.2, **_RANGE)],
    "RandomInvert": [way("N H W 3", **_RANGE)],
    "RandomPerspective": [way("N H W C")],
    "RandomPosterization": [way("N H W 3", factor=4, **_RANGE)],
    "RandomRotation": [way("N H W C", factor=0.2)],
    "RandomSaturation": [way("N H W 3", factor=0.2, **_RANGE)],
    "RandomSharpness": [way("N H W 3", factor=0.2, **_RANGE)],
    "RandomShear": [way("N H W C", x_factor=0.2)],
    "RandomTranslation": [way("N H W C", height_factor=0.2, width_factor=0.2)],
    "RandomZoom": [way("N H W C", height_factor=0.2)],
    "Solarization": [way("N H W 3", **_RANGE)],
    "SpatialDropout1D": [way("N T C", rate=real(0.1, 0.5))],
    "SpatialDropout2D": [way("N H W C", rate=real(0.1, 0.5))],
    "SpatialDropout3D": [way("N D D D C", rate=real(0.1, 0.5))],
}

_WORDS = ["red", "green", "blue", "grey"]
#: Layers that look values up: settings, and from what the elements of their inputs are drawn; axes as above.
LOOKUPS: dict[str, list[tuple[Way, list[Any]]]] = {
    "CategoryEncoding": [(way("N 3", num_tokens=5, output_mode=one_of("multi_hot", "count")), [0, 1, 2, 3, 4])],
    "Discretization": [(way("N 3", bin_boundaries=[-1.0, 0.5, 2.0], output_mode=one_of("int", "multi_hot")),
                        [-2.0, -0.5, 0.7, 3.0])],
    "HashedCrossing": [(way("N, N", num_bins=whole(3, 9)), _WORDS)],
    "Hashing": [(way("N 2", num_bins=whole(3, 9), salt=one_of(None, 7)), _WORDS)],
    "IntegerLookup": [(way("N 3", vocabulary=[7, 9, 2], num_oov_indices=whole(1, 3)), [2, 7, 9, 11, 5])],
    "StringLookup": [(way("N 3", vocabulary=_WORDS[:3], output_mode=one_of("int", "multi_hot", "count")), _WORDS)],
    "TextVectorization": [(way("N", vocabulary=_WORDS[:3], output_sequence_length=whole(2, 5)),
                           ["red green", "Blue, grey!", "green", "red blue red"])],
}  # fmt: skip

#: The inputs are arguments of their own, not a list.
ASIDE = ("GroupQueryAttention", "MultiHeadAttention")

_ROUNDED = "Keras on TensorFlow rounds its settings and constants to float32, whatever it computes in"
#: By what a layer's tolerances are multiplied, those of float64 besides, and why.
SLACK: Mapping[str, tuple[float, float, str]] = {
    **{name: (1.0, 1e5, _ROUNDED) for name in ("Activation", "LeakyReLU", "Normalization", "ReLU", "Rescaling")},
    **{name: (10.0, 1e5, f"the keys' bias has no gradient but rounding; {_ROUNDED}")
       for name in ("GroupQueryAttention", "MultiHeadAttention")},
    **{name: (1.0, 1e6, "TensorFlow enlarges pictures in float32, whatever they are in")
       for name in ("Resizing", "UpSampling2D")},
}  # fmt: skip

#: Layers that Keras on TensorFlow has on a processor in float32 alone.
FLOAT32_ALONE = (
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling3D",
    "AveragePooling3D",
    "MaxPooling3D",
    "MelSpectrogram",
)
#: Layers of whose gradients Keras on TensorFlow gives numbers from memory that nobody wrote: their outputs are compared.
UNRELIABLE = tuple(f"AdaptiveMaxPooling{rank}D" for rank in (1, 2, 3))

#: Classes that are no subjects, and why.
LAYERS_LEFT_OUT: Mapping[str, str] = {
    "GRUCell": "compared within RNN",
    "InputLayer": "computes nothing",
    "LSTMCell": "compared within RNN",
    "Lambda": "computes what it is given",
    "Layer": "the base of the others",
    "Pipeline": "calls the layers in it",
    "RandomCrop": "applied, ours cuts the middle out, as Keras describes it; Keras 3.15 hands the pictures on as they are",
    "SimpleRNNCell": "compared within RNN",
    "StackedRNNCells": "compared within RNN",
    "Wrapper": "the base of others",
}
