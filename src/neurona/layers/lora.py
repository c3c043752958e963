"""LoRA: a large kernel rests while two small ones learn what to add to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurona import ops
from neurona.errors import ArgumentError, NotBuiltError
from neurona.layers.base import Layer
from neurona.variable import Variable

__all__ = ["LowRank"]


class LowRank(Layer):
    """A layer whose kernel W may be adapted: it computes with W + (alpha / rank) A B, and trains A and B alone.

    W of shape (..., F) needs A of shape (..., rank), drawn, and B of shape (rank, F), zeros at first. A layer that is made
    with ``lora_rank=`` does so from the start; `enable_lora` lets a trained one do it. Files hold the sum, so that every
    layer of this kind can load them.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021).
    """

    _adapted = "kernel"  # the weight's name
    lora_rank: int | None = None
    lora_alpha: float | None = None
    lora_enabled = False

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the kernel and train two small ones besides it.

        Args:
            rank: the length of the axis between the two.
            lora_alpha: their product counts alpha / rank times; `rank` by default.
            a_initializer, b_initializer: how they begin.

        Raises:
            ArgumentError: the kernel is constrained, or adapted already.
            NotBuiltError: there is no kernel yet.
        """
        name = self._adapted
        if getattr(self, f"{name}_constraint", None):
            raise ArgumentError(
                f"Lora is incompatible with {name.removesuffix('s')} constraints. Received: {name}_constraint="
                f"{getattr(self, f'{name}_constraint')!r} in layer '{self.name}'. Remove it."
            )
        weight = getattr(self, name, None)
        if weight is None:
            raise NotBuiltError(
                f"Cannot enable lora on a layer that isn't yet built. Received: layer '{self.name}'. Build it with "
                "build(input_shape) or by calling it."
            )
        if self.lora_enabled:
            raise ArgumentError(
                f"lora is already enabled in layer '{self.name}'. This can only be done once per layer."
            )
        self.lora_rank, self.lora_alpha = rank, rank if lora_alpha is None else lora_alpha
        self._locked = False
        for letter, shape, initializer in (
            ("a", (*weight.shape[:-1], rank), a_initializer),
            ("b", (rank, weight.shape[-1]), b_initializer),
        ):
            own = self.add_weight(
                shape, initializer, regularizer=getattr(self, f"{name}_regularizer", None), name=f"lora_{name}_{letter}"
            )
            setattr(self, f"lora_{name}_{letter}", own)
        self._locked = self.built
        weight.trainable = weight._declared_trainable = False
        self.lora_enabled = True

    def _enable_as_told(self) -> None:
        """To be called at the end of `build`."""
        if self.lora_rank is not None and not self.lora_enabled:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def _factors(self) -> tuple[Variable, Variable]:
        return getattr(self, f"lora_{self._adapted}_a"), getattr(self, f"lora_{self._adapted}_b")

    def _merged(self) -> Any:
        """The kernel to compute with."""
        weight = getattr(self, self._adapted)
        if not self.lora_enabled:
            return weight
        a, b = self._factors()
        return ops.add(weight, ops.multiply(ops.matmul(a, b), (self.lora_alpha or 1) / (self.lora_rank or 1)))

    def _lora_config(self) -> dict[str, Any]:
        """Its part of `get_config`."""
        return {} if self.lora_rank is None else {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}

    def _stored(self) -> list[Variable]:
        """What files hold, in their order: the kernel first."""
        a, b = self._factors()
        rest = [v for v in self._own_variables() if v is not a and v is not b and v is not getattr(self, self._adapted)]
        return [getattr(self, self._adapted), *rest]

    def save_own_variables(self, store: Any) -> None:
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        for i, variable in enumerate(self._stored()):
            store[str(i)] = variable.numpy() if i else self._merged().numpy()

    def load_own_variables(self, store: Any) -> None:
        if not self.lora_enabled:
            super().load_own_variables(store)
            return
        self._load(self._stored(), store)
        for variable in self._factors():  # the file's kernel holds their product
            variable.assign(np.zeros(variable.shape))
