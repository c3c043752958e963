"""The certificate: every subject drawn, carried out on both sides, and compared with what is tolerated.

The error of an array is the largest distance between two numbers in the same place, as a share of the largest number of
Keras's array (or of a thousandth of the largest one of all arrays of that answer, if that is more: what should be 0 is
rounding, and has no size of its own to be compared with). Whole numbers must be equal, and so must shapes and types, and
where there are infinities or NaN.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurona import __version__
from neurona.engines.real_keras import versions
from neurona.parity.layer_table import LAYERS_LEFT_OUT
from neurona.parity.layers import LAYERS
from neurona.parity.losses import LOSSES, LOSSES_LEFT_OUT
from neurona.parity.metrics import METRICS, METRICS_LEFT_OUT
from neurona.parity.optimizers import OPTIMIZERS, OPTIMIZERS_LEFT_OUT
from neurona.parity.sides import Ours, Side, Theirs
from neurona.parity.subjects import HUNDRED, Answers, Subject, generator
from neurona.tensor import Array

__all__ = ["DRAWS", "LEFT_OUT", "SUBJECTS", "TOLERANCES", "Certificate", "Finding", "certify", "distance"]

SUBJECTS: tuple[Subject, ...] = (*LAYERS, *LOSSES, *METRICS, *OPTIMIZERS)
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "layer": LAYERS_LEFT_OUT, "loss": LOSSES_LEFT_OUT, "metric": METRICS_LEFT_OUT, "optimizer": OPTIMIZERS_LEFT_OUT
}  # fmt: skip
#: How often each subject is drawn, unless told.
DRAWS = 3

#: The error that is tolerated, by type and quantity, times the subject's slack.
TOLERANCES: Mapping[str, Mapping[str, float]] = {
    "float32": {"output": 1e-5, "gradient": 2e-5, "one step": 1e-5, "hundred steps": 1e-4},
    "float64": {"output": 1e-12, "gradient": 1e-11, "one step": 1e-12, "hundred steps": 1e-10},
    "float16": {"output": 1e-2},
}


@dataclass
class Finding:
    """The worst of all draws of one quantity of one subject in one type.

    Attributes:
        error: infinity where they cannot be compared.
        case: the draw, for people, and
        where: the array.
    """

    kind: str
    name: str
    dtype: str
    quantity: str
    tolerance: float
    error: float = 0.0
    case: str = ""
    where: str = ""

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance


@dataclass
class Certificate:
    """All findings, and what they were found with.

    Attributes:
        subjects: what was compared.
        refused: why a subject could not be carried out on one side, by its name.
    """

    versions: dict[str, str]
    subjects: Sequence[Subject]
    seed: int
    draws: int
    steps: int
    findings: list[Finding] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failed(self) -> list[str]:
        """The names of the subjects that are over a tolerance or could not be carried out."""
        return sorted({f.name for f in self.findings if not f.passed} | set(self.refused))

    def worst(self, kind: str, dtype: str, quantity: str) -> Finding | None:
        """The finding that came nearest to its tolerance, or went farthest beyond it."""
        found = [f for f in self.findings if (f.kind, f.dtype, f.quantity) == (kind, dtype, quantity)]
        return max(found, key=lambda f: f.error / f.tolerance, default=None)


def certify(
    subjects: Sequence[Subject] = SUBJECTS,
    draws: int = DRAWS,
    seed: int = 0,
    quick: bool = False,
    progress: Callable[[int, int, str], None] = lambda done, count, name: None,
) -> Certificate:
    """Compare these subjects with real Keras.

    Args:
        draws: how often each is drawn.
        seed: of all that is drawn.
        quick: in float32 alone, and of a hundred steps only those of the optimizers.
        progress: told before each subject: how many are done, of how many, and its name.

    Raises:
        MissingPackageError: Keras is not installed.
        ArgumentError: Keras is set to another backend than TensorFlow.
    """
    began = time.perf_counter()
    ours, theirs = Ours(), Theirs()
    made = Certificate(_versions(theirs.keras), subjects, seed, draws, 1 if quick else HUNDRED)
    for done, subject in enumerate(subjects):
        progress(done, len(subjects), subject.name)
        for dtype in subject.dtypes[:1] if quick else subject.dtypes:
            steps = HUNDRED if subject.kind == "optimizer" else made.steps  # theirs are all that they do
            made.findings += _compare(made, subject, dtype, steps, ours, theirs)
    made.seconds = time.perf_counter() - began
    return made


def _compare(made: Certificate, subject: Subject, dtype: str, steps: int, ours: Side, theirs: Side) -> list[Finding]:
    found: dict[str, Finding] = {}
    for number in range(made.draws):
        case = subject.draw(generator(made.seed, subject.kind, subject.name, number), number)
        try:
            want = subject.run(theirs, case, dtype, steps)
            got = subject.run(ours, case, dtype, steps)
        except Exception as problem:  # either side's, whatever it is: the page tells it, and the subject has failed
            first = str(problem).strip().splitlines() or [""]
            made.refused[subject.name] = f"{subject.tell(case)}, {dtype}: {type(problem).__name__}: {first[0][:300]}"
            continue
        for quantity in want:
            wider = subject.slack * (subject.slack64 if dtype == "float64" else 1.0)
            tolerance = TOLERANCES[dtype][quantity] * wider
            finding = found.setdefault(quantity, Finding(subject.kind, subject.name, dtype, quantity, tolerance))
            error, where = _farthest(got, want, quantity)
            if error >= finding.error:
                finding.error, finding.where, finding.case = error, where, subject.tell(case)
    return list(found.values())


def _farthest(got: Answers, want: Answers, quantity: str) -> tuple[float, str]:
    mine, its = got.get(quantity, {}), want[quantity]
    if list(mine) != list(its):
        return float("inf"), f"{sorted(set(mine) ^ set(its))} on one side alone"
    floor = 1e-3 * max([_largest(a) for a in its.values()], default=0.0)
    return max(((distance(mine[name], its[name], floor), _named(name, mine, its)) for name in its), default=(0.0, ""))


def _named(name: str, mine: Mapping[str, Array], its: Mapping[str, Array]) -> str:
    """An array, and of what type it is where that is not Keras's."""
    got, want = mine[name].dtype, its[name].dtype
    return name if got == want else f"{name}, {got} for {want}"


def _largest(array: Array) -> float:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else np.empty(0)
    return float(np.abs(finite).max(initial=0.0))


def distance(got: Array, want: Array, floor: float = 0.0) -> float:
    """The error of an array, as told above.

    >>> distance(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.2
    >>> distance(np.array([1, 2]), np.array([1, 3]))
    inf
    >>> distance(np.array([1.0], "float64"), np.array([1.0], "float32"))
    inf
    """
    if got.shape != want.shape or got.dtype != want.dtype:
        return float("inf")
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else float("inf")
    finite = np.isfinite(want)
    if not np.array_equal(np.where(finite, 0, got), np.where(finite, 0, want), equal_nan=True):
        return float("inf")
    a, b = got[finite].astype("float64"), want[finite].astype("float64")
    apart = float(np.abs(a - b).max(initial=0.0))
    size = max(float(np.abs(b).max(initial=0.0)), floor)
    if apart == 0.0:
        return 0.0
    return apart / size if size and np.isfinite(apart) else float("inf")


def _versions(keras: Any) -> dict[str, str]:
    theirs = versions(keras)
    backend = theirs["backend"]
    return {"neurona": __version__, "keras": theirs["keras"], backend: theirs[backend], "numpy": np.__version__}
