"""The parity certificate: how far Neurona's layers, losses, metrics and optimizers are from real Keras's.

    drawing.py       what is drawn by lot: sizes, settings, numbers
    sides.py         the two sides, Neurona and Keras on TensorFlow
    subjects.py      what can be compared
    layer_table.py   layers.py  pairs.py  losses.py  metrics.py  optimizers.py: the subjects
    certificate.py   drawing them, comparing, tolerances
    page.py          the page of it, as HTML and as Markdown

A new layer needs a line in `layer_table.TABLE`, a new loss, metric or optimizer one in the table of its file.
"""

from __future__ import annotations

from neurona.parity.certificate import DRAWS, LEFT_OUT, SUBJECTS, TOLERANCES, Certificate, Finding, certify, distance

__all__ = ["DRAWS", "LEFT_OUT", "SUBJECTS", "TOLERANCES", "Certificate", "Finding", "certify", "distance"]
