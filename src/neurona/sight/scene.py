"""Scene: a trained network together with the pictures it is looked at with.

The functions of this package take arrays; a scene knows which ones: what range pictures have, what covers them, where an
ascent begins, which pictures are searched for the most exciting ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from neurona.errors import ArgumentError
from neurona.i18n import _
from neurona.sight.attribution import enlarged, grad_cam, occlusion, sensitivity
from neurona.sight.exciting import Exciting, exciting, patch, purity
from neurona.sight.maximisation import colour_spread, maximise_classes, maximise_units
from neurona.sight.stages import Stage, stages_of
from neurona.tensor import Array

__all__ = ["Scene"]


class Scene:
    """A network and its pictures.

    Args:
        model: the network.
        prepare: pictures as the data set has them -> as the network takes them.
        pictures: some training pictures, (N, H, W) or (N, H, W, C), bytes.
        classes: the class of each, (N,).
        best: how many most exciting pictures to keep for each unit.
        seed: of everything that is drawn at random.

    Attributes:
        stages: of the network.
        low, high: the darkest and lightest prepared picture there can be.
        mean: the mean prepared picture.
        cover: the usual colour of the pictures' edges, prepared: a plain background.
    """

    def __init__(
        self,
        model: Any,
        prepare: Callable[[Array], Array],
        pictures: Array,
        classes: Array,
        best: int = 9,
        seed: int = 0,
    ) -> None:
        self.model, self.prepare, self.best, self.seed = model, prepare, best, seed
        self.pictures, self.classes = pictures, np.asarray(classes).astype("int64")
        self.stages = stages_of(model)
        shape = pictures.shape[1:]
        self.low, self.high = (
            np.asarray(prepare(np.full((1, *shape), value, "uint8"))[0], "float32") for value in (0, 255)
        )
        some = np.asarray(prepare(pictures[:1000]), "float32")
        self.mean = some.mean(axis=0, dtype="float64").astype("float32")
        edges = np.concatenate([some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1]], axis=1)
        self.cover = np.broadcast_to(np.median(edges, axis=(0, 1)), self.mean.shape).astype("float32")
        self.height, self.width = shape[:2]

    @cached_property
    def found(self) -> dict[str, Exciting]:
        """What excites every unit of every stage most; computed once."""
        return exciting(self.model, self.stages, self.pictures, self.prepare, self.best)

    @cached_property
    def colours(self) -> Array | None:
        """For an ascent in colour: which colours are usual."""
        return colour_spread(self.pictures[:500]) if self.pictures.ndim == 4 and self.pictures.shape[3] > 1 else None

    def purity(self, stage: Stage) -> float:
        """How far the units of a stage keep to one class (`neurona.sight.purity`)."""
        return purity(self.found[stage.name], self.classes)

    @cached_property
    def purity_by_chance(self) -> float:
        """What `purity` would be if the best pictures of a unit were any pictures."""
        rng = np.random.default_rng(self.seed)
        draws = self.classes[rng.integers(0, len(self.classes), (4000, min(self.best, len(self.classes))))]
        return float(np.mean([np.bincount(row).max() / len(row) for row in draws]))

    def made_for_units(self, stage: Stage, units: Sequence[int], **settings: Any) -> list[Array]:
        """Pictures that excite units, as bytes, each cut to the window that its unit sees.

        Small windows have no room for shifts and long waves, so they are climbed without.
        """
        reach = self.reach(stage)
        wide = 8 if reach is None else reach
        usual = {"jitter": min(2, wide // 8), "octaves": 1 + min(2, wide // 8)}
        made, _values = maximise_units(
            self.model, stage, units, self.low, self.high, self.seed,
            **{**usual, "start": self.mean, "colours": self.colours, **settings},
        )  # fmt: skip
        field, shape = stage.sums_field, stage.sums.shape
        window = None
        if field is not None and len(shape) == 4:
            window = field.window((int(shape[1] or 1) // 2, int(shape[2] or 1) // 2))
            if window[0] < 0 or window[1] < 0 or window[2] > self.height or window[3] > self.width:
                window = None
        return [patch(picture, window) for picture in self.shown(made)]

    def made_for_classes(self, classes: Sequence[int], **settings: Any) -> tuple[Array, Array]:
        """Pictures that excite classes, as bytes, and the log-odds they reach."""
        made, odds = maximise_classes(
            self.model, classes, self.low, self.high, self.seed,
            **{"start": self.mean, "colours": self.colours, **settings},
        )  # fmt: skip
        return self.shown(made), odds

    def shown(self, prepared: Array) -> Array:
        """Prepared pictures as bytes for people's eyes."""
        shares = (prepared - self.low) / np.maximum(self.high - self.low, 1e-12)
        found = np.asarray(np.rint(255 * np.clip(shares, 0, 1)), "uint8")
        return found[..., 0] if found.ndim == 4 and found.shape[-1] == 1 else found

    def reach(self, stage: Stage) -> int | None:
        """How many pixels wide the field of a stage is, at most the whole picture; None for a layer without maps."""
        return None if stage.field is None else min(max(stage.field.size), max(self.height, self.width))

    def unit(self, stage: Stage, number: int) -> int:
        """A unit's number, checked.

        Raises:
            ArgumentError: the stage has no such unit.
        """
        if not 0 <= number < stage.units:
            raise ArgumentError(
                _("The layer '{name}' has units 0 to {last}; there is no unit {number}.").format(
                    name=stage.name, last=stage.units - 1, number=number
                )
            )
        return number

    def patches(self, stage: Stage, unit: int) -> list[Array]:
        """What excites a unit most: the windows it saw in its best pictures, or these whole."""
        found = self.found[stage.name]
        outside = int(self.shown(self.cover[np.newaxis]).mean())
        return [
            patch(self.pictures[i], self._small(found.window(unit, rank)), outside)
            for rank, i in enumerate(found.pictures[unit])
        ]

    def _small(self, window: tuple[int, int, int, int] | None) -> tuple[int, int, int, int] | None:
        """A window, unless it is as large as the picture."""
        if window is None or window[2] - window[0] >= self.height or window[3] - window[1] >= self.width:
            return None
        return window

    def places(self, picture: Array, chosen: int, stages: Sequence[Stage] | None = None) -> dict[str, Array]:
        """Where the network finds a class in one picture: name -> map of the picture's size.

        Grad-CAM at the last stage with maps and, where its maps are coarse, at the last with finer ones; the plain
        gradient for networks without maps; and occlusion.

        Args:
            picture: as the data set has them, (H, W) or (H, W, C).
            chosen: the class.
            stages: for Grad-CAM, instead of those.
        """
        x = np.asarray(self.prepare(picture[np.newaxis]))
        found: dict[str, Array] = {}
        chosen_stages = self.stages_with_maps() if stages is None else stages
        for stage in chosen_stages:
            size = "x".join(map(str, stage.map_size or ()))
            small = grad_cam(self.model, stage, x, [chosen])[0]
            found[f"Grad-CAM {size}"] = enlarged(small, self.height, self.width)
        if not chosen_stages:
            noise = 0.1 * float((self.high - self.low).mean())
            found[_("gradient")] = sensitivity(self.model, x, [chosen], 32, noise, self.seed)[0]
        side = max(2, min(self.height, self.width) // 4)
        found[_("occlusion")] = occlusion(self.model, x[0], chosen, self.cover, side)
        return found

    def stages_with_maps(self) -> list[Stage]:
        """Those at which Grad-CAM says most: the last one with maps, and before it the last with maps of 6x6 or more."""
        mapped = [stage for stage in self.stages if stage.map_size is not None and min(stage.map_size) > 1]
        fine = [stage for stage in mapped if stage.map_size is not None and min(stage.map_size) >= 6]
        return list(dict.fromkeys([*fine[-1:], *mapped[-1:]]))
