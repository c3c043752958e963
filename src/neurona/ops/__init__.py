"""Operations on tensors, under `keras.ops`' names; one family a file.

Importing this gives tensors their operators.
"""

from __future__ import annotations

from neurona.ops import fused as fused
from neurona.ops import image as image
from neurona.ops import linalg as linalg
from neurona.ops import nn as nn
from neurona.ops.activation import *  # noqa: F403
from neurona.ops.blocks import *  # noqa: F403
from neurona.ops.complexes import *  # noqa: F403
from neurona.ops.control import *  # noqa: F403
from neurona.ops.convolutions import *  # noqa: F403
from neurona.ops.counting import *  # noqa: F403
from neurona.ops.create import *  # noqa: F403
from neurona.ops.ctc import *  # noqa: F403
from neurona.ops.decompositions import *  # noqa: F403
from neurona.ops.diagonals import *  # noqa: F403
from neurona.ops.einsum import *  # noqa: F403
from neurona.ops.elementwise import *  # noqa: F403
from neurona.ops.forward import *  # noqa: F403
from neurona.ops.fourier import *  # noqa: F403
from neurona.ops.functions import *  # noqa: F403
from neurona.ops.index import *  # noqa: F403
from neurona.ops.inverses import *  # noqa: F403
from neurona.ops.joining import *  # noqa: F403
from neurona.ops.linalg import *  # noqa: F403
from neurona.ops.logic import *  # noqa: F403
from neurona.ops.nn import *  # noqa: F403
from neurona.ops.norms import *  # noqa: F403
from neurona.ops.operators import *  # noqa: F403
from neurona.ops.past_nan import *  # noqa: F403
from neurona.ops.patterns import *  # noqa: F403
from neurona.ops.pool import *  # noqa: F403
from neurona.ops.probabilities import *  # noqa: F403
from neurona.ops.reduce import *  # noqa: F403
from neurona.ops.running import *  # noqa: F403
from neurona.ops.series import *  # noqa: F403
from neurona.ops.shape import *  # noqa: F403
from neurona.ops.slicing import *  # noqa: F403
from neurona.ops.sorting import *  # noqa: F403
from neurona.ops.statistics import *  # noqa: F403
from neurona.ops.tapers import *  # noqa: F403

# isort: split
from neurona.ops import numpy as numpy

# Keras has these under the names of two modules as well, whose files hold other families here.
for _module, _names in (
    (
        linalg,
        "cholesky cholesky_inverse det eig eigh inv jvp lstsq lu_factor matrix_rank norm pinv qr solve solve_triangular svd",
    ),
    (nn, "ctc_decode ctc_loss depth_to_space fold multi_hot one_hot polar space_to_depth unfold"),
):
    for _name in _names.split():
        setattr(_module, _name, globals()[_name])
