"""Masks travel through layers, models, losses and metrics as in Keras."""

from __future__ import annotations

import pytest

from neurona.registry import table
from tests.golden import reader
from tests.golden.bridge import BRIDGE
from tests.golden.specs import masks

CASES = reader.family("masks")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_masks_equal_keras(case: reader.Case) -> None:
    reader.compare(case, masks.run(BRIDGE, case.setup))


def test_every_layer_was_asked() -> None:
    asked = {case.setup["layer"]["$new"].rpartition(".")[2] for case in CASES if "layer" in case.setup}
    # a model's entry, code, bases, cells in a row, which only an RNN calls, sound, pictures through several layers at once,
    # and a wrapper that hands no mask on
    apart = {
        "AugMix", "InputLayer", "Lambda", "Layer", "MelSpectrogram", "Pipeline", "RandAugment", "STFTSpectrogram",
        "SpectralNormalization", "StackedRNNCells", "Wrapper",
    }  # fmt: skip
    known = {thing.__name__ for thing in table("keras.layers").values() if isinstance(thing, type)}
    assert known - asked == apart
