"""Layers that vary pictures while training, and leave them alone otherwise; one idea a file."""

from __future__ import annotations

from neurona.layers.augmentation.colour import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from neurona.layers.augmentation.crop import RandomCrop
from neurona.layers.augmentation.erasing import RandomErasing
from neurona.layers.augmentation.flip import RandomFlip
from neurona.layers.augmentation.geometry import (
    RandomPerspective,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from neurona.layers.augmentation.mixing import CutMix, MixUp
from neurona.layers.augmentation.policies import AugMix, RandAugment
from neurona.layers.augmentation.sharpness import RandomGaussianBlur, RandomSharpness
from neurona.layers.augmentation.tones import (
    AutoContrast,
    Equalization,
    RandomInvert,
    RandomPosterization,
    Solarization,
)

__all__ = [
    "AugMix",
    "AutoContrast",
    "CutMix",
    "Equalization",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
]
