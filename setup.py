"""The compiled kernels, an optional part of the build; everything else stands in pyproject.toml.

``optional=True``: where no C compiler is found, or it knows no GCC vectors, the build goes on without the
extension and the NumPy path serves. One source is compiled per instruction set and the loader chooses at run
time, so no flag here depends on the machine that builds.
"""

from __future__ import annotations

from pathlib import Path

import numpy
from setuptools import Extension, setup

SOURCES = Path("src/neurona/kernels/src")

native = Extension(
    "neurona.kernels._native",
    sources=sorted(str(path) for path in SOURCES.glob("*.c")),
    depends=sorted(str(path) for path in SOURCES.glob("*.h")),
    include_dirs=[str(SOURCES), numpy.get_include()],
    # Not -ffast-math: it would remove the rounding trick in exp and let NaN vanish. Without
    # -fno-trapping-math, loops with a choice in them (relu) stay scalar.
    extra_compile_args=[
        "-O3",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-ffp-contract=fast",
        "-fvisibility=hidden",
        "-pthread",
    ],
    extra_link_args=["-pthread"],
    optional=True,
)

setup(ext_modules=[native])
