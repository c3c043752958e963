"""Operations on tensors, under `keras.ops`' names; one family a file.

Importing this gives tensors their operators.
"""

from __future__ import annotations

from neurona.ops import fused as fused
from neurona.ops import image as image
from neurona.ops.activation import *  # noqa: F403
from neurona.ops.control import *  # noqa: F403
from neurona.ops.convolutions import *  # noqa: F403
from neurona.ops.counting import *  # noqa: F403
from neurona.ops.create import *  # noqa: F403
from neurona.ops.decompositions import *  # noqa: F403
from neurona.ops.diagonals import *  # noqa: F403
from neurona.ops.einsum import *  # noqa: F403
from neurona.ops.elementwise import *  # noqa: F403
from neurona.ops.functions import *  # noqa: F403
from neurona.ops.index import *  # noqa: F403
from neurona.ops.joining import *  # noqa: F403
from neurona.ops.linalg import *  # noqa: F403
from neurona.ops.logic import *  # noqa: F403
from neurona.ops.nn import *  # noqa: F403
from neurona.ops.operators import *  # noqa: F403
from neurona.ops.pool import *  # noqa: F403
from neurona.ops.probabilities import *  # noqa: F403
from neurona.ops.reduce import *  # noqa: F403
from neurona.ops.running import *  # noqa: F403
from neurona.ops.shape import *  # noqa: F403
from neurona.ops.slicing import *  # noqa: F403
from neurona.ops.sorting import *  # noqa: F403
from neurona.ops.statistics import *  # noqa: F403
