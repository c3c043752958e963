"""Spatial dropout: whole channels are dropped, not single numbers.

Neighbours in a feature map tell nearly the same, so dropping one of them alone takes little away; a channel that is missing
everywhere does.
"""

from __future__ import annotations

from typing import Any

from neurona.layers.input_spec import InputSpec
from neurona.layers.regularization import Dropout
from neurona.layers.window import format_of
from neurona.registry import export

__all__ = ["SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]


class _SpatialDropout(Dropout):
    """Dropout with one draw for each channel of a sample; what the three share."""

    def __init__(
        self, rank: int, rate: float, data_format: str, seed: int | None, name: str | None, dtype: Any, /, **kwargs: Any
    ) -> None:
        space = (1,) * rank
        mask = (None, None, *space) if data_format == "channels_first" else (None, *space, None)
        super().__init__(rate, noise_shape=mask, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=rank + 2)

    def get_config(self) -> dict[str, Any]:
        # Keras's format here: no `trainable`, and the type as a name
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype_policy.name}


@export("keras.layers")
class SpatialDropout1D(_SpatialDropout):
    """Drop whole features of a sequence while training: the same ones at all times of a sample.

    y[n, t, c] = x[n, t, c] m[n, c], with m = 1 / (1 - rate) with probability 1 - rate, else 0;    y = x at rest

    Args:
        rate: the share of the features to drop, 0 to 1.
        seed: an integer makes the choices repeatable.

    Call arguments:
        inputs: shape (N, T, C).
        training: whether to drop.

    Raises:
        ArgumentError: a rate outside 0 ... 1.

    >>> SpatialDropout1D(0.5)(np.ones((1, 2, 1)))[0, :, 0]
    Tensor([1., 1.], dtype=float32)

    Source: Tompson et al., "Efficient object localization using convolutional networks" (2015), section 3.2.
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(1, rate, "channels_last", seed, name, dtype, **kwargs)


@export("keras.layers")
class SpatialDropout2D(_SpatialDropout):
    """Drop whole channels of a picture while training.

    y[n, i, j, c] = x[n, i, j, c] m[n, c], with m = 1 / (1 - rate) with probability 1 - rate, else 0;    y = x at rest

    Args:
        rate: the share of the channels to drop, 0 to 1.
        data_format: "channels_first" for ``(N, C, H, W)``; `config.image_data_format()` by default.
        seed: an integer makes the choices repeatable.

    Call arguments:
        inputs: shape (N, H, W, C).
        training: whether to drop.

    Raises:
        ArgumentError: a rate outside 0 ... 1.
        UnknownNameError: another data format.

    >>> SpatialDropout2D(0.5)(np.ones((1, 1, 2, 1)))[0, 0, :, 0]
    Tensor([1., 1.], dtype=float32)

    Source: Tompson et al., "Efficient object localization using convolutional networks" (2015), section 3.2.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, rate, format_of(data_format), seed, name, dtype, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


@export("keras.layers")
class SpatialDropout3D(_SpatialDropout):
    """Drop whole channels of a volume while training.

    y[n, i, j, k, c] = x[n, i, j, k, c] m[n, c], with m = 1 / (1 - rate) with probability 1 - rate, else 0;    y = x at rest

    Args:
        rate: the share of the channels to drop, 0 to 1.
        data_format: "channels_first" for ``(N, C, D, H, W)``; `config.image_data_format()` by default.
        seed: an integer makes the choices repeatable.

    Call arguments:
        inputs: shape (N, D, H, W, C).
        training: whether to drop.

    Raises:
        ArgumentError: a rate outside 0 ... 1.
        UnknownNameError: another data format.

    >>> SpatialDropout3D(0.5)(np.ones((1, 1, 1, 2, 1)))[0, 0, 0, :, 0]
    Tensor([1., 1.], dtype=float32)

    Source: Tompson et al., "Efficient object localization using convolutional networks" (2015), section 3.2.
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, rate, format_of(data_format), seed, name, dtype, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
