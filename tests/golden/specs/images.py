"""Pictures: the functions of keras.ops.image, and the layers that resize and vary pictures.

A layer that draws is compared where it cannot choose: with ranges of one number, or with a transformation given to
`transform_images` instead of a drawn one. Every layer's configuration is compared as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.golden.reader import build, look_up, new

SEED = 7011

_rng = np.random.RandomState(SEED)


def _floats(*shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return _rng.uniform(low, high, shape).astype("float32")


GREY, ODD, COLOUR = _floats(2, 6, 5, 1), _floats(2, 7, 4, 2), _floats(2, 4, 5, 3)
BYTES = _rng.randint(0, 256, (2, 6, 5, 3)).astype("uint8")
ONE, FIRST = _floats(5, 6, 3), _floats(2, 3, 5, 6)
# factors of their own for each picture; nothing stands exactly between two pixels
TURNED = np.array([[0.9, -0.3, 1.13, 0.25, 1.1, -0.87, 0, 0], [1.2, 0.4, -7.31, -0.35, 0.8, 5.17, 0, 0]], "float32")
MOVED = np.array([[1, 0, 1.37, 0, 1, -2.21, 0, 0], [0.7, 0, -3.3, 0, 1.9, 2.6, 0, 0]], "float32")
PROJECTED = np.array([[0.9, -0.3, 1.13, 0.25, 1.1, -0.87, 0.03, 0.02]], "float32")
CORNERS = np.array([[[0, 0], [3, 0], [0, 6], [3, 6]]] * 2, "float32")
SHIFTS = _floats(2, 4, 2, low=-0.7, high=0.7)
PLACES = _floats(3, 8, low=-0.6, high=1.7)
RAISING = 32.0  # positions of several pixels, in float32, times differences of neighbours


def _op_lines() -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any], float]]:
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"):
        for size in ((3, 8), (9, 2)):
            yield "resize", (GREY, size), {"interpolation": interpolation}, 8.0
        yield "resize", (ODD, (7, 4)), {"interpolation": interpolation}, 8.0
        yield "resize", (ODD, (3, 3)), {"interpolation": interpolation, "antialias": True}, 8.0
        yield "resize", (FIRST, (3, 4)), {"interpolation": interpolation, "data_format": "channels_first"}, 8.0
    for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3"):
        yield "resize", (BYTES, (4, 7)), {"interpolation": interpolation}, 1.0
    for size in ((3, 3), (2, 7), (8, 3)):
        yield "resize", (ONE, size), {"crop_to_aspect_ratio": True}, 8.0
        yield "resize", (ONE, size), {"pad_to_aspect_ratio": True, "fill_value": 0.5}, 8.0
    for mode in ("constant", "nearest", "wrap", "reflect"):
        for interpolation in ("nearest", "bilinear"):
            said = {"interpolation": interpolation, "fill_mode": mode, "fill_value": 0.25}
            for transform in (TURNED, MOVED, PROJECTED[0]):
                yield "affine_transform", (ODD, transform), said, RAISING
            yield "affine_transform", (FIRST, TURNED), {**said, "data_format": "channels_first"}, RAISING
    yield "affine_transform", (ONE, TURNED[0]), {}, RAISING
    yield "crop_images", (ODD,), {"top_cropping": 1, "left_cropping": 2, "target_height": 3, "target_width": 2}, 1.0
    yield "crop_images", (ONE,), {"bottom_cropping": 1, "right_cropping": 2, "target_height": 3, "target_width": 2}, 1.0
    yield (
        "crop_images",
        (FIRST,),
        {
            "top_cropping": 1,
            "bottom_cropping": 1,
            "left_cropping": 0,
            "right_cropping": 2,
            "data_format": "channels_first",
        },
        1.0,
    )
    yield "pad_images", (ODD,), {"top_padding": 1, "left_padding": 2, "target_height": 9, "target_width": 8}, 1.0
    yield "pad_images", (BYTES,), {"bottom_padding": 1, "right_padding": 2, "target_height": 9, "target_width": 8}, 1.0
    for x in (COLOUR, ONE, GREY, BYTES):
        yield "rgb_to_grayscale", (x,), {}, 2.0
    for name in ("rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb"):
        yield name, (FIRST,), {"data_format": "channels_first"}, 4.0
    for name in ("rgb_to_hsv", "hsv_to_rgb"):
        yield name, (COLOUR,), {}, 4.0
        yield name, (np.round(ONE * 2) / 2,), {}, 4.0  # greys, black, and equal parts
    yield "extract_patches", (ODD, 2), {}, 1.0
    yield "extract_patches", (ONE, (3, 2)), {"strides": 2, "padding": "same"}, 1.0
    yield "extract_patches", (ODD, 3), {"strides": 1, "padding": "same", "dilation_rate": 2}, 1.0
    yield "extract_patches_3d", (_floats(2, 3, 5, 4, 2), (2, 3, 2)), {"strides": (1, 2, 2), "padding": "same"}, 1.0
    yield "gaussian_blur", (COLOUR,), {}, 4.0
    yield "gaussian_blur", (ODD,), {"kernel_size": (5, 5), "sigma": (0.7, 1.9)}, 4.0
    yield "gaussian_blur", (ODD,), {"kernel_size": (3, 5), "sigma": (0.7, 1.9)}, 4.0
    for interpolation in ("nearest", "bilinear"):
        said = {"interpolation": interpolation, "fill_value": 0.25}
        yield "perspective_transform", (ODD, CORNERS, CORNERS + SHIFTS), said, RAISING
        yield "perspective_transform", (ONE, CORNERS[0], (CORNERS + SHIFTS)[1]), said, RAISING
    for mode in ("constant", "nearest", "wrap"):  # Keras's mirror and reflect fail on TensorFlow
        for order in (0, 1):
            for x in (ONE, BYTES[..., 0]):
                places = PLACES * np.array(x.shape, "float32")[:, None]
                yield "map_coordinates", (x, places, order), {"fill_mode": mode, "fill_value": 3}, RAISING


BOXES = np.zeros((2, 4, 5, 1), bool)
BOXES[0, 1:3, :2], BOXES[1, :2, 3:] = True, True
MIX = {"mix_weight": np.array([0.3, 0.8], "float32"), "permutation_order": np.array([1, 0], "int32")}
HALF = np.array([True, False])
UNIT = {"value_range": (0, 1)}

# class, settings, pictures, the transformation that is given (None: the layer is called, and cannot choose)
LAYERS: list[tuple[str, dict[str, Any], np.ndarray, Any]] = [
    ("Resizing", {"height": 3, "width": 8}, GREY, None),
    ("Resizing", {"height": 4, "width": 4, "interpolation": "bicubic", "antialias": True}, BYTES, None),
    ("Resizing", {"height": 4, "width": 4, "pad_to_aspect_ratio": True, "fill_value": 0.5}, ONE, None),
    ("Resizing", {"height": 4, "width": 4, "crop_to_aspect_ratio": True, "data_format": "channels_first"}, FIRST, None),
    ("CenterCrop", {"height": 3, "width": 2}, ODD, None),
    ("CenterCrop", {"height": 4, "width": 4}, BYTES, None),
    ("CenterCrop", {"height": 8, "width": 3}, ODD, None),
    ("CenterCrop", {"height": 2, "width": 3, "data_format": "channels_first"}, FIRST, None),
    *[("RandomTranslation", {"height_factor": (0.31, 0.31), "width_factor": (-0.47, -0.47), "fill_mode": mode}, x, None)
      for mode, x in (("reflect", GREY), ("constant", ODD), ("wrap", BYTES), ("nearest", ONE))],
    ("RandomTranslation", {"height_factor": (0.31, 0.31), "width_factor": 0.0, "interpolation": "nearest"}, GREY, None),
    ("RandomRotation", {"factor": (0.07, 0.07)}, GREY, None),
    ("RandomRotation", {"factor": (-0.21, -0.21), "fill_mode": "constant", "fill_value": 0.5}, ONE, None),
    ("RandomRotation", {"factor": (0.07, 0.07), "data_format": "channels_first"}, FIRST, None),
    ("RandomZoom", {"height_factor": (0.23, 0.23), "width_factor": (-0.37, -0.37)}, GREY, None),
    ("RandomZoom", {"height_factor": (0.23, 0.23), "fill_mode": "constant"}, ONE, None),
    ("RandomShear", {"x_factor": (0.1, 0.4), "fill_mode": "wrap"}, GREY,
     {"shear_factor": np.array([[0.13, -0.31], [0.4, 0.07]], "float32"), "input_shape": (2, 6, 5, 1)}),
    ("RandomFlip", {"mode": "vertical"}, GREY, {"flips": HALF[:, None, None, None]}),
    ("RandomFlip", {}, COLOUR, {"flips": HALF[:, None, None, None]}),
    ("RandomPerspective", {"factor": 0.5, "fill_value": 0.25}, ODD,
     {"apply_perspective": HALF, "start_points": CORNERS, "end_points": CORNERS + SHIFTS, "input_shape": (2, 7, 4, 2)}),
    ("RandomContrast", {"factor": 0.5, **UNIT}, COLOUR,
     {"contrast_factor": np.array([0.6, 1.4], "float32")[:, None, None, None]}),
    ("RandomBrightness", {"factor": (0.2, 0.2), **UNIT}, COLOUR, None),
    ("RandomSaturation", {"factor": (0.7, 0.7), **UNIT}, COLOUR, None),
    ("RandomSaturation", {"factor": (0.2, 0.2), "data_format": "channels_first"}, FIRST, None),
    ("RandomHue", {"factor": 0.5}, COLOUR * 255, {"factor": np.array([0.3, -0.45], "float32")}),
    ("RandomColorDegeneration", {"factor": (0.4, 0.4), **UNIT}, COLOUR, None),
    ("RandomGrayscale", {"factor": 1.0}, COLOUR, None),
    ("RandomGrayscale", {"factor": 1.0}, BYTES, None),
    ("RandomColorJitter", {"brightness_factor": (0.2, 0.2), "saturation_factor": (0.7, 0.7), **UNIT}, COLOUR, None),
    ("RandomInvert", {"factor": (1.0, 1.0), **UNIT}, COLOUR, None),
    ("RandomPosterization", {"factor": (3, 3)}, BYTES, None),
    ("RandomPosterization", {"factor": (3, 3), **UNIT}, BYTES / np.float32(256) + np.float32(0.001), None),
    ("RandomSharpness", {"factor": (0.8, 0.8), **UNIT}, COLOUR, None),
    ("RandomGaussianBlur", {"kernel_size": 5}, COLOUR,
     {"should_apply_blur": HALF, "blur_factor": np.array([0.4, 0.9], "float32")}),
    ("RandomErasing", {}, COLOUR, {"apply_erasing": HALF, "batch_masks": BOXES,
                                   "fill_value": _floats(2, 4, 5, 3)}),
    ("Solarization", {"threshold_factor": (0.1, 0.5)}, BYTES,
     {"additions": np.array([10.0, 90.0], "float32")[:, None, None, None],
      "thresholds": np.array([30.0, 120.0], "float32")[:, None, None, None]}),
    ("AutoContrast", {}, BYTES, None),
    ("AutoContrast", UNIT, np.concatenate([COLOUR / 3, np.ones_like(COLOUR)]), None),
    ("Equalization", {}, BYTES, None),
    ("Equalization", {"bins": 16, **UNIT}, ONE, None),
    ("MixUp", {"alpha": 0.4}, COLOUR, MIX),
    ("CutMix", {"factor": (0.3, 0.9)}, COLOUR, {**MIX, "batch_masks": BOXES}),
]  # fmt: skip
# settings of which only the configuration is asked
CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("RandomCrop", {"height": 3, "width": 4, "seed": 5}), ("RandomContrast", {"factor": (0.1, 0.3), "seed": 2}),
    ("RandomRotation", {"factor": 0.2}), ("RandomZoom", {"height_factor": 0.2}), ("RandomErasing", {"fill_value": 0.5}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": (-0.1, 0.3)}), ("RandomShear", {"x_factor": 0.2}),
    ("RandomBrightness", {"factor": 0.2, "value_range": (1, 0)}), ("RandomHue", {"factor": 0.2}), ("CutMix", {}),
    ("RandomSaturation", {"factor": 0.2}), ("RandomInvert", {}), ("RandomPosterization", {"factor": 4}), ("MixUp", {}),
    ("RandomSharpness", {"factor": 0.2}), ("RandomGaussianBlur", {}), ("Solarization", {"addition_factor": 0.2}),
    ("RandomColorJitter", {"hue_factor": 0.2}), ("RandomColorDegeneration", {"factor": 0.2}), ("RandomGrayscale", {}),
    ("RandomFlip", {"data_format": "channels_first"}),
]  # fmt: skip
LAYER_SLACK = {"RandomHue": 8.0, "RandomSaturation": 8.0}
GEOMETRY = {"RandomTranslation", "RandomRotation", "RandomZoom", "RandomShear", "RandomPerspective"}


def cases(keras: Any) -> Iterator[dict[str, Any]]:
    """Every case, without its answer."""
    for number, (name, arguments, keywords, slack) in enumerate(_op_lines()):
        said = ",".join(f"{k}={v}" for k, v in keywords.items())
        setup = {"op": name, "arguments": arguments, "keywords": keywords}
        yield {"id": f"{number}:{name}({said})", "setup": setup, "slack": slack}
    for number, (name, settings, images, transformation) in enumerate(LAYERS):
        said = ",".join(f"{k}={v}" for k, v in settings.items())
        setup = {"layer": new(f"layers.{name}", **settings, name="it"), "images": images, "given": transformation}
        slack = RAISING if name in GEOMETRY else LAYER_SLACK.get(name, 4.0)
        yield {"id": f"{number}:{name}({said})", "setup": setup, "slack": slack}
    for name, settings in CONFIGS:
        yield {"id": f"{name}{settings}.config", "setup": {"config": new(f"layers.{name}", **settings, name="it")}}


def run(bridge: Any, setup: dict[str, Any]) -> dict[str, Any]:
    """A function's value; or a layer's pictures, labels, shape and configuration."""
    keras = bridge.keras
    if "op" in setup:
        function = look_up(keras, f"ops.image.{setup['op']}")
        return {"value": bridge.numpy(function(*setup["arguments"], **setup["keywords"]))}
    if "config" in setup:
        return {"config": build(keras, setup["config"]).get_config()}
    layer, images = build(keras, setup["layer"]), setup["images"]
    told: dict[str, Any] = {"config": layer.get_config(), "shape": list(layer.compute_output_shape(images.shape))}
    if setup["given"] is None:
        told["images"] = bridge.numpy(layer(images, training=True))
        return told
    given = {k: v if isinstance(v, tuple) else keras.ops.convert_to_tensor(v) for k, v in setup["given"].items()}
    told["images"] = bridge.numpy(layer.transform_images(keras.ops.convert_to_tensor(images), given, training=True))
    if "mix_weight" in given:
        labels = keras.ops.convert_to_tensor(np.eye(3, dtype="float32")[[0, 2]])
        told["labels"] = bridge.numpy(layer.transform_labels(labels, given, training=True))
    return told
