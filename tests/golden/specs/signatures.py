"""The signatures of Keras's public classes and functions: parameter names, order, kinds and defaults."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from tests.golden.reader import look_up
from tests.golden.specs.ops import REQUIRED as REQUIRED_OPS

SEED = 7008


def _words(text: str) -> list[str]:
    return text.split()


LAYERS = _words(
    """
    Layer Input InputSpec Dense Activation ReLU LeakyReLU PReLU ELU Softmax Dropout GaussianNoise
    GaussianDropout AlphaDropout ActivityRegularization Flatten Reshape Permute RepeatVector Identity
    Rescaling Normalization BatchNormalization LayerNormalization GroupNormalization UnitNormalization
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot Lambda
    Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D
    SeparableConv1D SeparableConv2D Convolution1D Convolution2D Convolution3D Convolution1DTranspose
    Convolution2DTranspose Convolution3DTranspose SeparableConvolution1D SeparableConvolution2D
    MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D MaxPool1D MaxPool2D
    MaxPool3D AvgPool1D AvgPool2D AvgPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPool1D GlobalMaxPool2D
    GlobalMaxPool3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D AdaptiveAveragePooling1D
    AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D
    AdaptiveMaxPooling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D UpSampling1D
    UpSampling2D UpSampling3D SpatialDropout1D SpatialDropout2D SpatialDropout3D
    Resizing CenterCrop RandomFlip RandomTranslation RandomRotation RandomZoom RandomShear RandomPerspective RandomCrop
    RandomBrightness RandomContrast RandomSaturation RandomHue RandomColorDegeneration RandomColorJitter RandomGrayscale
    RandomInvert RandomPosterization RandomSharpness RandomGaussianBlur RandomErasing Solarization AutoContrast
    Equalization MixUp CutMix
    """
)
IMAGE_OPS = _words(
    """
    resize affine_transform perspective_transform map_coordinates crop_images pad_images rgb_to_grayscale rgb_to_hsv
    hsv_to_rgb gaussian_blur extract_patches extract_patches_3d
    """
)
CALLBACKS = _words(
    """
    Callback History EarlyStopping ModelCheckpoint ReduceLROnPlateau LearningRateScheduler CSVLogger
    TerminateOnNaN LambdaCallback ProgbarLogger TensorBoard
    """
)
UTILS = _words(
    """
    PyDataset Sequence set_random_seed to_categorical normalize
    """
)
METHODS = _words(
    """
    Model.compile Model.fit Model.evaluate Model.predict Model.train_on_batch Model.test_on_batch
    Model.predict_on_batch Model.summary Model.save Model.save_weights Model.load_weights
    Model.get_layer Model.train_step Model.test_step Model.predict_step Model.compute_loss
    Model.from_config Sequential Sequential.add Sequential.pop layers.Layer.add_weight
    layers.Layer.add_loss layers.Layer.build layers.Layer.get_config layers.Layer.set_weights
    layers.Layer.get_weights layers.Layer.compute_output_shape optimizers.Optimizer.apply
    optimizers.Optimizer.apply_gradients optimizers.Optimizer.build
    optimizers.Optimizer.finalize_variable_values metrics.Metric.update_state metrics.Metric.result
    metrics.Metric.reset_state metrics.Metric.add_variable losses.Loss.call losses.Loss.get_config
    models.load_model models.clone_model models.save_model Variable KerasTensor
    """
)
WHOLE_MODULES = [
    "losses", "metrics", "optimizers", "optimizers.schedules", "initializers", "regularizers", "constraints", "activations",
]  # fmt: skip
# beyond the first milestone
LATER = {
    "losses.CTC", "losses.ctc", "optimizers.Ftrl", "optimizers.Lamb", "optimizers.Adafactor", "optimizers.legacy",
    "optimizers.LossScaleOptimizer", "optimizers.MultiOptimizer", "optimizers.OptimizerMap",
    "optimizers.ScheduleFreeAdamW", "initializers.STFT", "initializers.STFTInitializer", "initializers.stft",
    *(f"models.{name}" for name in ("clone_model",)), "KerasTensor",
}  # fmt: skip


def names(keras: Any) -> list[str]:
    """Every public name that is asked for, dotted."""
    listed = [f"layers.{n}" for n in LAYERS] + [f"callbacks.{n}" for n in CALLBACKS] + [f"utils.{n}" for n in UTILS]
    for module in WHOLE_MODULES:
        listed += [f"{module}.{n}" for n in sorted(dir(look_up(keras, module))) if not n.startswith("_")]
    listed += [f"ops.{n}" for n in sorted(dir(keras.ops)) if not n.startswith("_")]
    listed += [f"ops.image.{n}" for n in sorted(dir(keras.ops.image)) if not n.startswith("_")]
    return [n for n in listed + METHODS if callable(look_up(keras, n))]


def required(name: str) -> bool:
    """Whether the first milestone asks for it."""
    if name.startswith("ops.image."):
        return name.removeprefix("ops.image.") in IMAGE_OPS
    if name.startswith("ops."):
        return name.removeprefix("ops.") in REQUIRED_OPS
    return name not in LATER


def signature(thing: Any) -> list[list[str]]:
    """``[name, kind, default]`` of every parameter but `self`; kinds: "", "*" (keyword only), "*args", "**kwargs"."""
    told = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.name == "self":
            continue
        kind = {
            parameter.KEYWORD_ONLY: "*",
            parameter.VAR_POSITIONAL: "*args",
            parameter.VAR_KEYWORD: "**kwargs",
        }
        default = "" if parameter.default is parameter.empty else re.sub(r" at 0x\w+", "", repr(parameter.default))
        told.append([parameter.name, kind.get(parameter.kind, ""), default])
    return told


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every name, without its signature."""
    for name in names(keras):
        yield {"id": name, "setup": {"name": name, "required": required(name)}}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """The signature of one name."""
    return {"parameters": signature(look_up(bridge.keras, setup["name"]))}
