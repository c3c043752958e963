"""Reads golden cases and compares numbers with them.

A family is two files: ``data/<family>.json`` holds one case a line, ``.npz`` one flat buffer per dtype.
Inside the JSON, these little objects stand for what JSON cannot say:

    {"$array": [dtype, shape, offset]}       an array, a slice of its dtype's buffer
    {"$tuple": [...]}                        a tuple
    {"$slice": [start, stop, step]}          a slice
    {"$new": "losses.Huber", "with": {...}}  an object to be built from a name and keyword arguments
    {"$get": "losses.huber"}                 the thing of that name itself

The last two stay descriptions until `build` is given the engine that they shall come from.

**Tolerance.** A number is right when ``|got - want| <= 1e-6 * max(|want|, s)``, where ``s`` is the largest
magnitude in the array: about eight units in the last place of float32, on the scale of the array. A case
whose mathematics amplifies rounding states its own factor in ``"slack"`` (1e-6 * slack), beside the reason
in its spec.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
RTOL = 1e-6  # float32's spacing is 1.2e-7 at 1: eight units in the last place


@dataclass(frozen=True)
class Case:
    """One question and Keras's answer: `setup` says what to build and call, `expected` what came out."""

    family: str
    id: str
    setup: dict[str, Any] = field(repr=False)
    expected: dict[str, Any] = field(repr=False)
    slack: float = 1.0

    def __str__(self) -> str:
        return self.id


@functools.cache
def family(name: str) -> tuple[Case, ...]:
    """Every case of a family, in the order in which they were recorded."""
    with np.load(DATA / f"{name}.npz") as archive:
        buffers = {key: archive[key] for key in archive.files}
    for buffer in buffers.values():
        buffer.setflags(write=False)  # the cases share it: an op that writes into its input must fail
    read = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    decoded = (_decode(line, buffers) for line in read["cases"])
    return tuple(Case(name, line["id"], line["setup"], line["expected"], line.get("slack", 1.0)) for line in decoded)


def made_with(name: str) -> dict[str, str]:
    """The versions and seeds that a family was recorded with."""
    versions: dict[str, str] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))["made_with"]
    return versions


def _decode(value: Any, buffers: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decode(item, buffers) for item in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        dtype, shape, offset = value["$array"]
        size = int(np.prod(shape, dtype=np.int64))
        return buffers[dtype][offset : offset + size].reshape(shape)
    if "$tuple" in value:
        return tuple(_decode(item, buffers) for item in value["$tuple"])
    if "$slice" in value:
        return slice(*value["$slice"])
    return {key: _decode(item, buffers) for key, item in value.items()}


def look_up(keras: Any, dotted: str) -> Any:
    """`keras.losses.Huber` for the name ``"losses.Huber"``."""
    return functools.reduce(getattr, dotted.split("."), keras)


def build(keras: Any, described: Any) -> Any:
    """The value itself, with every description in it turned into the engine's own object."""
    if isinstance(described, dict):
        if "$new" in described:
            return look_up(keras, described["$new"])(**build(keras, described.get("with", {})))
        if "$get" in described:
            return look_up(keras, described["$get"])
        return {key: build(keras, item) for key, item in described.items()}
    if isinstance(described, (list, tuple)):
        return type(described)(build(keras, item) for item in described)
    return described


def new(dotted: str, **arguments: Any) -> dict[str, Any]:
    """The description of an object: ``new("losses.Huber", delta=0.5)``."""
    return {"$new": dotted, "with": arguments}


def compare(case: Case, got: dict[str, Any]) -> None:
    """Fails, naming the case and the place, when an answer is not Keras's."""
    problems = list(_differences(got, case.expected, "", RTOL * case.slack))
    assert not problems, f"{case.family}: {case.id}\n  " + "\n  ".join(problems[:8])


def _differences(got: Any, want: Any, at: str, rtol: float) -> Iterable[str]:
    if isinstance(want, dict):
        if not isinstance(got, dict):
            yield f"{at}: wanted a dict with {sorted(want)}. Received: {got!r}"
            return
        for key in sorted(set(want) | set(got), key=str):
            if key not in got:
                yield f"{at}[{key}] is missing; wanted {want[key]!r}"
            elif key not in want:
                yield f"{at}[{key}] is not in Keras's answer. Received: {got[key]!r}"
            else:
                yield from _differences(got[key], want[key], f"{at}[{key}]", rtol)
    elif isinstance(want, (list, tuple)):
        if not isinstance(got, (list, tuple)) or len(got) != len(want):
            yield f"{at}: wanted {want!r}. Received: {got!r}"
            return
        for index, (mine, theirs) in enumerate(zip(got, want, strict=True)):
            yield from _differences(mine, theirs, f"{at}[{index}]", rtol)
    elif isinstance(want, (np.ndarray, float)) and not isinstance(got, (str, type(None), dict)):
        yield from _numbers(got, want, at, rtol)
    elif got != want or isinstance(got, bool) != isinstance(want, bool):
        yield f"{at}: wanted {want!r}. Received: {got!r}"


def _numbers(got: Any, want: Any, at: str, rtol: float) -> Iterable[str]:
    mine, theirs = np.asarray(got), np.asarray(want)
    if isinstance(want, np.ndarray) and (mine.shape != theirs.shape or mine.dtype != theirs.dtype):
        yield f"{at}: wanted {theirs.dtype}{theirs.shape}. Received: {mine.dtype}{mine.shape}"
        return
    if theirs.dtype.kind not in "fc":
        if not np.array_equal(mine, theirs):
            yield f"{at}: wanted {theirs.tolist()}. Received: {mine.tolist()}"
        return
    finite = np.isfinite(theirs)
    if not np.array_equal(np.where(finite, 0, mine), np.where(finite, 0, theirs), equal_nan=True):
        yield f"{at}: infinities or NaN differ: wanted {theirs.tolist()}. Received: {mine.tolist()}"
        return
    if not finite.any():
        return
    wide = np.complex128 if theirs.dtype.kind == "c" else np.float64
    a, b = mine[finite].astype(wide), theirs[finite].astype(wide)
    gap = np.abs(a - b)
    allowed = rtol * np.maximum(np.abs(b), np.abs(b).max())
    if not np.all(gap <= allowed):  # also when a NaN came where a number was wanted
        worst = int(np.argmax(np.where(np.isnan(gap), np.inf, gap)))
        yield (
            f"{at}: off by {gap[worst]:.3g}, allowed {allowed[worst]:.3g}"
            f" (element {worst}: wanted {b[worst]!r}, received {a[worst]!r})"
        )
