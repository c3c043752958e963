"""The contract that every layer keeps, walked over the table of layers.

Shapes told are shapes made, configurations and weights make the same layer again, gradients are right in
float64, types, empty batches and memory order are respected, and a recorded step repeats. A new layer needs a
line in `CASES`; one without fails.
"""

from __future__ import annotations

import inspect
import json
import zlib
from typing import Any, NamedTuple

import numpy as np
import pytest

from neurona import layers, ops
from neurona.errors import ArgumentError
from neurona.gradient_check import gradcheck
from neurona.layers import Layer
from neurona.registry import table
from neurona.saving.tree import saveables
from neurona.symbolic import KerasTensor, dtype_name, flatten, map_structure
from neurona.tape import Tape
from neurona.tensor import Tensor
from neurona.training.plan import Plan

Shape = tuple[int, ...]


class Case(NamedTuple):
    """Settings of a layer, and the shape of its input (several: it takes a list)."""

    settings: dict[str, Any]
    shapes: tuple[Shape, ...]


def case(*shapes: Shape, **settings: Any) -> Case:
    return Case(settings, shapes)


class Inner(NamedTuple):
    """A layer among the settings of another: made anew with each."""

    name: str
    settings: dict[str, Any]


def inner(name: str, **settings: Any) -> Inner:
    return Inner(name, settings)


PAIR = ((4, 3), (4, 3))
CASES: dict[str, list[Case]] = {
    "Activation": [case((4, 3), activation="tanh")],
    "ActivityRegularization": [case((4, 3), l1=0.1, l2=0.2)],
    "Add": [case(*PAIR), case((4, 2, 3), (4, 3), (4, 1, 3))],
    "AlphaDropout": [case((4, 3), rate=0.3), case((4, 2, 3), rate=0.3, noise_shape=(None, 1, 3), seed=1)],
    "Average": [case(*PAIR), case((4, 2, 3), (4, 1, 3), (4, 2, 1))],
    "BatchNormalization": [
        case((4, 3)), case((4, 2, 3), axis=1, momentum=0.5), case((4, 2, 2, 3), center=False),
        case((4, 3), scale=False, epsilon=0.01, beta_regularizer="l2"),
    ],
    "CenterCrop": [case((4, 3, 4, 1), height=2, width=3), case((4, 3, 4, 1), height=2, width=6)],
    "Concatenate": [case((4, 3), (4, 2)), case((4, 3, 2), (4, 1, 2), axis=1)],
    "Dense": [case((4, 3), units=2), case((4, 2, 3), units=2, activation="tanh", use_bias=False)],
    "Dot": [case(*PAIR, axes=1), case((4, 2, 3), (4, 3, 2), axes=(2, 1)),
            case((4, 2, 3), (4, 5, 3), axes=-1, normalize=True)],
    "Dropout": [case((4, 3), rate=0.4), case((4, 2, 3), rate=0.4, noise_shape=(None, 1, 3), seed=3)],
    "ELU": [case((4, 3)), case((4, 3), alpha=0.5)],
    "Flatten": [case((4, 2, 3)), case((4,)), case((4, 2, 3, 2), data_format="channels_first")],
    "GaussianDropout": [case((4, 3), rate=0.3)],
    "GaussianNoise": [case((4, 3), stddev=0.3, seed=1)],
    "GroupNormalization": [
        case((4, 6), groups=2), case((4, 2, 2, 6), groups=3, epsilon=0.01), case((4, 4, 3), groups=2, axis=1),
        case((4, 3, 2), groups=-1, center=False),
    ],
    "Identity": [case((4, 3))],
    "Lambda": [case((4, 3), function=lambda x: x * 2.0)],
    "LayerNormalization": [
        case((4, 5)), case((4, 3, 2), axis=[1, 2], epsilon=0.01), case((4, 3, 2), axis=1),
        case((4, 5), scale=False),
    ],
    "LeakyReLU": [case((4, 3)), case((4, 3), negative_slope=0.1)],
    "Maximum": [case(*PAIR), case((4, 2, 3), (4, 3))],
    "Minimum": [case(*PAIR), case((4, 2, 3), (4, 3))],
    "Multiply": [case(*PAIR), case((4, 2, 3), (4, 1, 3), (4, 2, 1))],
    "Normalization": [case((4, 3)), case((4, 3), mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]),
                      case((4, 3, 2), axis=(1, 2), invert=True),
                      case((4, 3), axis=None, mean=2.0, variance=4.0)],
    "PReLU": [case((4, 3), alpha_initializer="ones"), case((4, 2, 3), shared_axes=[1])],
    "Permute": [case((4, 2, 3), dims=(2, 1)), case((4, 2, 3, 2), dims=(3, 1, 2))],
    "RMSNormalization": [case((4, 5)), case((4, 3, 2), axis=[1, 2]), case((4, 3, 2), axis=1)],
    "AugMix": [case((4, 6, 5, 3), value_range=(-9, 9), num_chains=2, chain_depth=2, alpha=0.5, seed=1)],
    "AutoContrast": [case((4, 3, 2, 1), value_range=(-3, 5))],
    "CutMix": [case((6, 5, 4, 1), factor=(0.5, 1.0), seed=1)],
    "Embedding": [case((4, 3), input_dim=5, output_dim=2),
                  case((4,), input_dim=5, output_dim=3, mask_zero=True, embeddings_regularizer="l2")],
    "Equalization": [case((4, 3, 2, 1), value_range=(-3, 5), bins=16)],
    "MixUp": [case((4, 3, 2, 1), alpha=0.7, seed=1)],
    "RandAugment": [case((4, 6, 5, 3), value_range=(-9, 9), num_ops=3, factor=(0.1, 0.4), seed=1)],
    "RandomBrightness": [case((4, 3, 2, 1), factor=(-0.1, 0.2), value_range=(-9, 9), seed=1)],
    "RandomColorDegeneration": [case((4, 3, 2, 3), factor=(-0.1, 0.2), value_range=(-9, 9), seed=1)],
    "RandomColorJitter": [case((4, 3, 2, 3), value_range=(-9, 9), brightness_factor=0.2, contrast_factor=0.3,
                               saturation_factor=(0.4, 0.6), hue_factor=0.2, seed=1)],
    "RandomContrast": [case((4, 3, 2, 1), factor=(0.1, 0.2), value_range=(-9, 9), seed=1)],
    "RandomErasing": [case((6, 4, 5, 1), scale=(0.1, 0.5), factor=(1.0, 1.0), fill_value=3.0, seed=1),
                      case((6, 2, 4, 5), factor=(1.0, 1.0), data_format="channels_first", seed=1)],
    "RandomGaussianBlur": [case((4, 3, 3, 1), factor=(0.8, 1.0), sigma=(0.3, 0.9), value_range=(-9, 9), seed=1)],
    "RandomGrayscale": [case((6, 3, 2, 3), factor=0.5, seed=1)],
    "RandomHue": [case((4, 3, 2, 3), factor=(0.1, 0.5), value_range=(-9, 9), seed=1)],
    "RandomInvert": [case((6, 3, 2, 1), factor=(0.5, 0.5), value_range=(-9, 9), seed=1)],
    "RandomPerspective": [case((6, 4, 5, 1), factor=(0.5, 1.0), scale=0.6, seed=1)],
    "RandomPosterization": [case((6, 3, 2, 1), factor=(1, 8), value_range=(-9, 9), seed=1)],
    "RandomSaturation": [case((4, 3, 2, 3), factor=(0.1, 0.5), value_range=(-9, 9), seed=1)],
    "RandomSharpness": [case((4, 3, 3, 1), factor=(0.1, 0.9), value_range=(-9, 9), seed=1),
                        case((4, 2, 3, 3), factor=(0.1, 0.9), value_range=(-9, 9), data_format="channels_first")],
    "Solarization": [case((4, 3, 2, 1), addition_factor=(0.1, 0.2), threshold_factor=(0.3, 0.6), value_range=(-9, 9),
                          seed=1)],
    "RandomCrop": [case((4, 5, 4, 1), height=2, width=2, seed=1), case((4, 1, 9, 4), height=2, width=2, seed=1,
                                                                       data_format="channels_first")],
    "RandomFlip": [case((4, 3, 2, 1), seed=1)],
    "RandomRotation": [case((4, 3, 2, 1), factor=(-0.2, 0.3), seed=1)],
    "RandomShear": [case((4, 3, 2, 1), x_factor=(0.1, 0.3), y_factor=(0.2, 0.4), seed=1)],
    "RandomTranslation": [case((4, 3, 2, 1), height_factor=0.2, width_factor=(-0.3, 0.1), seed=1),
                          case((4, 1, 3, 2), height_factor=0.2, width_factor=0.2, data_format="channels_first")],
    "RandomZoom": [case((4, 3, 2, 1), height_factor=0.2, width_factor=(-0.3, 0.1), seed=1, fill_mode="constant"),
                   case((4, 3, 2, 1), height_factor=0.2)],
    "ReLU": [case((4, 3)), case((4, 3), max_value=1.0, negative_slope=0.1, threshold=0.5)],
    "RepeatVector": [case((4, 3), n=2)],
    "Rescaling": [case((4, 3), scale=0.5), case((4, 2, 3), scale=[1.0, 2.0, 3.0], offset=[0.0, 1.0, 2.0])],
    "Resizing": [case((4, 3, 2, 1), height=2, width=4), case((4, 1, 3, 2), height=2, width=3, interpolation="bicubic",
                                                             data_format="channels_first")],
    "Reshape": [case((4, 2, 6), target_shape=(3, 4)), case((4, 2, 6), target_shape=(-1, 2))],
    "Softmax": [case((4, 3)), case((4, 2, 3), axis=1), case((4, 2, 3), axis=[1, 2])],
    "Subtract": [case(*PAIR), case((4, 2, 3), (4, 3))],
    "UnitNormalization": [case((4, 3)), case((4, 3, 2), axis=[1, 2]), case((4, 3, 2), axis=1)],
}  # fmt: skip

# convolutions and all that slides over pictures
CASES |= {
    "AdaptiveAveragePooling1D": [
        case((2, 5, 3), output_size=(2,)),
        case((2, 3, 5), output_size=(2,), data_format="channels_first"),
    ],
    "AdaptiveAveragePooling2D": [
        case((2, 4, 3, 2), output_size=(3, 2)),
        case((2, 2, 4, 3), output_size=(3, 2), data_format="channels_first"),
    ],
    "AdaptiveAveragePooling3D": [
        case((2, 2, 3, 2, 2), output_size=(1, 2, 2)),
        case((2, 2, 2, 3, 2), output_size=(1, 2, 2), data_format="channels_first"),
    ],
    "AdaptiveMaxPooling1D": [
        case((2, 5, 3), output_size=(2,)),
        case((2, 3, 5), output_size=(2,), data_format="channels_first"),
    ],
    "AdaptiveMaxPooling2D": [
        case((2, 4, 3, 2), output_size=(3, 2)),
        case((2, 2, 4, 3), output_size=(3, 2), data_format="channels_first"),
    ],
    "AdaptiveMaxPooling3D": [
        case((2, 2, 3, 2, 2), output_size=(1, 2, 2)),
        case((2, 2, 2, 3, 2), output_size=(1, 2, 2), data_format="channels_first"),
    ],
    "AveragePooling1D": [
        case((2, 5, 2), pool_size=(2,)),
        case((2, 2, 5), pool_size=(3,), strides=(2,), padding="same", data_format="channels_first"),
    ],
    "AveragePooling2D": [
        case((2, 5, 4, 2), pool_size=(2, 2)),
        case((2, 5, 4, 2), pool_size=(3, 2), strides=(1, 2), padding="same"),
        case((2, 2, 4, 5), pool_size=(2, 3), data_format="channels_first"),
    ],
    "AveragePooling3D": [
        case((2, 3, 2, 4, 2), pool_size=(2, 1, 2)),
        case((2, 2, 3, 2, 3), pool_size=(2, 2, 2), strides=(1, 1, 1), padding="same", data_format="channels_first"),
    ],
    "Conv1D": [
        case((2, 5, 2), filters=3, kernel_size=(3,)),
        case((2, 5, 2), filters=2, kernel_size=(2,), padding="causal", dilation_rate=(2,), activation="relu"),
        case(
            (2, 4, 6), filters=4, kernel_size=(3,), strides=(2,), groups=2, data_format="channels_first", use_bias=False
        ),
    ],
    "Conv1DTranspose": [
        case((2, 3, 2), filters=3, kernel_size=(3,), strides=(2,)),
        case((2, 2, 4), filters=2, kernel_size=(3,), padding="same", dilation_rate=(2,), data_format="channels_first"),
    ],
    "Conv2D": [
        case((2, 4, 5, 2), filters=3, kernel_size=(3, 2), activation="relu"),
        case((2, 4, 5, 2), filters=3, kernel_size=(3, 3), padding="same", strides=(2, 1), activation="tanh"),
        case((2, 4, 4, 4), filters=4, kernel_size=(2, 2), groups=2, activation="softmax", kernel_regularizer="l2"),
        case(
            (2, 2, 5, 4),
            filters=3,
            kernel_size=(2, 2),
            dilation_rate=(2, 1),
            data_format="channels_first",
            activation="gelu",
        ),
    ],
    "Conv2DTranspose": [
        case((2, 2, 3, 2), filters=3, kernel_size=(3, 2), strides=(2, 3), activation="relu"),
        case((2, 3, 2, 2), filters=2, kernel_size=(3, 3), strides=(2, 2), padding="same", output_padding=(1, 0)),
        case(
            (2, 2, 2, 3),
            filters=2,
            kernel_size=(2, 2),
            activation="softmax",
            data_format="channels_first",
            use_bias=False,
        ),
    ],
    "Conv3D": [
        case((2, 3, 3, 4, 2), filters=2, kernel_size=(2, 1, 3), activation="sigmoid"),
        case(
            (2, 2, 3, 2, 3),
            filters=2,
            kernel_size=(2, 2, 2),
            padding="same",
            strides=(1, 2, 1),
            data_format="channels_first",
        ),
    ],
    "Conv3DTranspose": [
        case((2, 2, 1, 2, 2), filters=2, kernel_size=(2, 2, 3), strides=(2, 1, 2), activation="tanh"),
        case((2, 2, 2, 1, 2), filters=2, kernel_size=(2, 3, 2), padding="same", data_format="channels_first"),
    ],
    "Cropping1D": [
        case((2, 5, 2), cropping=(1, 2)),
    ],
    "Cropping2D": [
        case((2, 5, 4, 2), cropping=((1, 0), (2, 1))),
        case((2, 2, 5, 4), cropping=((0, 1), (1, 1)), data_format="channels_first"),
    ],
    "Cropping3D": [
        case((2, 3, 2, 4, 2), cropping=((1, 0), (0, 1), (1, 2))),
        case((2, 2, 3, 2, 4), cropping=((1, 0), (0, 0), (1, 2)), data_format="channels_first"),
    ],
    "DepthwiseConv1D": [
        case((2, 5, 2), kernel_size=(3,), depth_multiplier=2, activation="relu"),
        case((2, 2, 5), kernel_size=(2,), padding="same", strides=(2,), data_format="channels_first"),
    ],
    "DepthwiseConv2D": [
        case((2, 4, 5, 2), kernel_size=(3, 2), depth_multiplier=2),
        case((2, 4, 5, 2), kernel_size=(3, 3), padding="same", strides=(2, 2), activation="elu", use_bias=False),
        case((2, 2, 4, 5), kernel_size=(2, 2), dilation_rate=(1, 2), data_format="channels_first"),
    ],
    "GlobalAveragePooling1D": [
        case((2, 5, 3)),
        case((2, 3, 5), keepdims=True, data_format="channels_first"),
    ],
    "GlobalAveragePooling2D": [
        case((2, 4, 3, 2)),
        case((2, 2, 4, 3), keepdims=True, data_format="channels_first"),
    ],
    "GlobalAveragePooling3D": [
        case((2, 2, 3, 2, 2)),
        case((2, 2, 2, 3, 2), keepdims=True, data_format="channels_first"),
    ],
    "GlobalMaxPooling1D": [
        case((2, 5, 3)),
        case((2, 3, 5), keepdims=True, data_format="channels_first"),
    ],
    "GlobalMaxPooling2D": [
        case((2, 4, 3, 2)),
        case((2, 2, 4, 3), keepdims=True, data_format="channels_first"),
    ],
    "GlobalMaxPooling3D": [
        case((2, 2, 3, 2, 2)),
        case((2, 2, 2, 3, 2), keepdims=True, data_format="channels_first"),
    ],
    "MaxPooling1D": [
        case((2, 5, 2), pool_size=(2,)),
        case((2, 2, 5), pool_size=(3,), strides=(2,), padding="same", data_format="channels_first"),
    ],
    "MaxPooling2D": [
        case((2, 5, 4, 2), pool_size=(2, 2)),
        case((2, 5, 4, 2), pool_size=(3, 2), strides=(1, 2), padding="same"),
        case((2, 2, 4, 5), pool_size=(2, 3), data_format="channels_first"),
    ],
    "MaxPooling3D": [
        case((2, 3, 2, 4, 2), pool_size=(2, 1, 2)),
        case((2, 2, 3, 2, 3), pool_size=(2, 2, 2), strides=(1, 1, 1), padding="same", data_format="channels_first"),
    ],
    "SeparableConv1D": [
        case((2, 5, 2), filters=3, kernel_size=(3,), depth_multiplier=2, activation="relu"),
        case((2, 2, 5), filters=3, kernel_size=(2,), padding="same", data_format="channels_first"),
    ],
    "SeparableConv2D": [
        case((2, 4, 5, 2), filters=3, kernel_size=(3, 2), depth_multiplier=2),
        case(
            (2, 2, 4, 5),
            filters=3,
            kernel_size=(3, 3),
            padding="same",
            strides=(2, 2),
            activation="softmax",
            data_format="channels_first",
        ),
    ],
    "SpatialDropout1D": [
        case((4, 3, 5), rate=0.4),
    ],
    "SpatialDropout2D": [
        case((4, 2, 3, 5), rate=0.4, seed=1),
        case((4, 5, 2, 3), rate=0.4, data_format="channels_first"),
    ],
    "SpatialDropout3D": [
        case((4, 2, 2, 3, 5), rate=0.4, seed=1),
        case((4, 5, 2, 2, 3), rate=0.4, data_format="channels_first"),
    ],
    "UpSampling1D": [
        case((2, 3, 2), size=3),
    ],
    "UpSampling2D": [
        case((2, 3, 2, 2), size=(2, 3)),
        case((2, 2, 2, 3), size=(2, 1), data_format="channels_first"),
        case((2, 3, 2, 2), size=(2, 3), interpolation="bilinear"),
        case((2, 3, 2, 2), size=(2, 3), interpolation="bicubic"),
        case((2, 3, 2, 2), size=(2, 3), interpolation="lanczos3"),
        case((2, 2, 2, 3), size=(2, 2), data_format="channels_first", interpolation="bilinear"),
    ],
    "UpSampling3D": [
        case((2, 2, 1, 2, 2), size=(2, 3, 1)),
        case((2, 2, 2, 1, 2), size=(1, 2, 2), data_format="channels_first"),
    ],
    "ZeroPadding1D": [
        case((2, 3, 2), padding=(1, 2)),
        case((2, 2, 3), padding=(0, 2), data_format="channels_first"),
    ],
    "ZeroPadding2D": [
        case((2, 3, 2, 2), padding=((1, 0), (2, 1))),
        case((2, 2, 3, 2), padding=((0, 1), (1, 1)), data_format="channels_first"),
    ],
    "ZeroPadding3D": [
        case((2, 2, 1, 2, 2), padding=((1, 0), (2, 1), (0, 1))),
        case((2, 2, 2, 1, 2), padding=((0, 1), (1, 1), (0, 0)), data_format="channels_first"),
    ],
}

SEQUENCES = ((2, 3, 4), (2, 5, 4))
CASES |= {
    "AdditiveAttention": [case(*SEQUENCES), case((2, 3, 4), (2, 5, 2), (2, 5, 4), use_scale=False)],
    "Attention": [
        case(*SEQUENCES), case(*SEQUENCES, use_scale=True), case(*SEQUENCES, score_mode="concat", use_scale=True),
        case((2, 3, 4), (2, 5, 2), (2, 5, 4)),
    ],
    "EinsumDense": [
        case((2, 3, 4), equation="abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de", activation="tanh"),
        case((2, 3, 2, 4), equation="abcd,cde->abe", output_shape=(None, 3), bias_axes="e", activation="gelu"),
        case((2, 3, 2, 4), equation="...x,xy->...y", output_shape=(3,), bias_axes="y"),
        case((2, 4, 3), equation="ab...,bc->ac...", output_shape=(5,), bias_axes="c"),
        case((2, 3, 4), equation="abc,bcd->abd", output_shape=(3, 2)),
    ],
    # without bias: the keys' has no gradient, for softmax does not see what all scores have in common
    "GroupQueryAttention": [
        case(*SEQUENCES, head_dim=2, num_query_heads=4, num_key_value_heads=2, use_bias=False),
        case(*SEQUENCES, head_dim=2, num_query_heads=2, num_key_value_heads=1, use_bias=False, use_gate=True,
             sliding_window=3, kernel_regularizer="l2"),
    ],
    "MultiHeadAttention": [
        case(*SEQUENCES, num_heads=2, key_dim=2, use_bias=False),
        case((2, 3, 4), (2, 5, 3), (2, 5, 2), num_heads=2, key_dim=2, value_dim=3, use_bias=False, output_shape=(2, 3),
             use_gate=True),
        case((2, 2, 3, 4), (2, 2, 3, 4), num_heads=2, key_dim=2, use_bias=False, attention_axes=(2,),
             activity_regularizer="l2"),
    ],
}  # fmt: skip

# what carries a state along a sequence, and what wraps other layers
CASES |= {
    "Bidirectional": [
        case((2, 3, 2), layer=inner("LSTM", units=2)),
        case((2, 3, 2), layer=inner("GRU", units=2, return_sequences=True), merge_mode="mul"),
    ],
    "ConvLSTM1D": [case((2, 3, 4, 2), filters=2, kernel_size=(2,), return_sequences=True)],
    "ConvLSTM2D": [
        case((2, 2, 3, 3, 1), filters=2, kernel_size=(2, 2), padding="same", go_backwards=True),
        case((2, 2, 1, 3, 3), filters=2, kernel_size=(2, 2), data_format="channels_first", strides=(2, 1)),
    ],
    "ConvLSTM3D": [case((2, 2, 2, 2, 3, 1), filters=2, kernel_size=(1, 2, 2))],
    "GRU": [
        case((2, 3, 2), units=2),
        case((2, 3, 2), units=2, reset_after=False, return_sequences=True, go_backwards=True),
        case((2, 3, 2), units=2, activation="softsign", use_bias=False),
    ],
    "LSTM": [
        case((2, 3, 2), units=2),
        case((2, 3, 2), units=2, return_sequences=True, go_backwards=True, unit_forget_bias=False),
        case((2, 3, 2), units=2, recurrent_activation="softsign", kernel_regularizer="l2"),
    ],
    "Masking": [case((2, 3, 2)), case((2, 3, 2), mask_value=0.5)],
    "RNN": [
        case((2, 3, 2), cell=inner("GRUCell", units=2), return_sequences=True),
        case((2, 3, 2), cell=inner("StackedRNNCells", cells=[inner("LSTMCell", units=2), inner("GRUCell", units=3)])),
    ],
    "SimpleRNN": [
        case((2, 3, 2), units=2, return_sequences=True),
        case((2, 3, 2), units=2, activation="elu", go_backwards=True),
    ],
    "MelSpectrogram": [
        case((2, 40), fft_length=16, sequence_stride=8, num_mel_bins=3),
        case(
            (2, 40),
            fft_length=16,
            sequence_length=12,
            sequence_stride=5,
            num_mel_bins=3,
            power_to_db=False,
            mag_exp=1.0,
        ),
    ],
    "STFTSpectrogram": [
        case((2, 20, 2), mode="stft", frame_length=8, frame_step=3, fft_length=16),
        case((2, 2, 20), mode="psd", frame_length=8, padding="same", data_format="channels_first", scaling="spectrum"),
        case((2, 20, 1), frame_length=8, window="hamming", periodic=True, expand_dims=True),
    ],
    "TimeDistributed": [
        case((2, 3, 2), layer=inner("Dense", units=2, activation="tanh")),
        case((2, 3, 4, 2), layer=inner("LSTM", units=2)),
    ],
}


class Lookup(NamedTuple):
    """Settings of a layer that looks values up, what it learns from, and two batches for it (a list: two inputs)."""

    settings: dict[str, Any]
    learned: Any
    first: Any
    second: Any


def texts(*values: Any) -> np.ndarray:
    return np.array(values, object)


WORDS = (texts("red", "blue", "red!"), texts("green", "", "blue"))
TALKS = (texts("a cat", "A cat sat."), texts("the dog sat", ""))
NUMBERS = (np.array([[3, 9], [7, 3]]), np.array([[-1, 7], [9, 0]]))
# no weights, no gradients, texts and whole numbers: they keep a contract of their own, below
LOOKUPS: dict[str, list[Lookup]] = {
    "CategoryEncoding": [
        Lookup({"num_tokens": 4}, None, np.array([[0, 3], [1, 1]]), np.array([[2, 2], [0, 1]])),
        Lookup({"num_tokens": 3, "output_mode": "one_hot"}, None, np.array([[0], [2]]), np.array([[1], [1]])),
        Lookup({"num_tokens": 4, "output_mode": "count"}, None, np.array([[0, 3], [1, 1]]), np.array([[2, 2], [0, 1]])),
    ],
    "Discretization": [
        Lookup({"bin_boundaries": [0.0, 1.5]}, None, np.float32([[-1.0], [2.0]]), np.float32([[0.0], [1.0]])),
        Lookup({"num_bins": 3, "epsilon": 0.1}, np.arange(30.0), np.float32([[-1.0], [20.0]]), np.float32([[9.0], [1.0]])),
        Lookup({"bin_boundaries": [0.0, 1.5], "output_mode": "count"}, None,
               np.float32([[-1.0, 7.0], [2.0, 3.0]]), np.float32([[0.0, 1.0], [1.0, 2.0]])),
    ],
    "HashedCrossing": [
        Lookup({"num_bins": 5}, None, [WORDS[0], np.array([1, 2, 3])], [WORDS[1], np.array([-3, 2, 1])]),
        Lookup({"num_bins": 3, "output_mode": "one_hot"}, None,
               [WORDS[0][:, None], WORDS[1][:, None]], [WORDS[1][:, None], WORDS[0][:, None]]),
    ],
    "Hashing": [
        Lookup({"num_bins": 5}, None, *WORDS),
        Lookup({"num_bins": 4, "mask_value": "", "salt": [3, 4], "output_mode": "one_hot"}, None, *WORDS),
        Lookup({"num_bins": 7, "salt": [1, 1]}, None, *NUMBERS),
    ],
    "IntegerLookup": [
        Lookup({}, [3, 3, 7], *NUMBERS),
        Lookup({"vocabulary": [7, 9], "num_oov_indices": 2, "mask_token": 0}, None, *NUMBERS),
        Lookup({"max_tokens": 5, "output_mode": "multi_hot", "pad_to_max_tokens": True}, [3, 3, 7], *NUMBERS),
        Lookup({"vocabulary": [7, 9], "invert": True}, None, np.array([0, 1, 2]), np.array([2, 9, 1])),
    ],
    "StringLookup": [
        Lookup({}, ["red", "red", "blue"], *WORDS),
        Lookup({"vocabulary": ["red", "green"], "num_oov_indices": 3, "mask_token": ""}, None, *WORDS),
        Lookup({"output_mode": "tf_idf"}, [["red", "blue"], ["red", "x"]], WORDS[0][:, None], WORDS[1][:, None]),
        Lookup({"vocabulary": ["red", "green"], "invert": True}, None, np.array([0, 1, 2]), np.array([2, 9, 1])),
    ],
    "TextVectorization": [
        Lookup({"output_sequence_length": 3}, ["a cat sat", "a dog"], *TALKS),
        Lookup({"output_mode": "count", "ngrams": (1, 2), "standardize": "lower"}, ["a cat", "a dog"], *TALKS),
        Lookup({"vocabulary": ["cat", "dog"], "split": "character", "output_sequence_length": 4}, None, *TALKS),
        Lookup({"output_mode": "tf_idf", "max_tokens": 9, "pad_to_max_tokens": True}, ["a cat", "a dog"], *TALKS),
        Lookup({"split": None, "standardize": None}, ["a cat", "a dog"], *TALKS),
    ],
}  # fmt: skip

# they are no layers of a model's middle, and tests/layers says what they do
APART = {
    "GRUCell", "InputLayer", "LSTMCell", "Layer", "Pipeline", "SimpleRNNCell", "SpectralNormalization", "StackedRNNCells",
    "Wrapper",
}  # fmt: skip
# in training they draw: the same input gives another output at every call
RANDOM = {
    "AlphaDropout", "AugMix", "CutMix", "Dropout", "GaussianDropout", "GaussianNoise", "MixUp", "RandAugment", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomErasing",
    "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
    "RandomPosterization",
    "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
    "Solarization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
}  # fmt: skip
# what Keras's configurations of these layers leave out
NOT_TOLD = {
    "EinsumDense": {"gptq_unpacked_column_size"},
    "GroupQueryAttention": {"flash_attention"},
    "MultiHeadAttention": {"flash_attention"},
    "GRU": {"use_cudnn"},
    "LSTM": {"use_cudnn"},
    "SimpleRNN": {"seed"},
}
# a configuration never holds its code
NOT_FROM_CONFIG = {"Lambda"}

CLASSES = {thing.__name__: thing for thing in table("keras.layers").values() if inspect.isclass(thing)}
EVERY = [pytest.param(name, c, id=f"{name}-{i}") for name, found in CASES.items() for i, c in enumerate(found)]
REPEATABLE = [p for p in EVERY if p.values[0] not in NOT_FROM_CONFIG]
every_layer = pytest.mark.parametrize(("name", "c"), EVERY)
# their inputs are arguments of their own, not a list
SPREAD = {"GroupQueryAttention", "MultiHeadAttention"}
# layers of whole numbers: from 0 to below this
WHOLE = {"Embedding": 5}


def new(name: str, settings: dict[str, Any], **more: Any) -> Any:
    """The layer, with new layers among its settings; `more` is for these too."""

    def fresh(setting: Any) -> Any:
        return new(*setting, **more) if isinstance(setting, Inner) else setting

    fully = {k: [*map(fresh, v)] if k == "cells" else fresh(v) for k, v in settings.items()}
    return CLASSES[name](**fully, **more)


def make(name: str, c: Case, dtype: str = "float32") -> Layer:
    """The layer with weights that are not what they began as (positive: a variance is among them)."""
    layer: Layer = new(name, c.settings, dtype=dtype)
    shapes = [(None, *shape[1:]) for shape in c.shapes]
    layer.build(*together(name, shapes))
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    layer.set_weights([rng.uniform(0.2, 1.2, w.shape).astype(w.dtype) for w in layer.weights])
    return layer


def draw(name: str, c: Case, dtype: str = "float32", batch: int | None = None, seed: int = 0) -> Any:
    """Inputs without two equal numbers and away from 0, 0.5 and 1, where the layers have kinks."""
    rng = np.random.default_rng(zlib.crc32(name.encode()) + seed)
    arrays = []
    for number, shape in enumerate(c.shapes):
        whole = shape if batch is None else (batch, *shape[1:])
        count = int(np.prod(whole))
        if name in WHOLE:
            arrays.append(rng.integers(0, WHOLE[name], whole).astype("int32"))
            continue
        grid = (rng.permutation(count) + 0.3 + 0.1 * number) / max(count, 1)
        arrays.append((grid * 4 - 2.0123).reshape(whole).astype(dtype))
    return arrays if len(arrays) > 1 else arrays[0]


def together(name: str, things: list[Any]) -> list[Any]:
    """The arguments of a call with these inputs, or of a build with their shapes: all in one list, or one by one."""
    if name in SPREAD:
        return things
    return [things if len(things) > 1 else things[0]]


def called(layer: Layer, inputs: Any, training: bool) -> Any:
    return layer(*together(type(layer).__name__, inputs if isinstance(inputs, list) else [inputs]), training=training)


def tensors(inputs: Any) -> Any:
    return map_structure(Tensor, inputs)


def same(a: Any, b: Any, rtol: float = 1e-6) -> None:
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=rtol, atol=rtol)


def test_every_layer_has_a_case() -> None:
    assert set(CASES) | set(LOOKUPS) | APART == set(CLASSES), "a layer without a case, or a case without a layer"


def test_every_layer_is_public_and_explained() -> None:
    for name, cls in CLASSES.items():
        assert getattr(layers, name) is cls
        assert name in layers.__all__
        assert cls.__doc__


@every_layer
def test_shape_told_is_shape_made(name: str, c: Case) -> None:
    layer = new(name, c.settings)
    open_shapes = [(None, *shape[1:]) for shape in c.shapes]
    symbols = [KerasTensor(shape) for shape in open_shapes]
    symbolic = layer(*together(name, symbols))
    made = called(layer, tensors(draw(name, c)), training=False)
    assert symbolic.shape == (None, *made.shape[1:])
    assert str(symbolic.dtype) == made.dtype.name
    told = layer.compute_output_shape(*together(name, open_shapes))
    assert tuple(told) == symbolic.shape
    told = layer.compute_output_shape(*together(name, list(c.shapes)))
    assert tuple(told) == made.shape


@pytest.mark.parametrize(("name", "c"), REPEATABLE)
def test_configuration_makes_the_same_layer(name: str, c: Case) -> None:
    layer = make(name, c)
    described = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(described)
    assert type(again) is type(layer)
    assert again.built
    assert json.loads(json.dumps(layers.serialize(again))) == described
    assert [(w.name, w.path, w.shape, w.trainable) for w in again.weights] == [
        (w.name, w.path, w.shape, w.trainable) for w in layer.weights
    ]
    again.set_weights(layer.get_weights())
    x = tensors(draw(name, c))
    same(called(again, x, training=False), called(layer, x, training=False))
    fresh = type(layer).from_config(layer.get_config())
    assert _unbuilt(fresh.get_config()) == _unbuilt(layer.get_config())


def _unbuilt(config: Any) -> Any:
    """A configuration without the shapes that layers within it were built for."""
    if isinstance(config, dict):
        return {k: _unbuilt(v) for k, v in config.items() if k != "build_config"}
    return [*map(_unbuilt, config)] if isinstance(config, list) else config


@pytest.mark.parametrize(("name", "c"), REPEATABLE)
def test_configuration_holds_every_setting(name: str, c: Case) -> None:
    config = new(name, c.settings).get_config()
    known = set(inspect.signature(CLASSES[name].__init__).parameters) - {"self", "kwargs"}
    # the first two are refused, the third is told where there is one, the fourth is what the weights begin with
    apart = {"lora_rank", "lora_alpha", "activity_regularizer", "weights"} | NOT_TOLD.get(name, set())
    assert known - set(config) <= apart
    for key, given in c.settings.items():
        if given is not None and not isinstance(given, (str, Inner)):  # names and layers are told as objects
            assert list(np.ravel(config[key])) == list(np.ravel(given)), key


@every_layer
def test_weights_are_stored_and_come_back(name: str, c: Case) -> None:
    layer, other = make(name, c), make(name, c)
    other.set_weights([np.zeros_like(w) + 1 for w in other.get_weights()])
    count = 0
    mine, theirs = ([thing for _, thing in saveables(one) if isinstance(thing, Layer)] for one in (layer, other))
    for ours, its in zip(mine, theirs, strict=True):  # the layer, and those within it
        store: dict[str, np.ndarray] = {}
        ours.save_own_variables(store)
        assert list(store) == [str(i) for i in range(len(store))]
        its.load_own_variables(store)
        count += len(store)
    assert count == len(layer.weights)
    x = tensors(draw(name, c))
    same(called(other, x, training=False), called(layer, x, training=False))
    for a, b in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@every_layer
@pytest.mark.parametrize("training", [False, True])
def test_gradient(name: str, c: Case, training: bool) -> None:
    if training and name in RANDOM:
        training = False
    layer = make(name, c, "float64")
    inputs = draw(name, c, "float64")

    def call(*xs: Tensor) -> Tensor:
        result: Tensor = layer(*together(name, list(xs)), training=training)
        return result

    report = gradcheck(
        call, *(inputs if len(c.shapes) > 1 else [inputs]), variables=layer.trainable_weights, tolerance=1e-6
    )
    floats = 0 if name in WHOLE else sum(int(np.prod(s)) for s in c.shapes)
    assert report.checked == floats + sum(w.size for w in layer.trainable_weights)


@every_layer
def test_types(name: str, c: Case) -> None:
    for policy, weights, result in (
        ("float64", "float64", "float64"), ("float16", "float16", "float16"),
        ("mixed_float16", "float32", "float16"),
    ):  # fmt: skip
        layer = make(name, c, policy)
        assert {w.dtype for w in layer.weights if w.name != "count"} <= {weights}
        inputs = draw(name, c)
        outputs = [called(layer, tensors(inputs), training=training) for training in (False, True)]
        for y in outputs:
            assert y.dtype.name == result
            assert np.isfinite(y.numpy()).all()
        full = called(make(name, c), tensors(inputs), training=False)
        np.testing.assert_allclose(outputs[0].numpy(), full.numpy(), rtol=0.02, atol=0.02)


@every_layer
def test_empty_batch(name: str, c: Case) -> None:
    layer = make(name, c)
    y = called(layer, tensors(draw(name, c, batch=0)), training=False)
    assert y.shape == (0, *called(layer, tensors(draw(name, c)), training=False).shape[1:])


@every_layer
def test_memory_order_does_not_matter(name: str, c: Case) -> None:
    layer, inputs = make(name, c), draw(name, c)
    expected = called(layer, tensors(inputs), training=False)
    for rearrange in (np.asfortranarray, _spread_out, _backwards):
        same(called(layer, tensors(map_structure(rearrange, inputs)), training=False), expected, rtol=1e-5)


def _spread_out(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=-1)[..., ::2]


def _backwards(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[::-1])[::-1]


@every_layer
def test_inputs_are_left_alone(name: str, c: Case) -> None:
    layer, inputs = make(name, c), draw(name, c)
    before = [x.copy() for x in flatten(inputs)]
    called(layer, tensors(inputs), training=True)
    for x, kept in zip(flatten(inputs), before, strict=True):
        np.testing.assert_array_equal(x, kept)


@every_layer
def test_training_reaches_every_weight(name: str, c: Case) -> None:
    layer = make(name, c)
    with Tape() as tape:
        y = called(layer, tensors(draw(name, c)), training=True)
        loss = ops.sum(ops.multiply(y, np.linspace(-1, 2, y.size, dtype="float32").reshape(y.shape)))
    for weight, g in zip(layer.trainable_weights, tape.gradient(loss, layer.trainable_weights), strict=True):
        assert g is not None, weight.path
        assert g.shape == weight.shape
        assert np.isfinite(g.numpy()).all()
        assert np.abs(g.numpy()).max() > 0, weight.path


@every_layer
def test_a_recorded_step_repeats(name: str, c: Case) -> None:
    layer, twin = make(name, c), make(name, c)

    def step(inputs: Any, chosen: Layer = layer) -> tuple[Any, Any]:
        y = called(chosen, inputs, training=True)
        return ops.sum(ops.square(y)), y

    first, second = draw(name, c), draw(name, c, seed=1)
    plan = Plan(step, (first,), layer.trainable_weights)
    assert plan.unrepeatable is None
    loss, output, gradients = plan(flatten(second))
    if name in RANDOM:
        _, again, _ = plan(flatten(second))
        assert not np.array_equal(output, again), "a repeated step must draw anew"
        return
    step(tensors(first), twin)
    with Tape() as tape:
        expected_loss, expected = step(tensors(second), twin)
    np.testing.assert_allclose(output, expected.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loss, expected_loss.numpy(), rtol=1e-5)
    wanted = tape.gradient(expected_loss, twin.trainable_weights)
    for g, want in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(g, want.numpy(), rtol=1e-4, atol=1e-4)
    for mine, theirs in zip(layer.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(set(CASES)))
def test_unknown_settings_are_refused(name: str) -> None:
    settings = CASES[name][0].settings
    settings = {k: new(*v) if isinstance(v, Inner) else v for k, v in settings.items()}
    with pytest.raises(ArgumentError, match="Unrecognized keyword arguments"):
        CLASSES[name](**settings, colour="blue")


# -- layers that look values up ---------------------------------------------------------------------------------

EVERY_LOOKUP = [pytest.param(name, c, id=f"{name}-{i}") for name, found in LOOKUPS.items() for i, c in enumerate(found)]
every_lookup = pytest.mark.parametrize(("name", "c"), EVERY_LOOKUP)


def learned(name: str, c: Lookup) -> Any:
    layer = CLASSES[name](**c.settings)
    if c.learned is not None:
        layer.adapt(c.learned)
    return layer


def equal(a: Any, b: Any) -> None:
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@every_lookup
def test_lookup_shape_told_is_shape_made(name: str, c: Lookup) -> None:
    layer = learned(name, c)
    symbols = map_structure(lambda x: KerasTensor((None, *x.shape[1:]), x.dtype), c.first)
    symbolic, made = layer(symbols), layer(c.first)
    assert symbolic.shape == (None, *made.shape[1:])
    assert symbolic.dtype == dtype_name(made.dtype)
    assert tuple(layer.compute_output_shape(map_structure(lambda x: x.shape, c.first))) == made.shape
    assert layer.weights == []


@every_lookup
def test_lookup_configuration_and_files_make_the_same_layer(name: str, c: Lookup) -> None:
    layer = learned(name, c)
    described = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(described)
    assert json.loads(json.dumps(layers.serialize(again))) == described or c.learned is not None
    store: dict[str, np.ndarray] = {}
    layer.save_own_variables(store)
    again.load_own_variables(store)
    if hasattr(layer, "write_assets"):
        again.read_assets(layer.write_assets())
        assert again.get_vocabulary() == layer.get_vocabulary()
    assert json.loads(json.dumps(layers.serialize(again))) == described
    for x in (c.first, c.second):
        equal(again(x), layer(x))
    for key, given in c.settings.items():
        assert list(np.ravel(layer.get_config()[key])) == list(np.ravel(given)), key
    known = set(inspect.signature(CLASSES[name].__init__).parameters) - {"self", "kwargs"}
    # of the one Keras tells no `sparse`, of the other no type: it has one only
    assert known - set(layer.get_config()) <= {"sparse"}


@every_lookup
def test_a_recorded_lookup_is_done_anew(name: str, c: Lookup) -> None:
    layer = learned(name, c)
    plan = Plan(lambda x: (None, layer(x)), (c.first,))
    assert plan.unrepeatable is None
    _, output, _ = plan(flatten(c.second))
    equal(output, layer(c.second))
    assert not np.array_equal(output, np.asarray(layer(c.first)))


@every_lookup
def test_lookup_of_an_empty_batch_and_of_arrays_of_any_order(name: str, c: Lookup) -> None:
    layer = learned(name, c)
    expected = layer(c.first)
    assert layer(map_structure(lambda x: x[:0], c.first)).shape == (0, *expected.shape[1:])
    before = map_structure(np.copy, c.first)
    for rearrange in (np.asfortranarray, _spread_first, _backwards):
        equal(layer(map_structure(rearrange, c.first)), expected)
    for x, kept in zip(flatten(c.first), flatten(before), strict=True):
        equal(x, kept)


def _spread_first(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 2, axis=0)[::2]


@pytest.mark.parametrize("name", sorted(LOOKUPS))
def test_unknown_settings_of_lookups_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="Unrecognized keyword arguments"):
        CLASSES[name](**LOOKUPS[name][0].settings, colour="blue")
