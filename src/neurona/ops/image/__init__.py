"""Operations on pictures, under `keras.ops.image`'s names: one picture (H, W, C) or a batch (N, H, W, C)."""

from __future__ import annotations

from neurona.ops.image.colours import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from neurona.ops.image.elastic import elastic_transform
from neurona.ops.image.filters import gaussian_blur
from neurona.ops.image.framing import crop_images, pad_images
from neurona.ops.image.likeness import sobel_edges, ssim
from neurona.ops.image.patches import extract_patches, extract_patches_3d
from neurona.ops.image.resizing import resize
from neurona.ops.image.sampling import affine_transform
from neurona.ops.image.scaling import scale_and_translate
from neurona.ops.image.warping import map_coordinates, perspective_transform

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
