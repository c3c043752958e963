"""Operations on tensors, under `keras.ops`' names; one family a file. Importing this installs Tensor's operators."""

from __future__ import annotations

from neurona.ops.elementwise import *  # noqa: F403
from neurona.ops.functions import *  # noqa: F403
from neurona.ops.logic import *  # noqa: F403
from neurona.ops.reduce import *  # noqa: F403
