"""The other engine: real Keras carries out what was written for Neurona.

A network and how it is compiled are described once, in Keras's own format; real Keras reads that description, takes the
weights over, and does the steps. Everything around them (data, batches, callbacks, checkpoints, the Run folder) stays
the same, so the runs of both engines can be read, judged and compared by the same commands.

    real_keras.py    where Keras is found, and in which version
    twins.py         what our recipes use and Keras has not: small counterparts, written with Keras
    carry.py         a model carried over; a model without what is drawn by lot
    on_keras.py      `fit` with the steps done by Keras
    side_by_side.py  `fit` with each step done by both, and how far apart they are

Keras is imported only when one of these is used.
"""

from __future__ import annotations

from neurona.engines.carry import carry_over, drawn_by_lot, without_chance
from neurona.engines.on_keras import OnKeras
from neurona.engines.real_keras import load_keras, versions
from neurona.engines.side_by_side import Distance, SideBySide, read_distances, told
from neurona.engines.twins import twins

__all__ = [
    "Distance",
    "OnKeras",
    "SideBySide",
    "carry_over",
    "drawn_by_lot",
    "load_keras",
    "read_distances",
    "told",
    "twins",
    "versions",
    "without_chance",
]
