"""Programs written for Keras, unchanged: ``import keras`` and ``import tensorflow`` answered by neurona.

    answers      the tables: which module and which name stands for what
    face         a module that answers from such a table, and the finder that hands it to ``import``
    tf/          the functions of `tensorflow` that such programs touch, made of ours
    notebook     the code cells of an ``.ipynb``
    running      a file executed as ``python file.py`` would

Nothing of this is in force before `install` is called, or ``neurona run``.
"""

from __future__ import annotations

from neurona.programs.face import install, uninstall
from neurona.programs.running import run_program

__all__ = ["install", "run_program", "uninstall"]
