"""`keras.preprocessing.image`: pictures as arrays."""

from __future__ import annotations

from neurona.utils import array_to_img, img_to_array, load_img, save_img
from neurona.utils.pictures import smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]
