"""Lint: before training, look for what ruins a beginner's run, and say each with its cure.

A rule is a function that looks at a `Situation` and yields findings; the table at the end lists them all. A
rule is
silent wherever it is not sure: an ordinary program gets no warning. Leans on
`neurona.training.lint_situation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurona.i18n import _
from neurona.tensor import Array
from neurona.training.lint_situation import (
    Output,
    Situation,
    sample_inputs,
    sample_targets,
    situation_of,
)
from neurona.warn import warn_caller

__all__ = ["Finding", "LintWarning", "Output", "Situation", "lint", "warn_before_fit"]

_SPARSE = ("sparse_categorical_crossentropy",)
_ONE_HOT = ("categorical_crossentropy", "categorical_focal_crossentropy")
_BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
_REGRESSION = (
    "mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error", "mse", "mae",
)  # fmt: skip
# Activations whose outputs are no probabilities.
_RAW = ("linear", "relu", "leaky_relu", "elu", "tanh", "gelu", "selu", "silu", "swish")

_FEW = 20  # below so many samples, order and share of classes say nothing
_SPREAD = 20.0  # a standard deviation of inputs above this is too much for fresh weights


@dataclass(frozen=True)
class Finding:
    """Something that will probably ruin the run.

    Attributes:
        code: a name that stays the same in all languages.
        message: what is the matter.
        cure: what to do.
    """

    code: str
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{self.message} {self.cure}"


class LintWarning(UserWarning):
    """A finding, as `fit` warns of it; ``fit(lint=False)`` looks for none."""


def lint(situation: Situation) -> list[Finding]:
    """All findings in a situation, the gravest first.

    >>> codes = Situation(x=[np.full((2, 3), np.nan)])
    >>> [finding.code for finding in lint(codes)]
    ['nan-input']
    """
    found = [finding for rule in _RULES for finding in rule(situation)]
    for output in situation.outputs:
        y = sample_targets(output, len(situation.outputs))
        found += [finding for rule in _OUTPUT_RULES for finding in rule(output, y)]
        if y is not None and len(y) and situation.x and len(situation.x[0]) == len(output.y):  # type: ignore[arg-type]
            found += _order(output, y, situation)
    return found


def warn_before_fit(model: Any, x: Any, y: Any, *, shuffle: bool = True, validation_split: float = 0.0) -> None:
    """Warn (with `LintWarning`) of everything that `lint` finds in ``model.fit(x, y)``."""
    for finding in lint(situation_of(model, x, y, shuffle, validation_split)):
        warn_caller(f"[{finding.code}] {finding}", LintWarning)


# -- the inputs ---------------------------------------------------------------------------------------------


def _lengths(s: Situation) -> Iterator[Finding]:
    sizes = [len(x) for x in s.x] + [len(o.y) for o in s.outputs if o.y is not None]
    if len(set(sizes)) > 1:
        yield Finding(
            "lengths",
            _("Inputs and targets have different numbers of samples: {sizes}.").format(
                sizes=", ".join(map(str, sizes))
            ),
            _("Each input needs its own target: look for a step that shortened or mixed only one of them."),
        )


def _inputs(s: Situation) -> Iterator[Finding]:
    for index, x in sample_inputs(s):
        name = "x" if len(s.x) == 1 else f"x[{index}]"
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            yield Finding(
                "nan-input",
                _("The inputs {name} hold NaN or infinite numbers; the loss will become NaN.").format(name=name),
                _("Remove those samples or fill the gaps, for example with numpy.nan_to_num or the mean."),
            )
            continue
        low, high = x.min(), x.max()
        if len(x) >= _FEW and low == high:
            yield Finding(
                "constant-input",
                _("All inputs {name} have the same value, {value}: there is nothing to learn from.").format(
                    name=name, value=low
                ),
                _("Check how the data were read, and that integers were not divided with //."),
            )
            continue
        if len(x) >= _FEW and x.ndim > 1 and (x[1:] == x[:1]).all():
            yield Finding(
                "constant-input",
                _("All samples of {name} are the same: there is nothing to learn from.").format(name=name),
                _("Check how the data were read; a loop may have stored one sample many times."),
            )
            continue
        if not s.scaled and not s.embeds and float(np.std(x, dtype="float64")) > _SPREAD:
            yield _unscaled(name, float(low), float(high))


def _unscaled(name: str, low: float, high: float) -> Finding:
    if low >= 0 and 100 < high <= 255:
        cure = _('Divide them by 255: x = x.astype("float32") / 255, or begin the model with Rescaling(1 / 255).')
    else:
        cure = _("Subtract the mean and divide by the standard deviation, or begin the model with Normalization().")
    return Finding(
        "unscaled-input",
        _("The inputs {name} reach from {low:g} to {high:g}; networks learn badly from such large numbers.").format(
            name=name, low=low, high=high
        ),
        cure,
    )


def _padding(s: Situation) -> Iterator[Finding]:
    """Filled-up ends that a recurrent layer reads last, and so remembers best (keras issue 20898)."""
    for index, x in sample_inputs(s):
        layer = s.reads_last.get(index)
        if layer is None or x.ndim != 2 or len(x) < _FEW or not x.shape[1]:
            continue
        filled = np.argmax((x != 0)[:, ::-1], axis=1)[(x != 0).any(axis=1)]  # zeros at the end of each row
        if filled.size and np.median(filled) >= max(3, x.shape[1] // 5):
            name = "x" if len(s.x) == 1 else f"x[{index}]"
            yield Finding(
                "padded-ends",
                _(
                    "The sequences {name} end in zeros, and {layer} returns only its last output: until then it reads "
                    "padding, and forgets what stood before."
                ).format(name=name, layer=layer),
                # in front, the other half of a Bidirectional would read them last
                _("Use Embedding(..., mask_zero=True), so that the zeros are skipped.")
                if layer.startswith("Bidirectional")
                else _(
                    "Use Embedding(..., mask_zero=True), so that the zeros are skipped, or put them in front: "
                    'pad_sequences(..., padding="pre").'
                ),
            )


# -- the last layer and the loss ----------------------------------------------------------------------------


def _probabilities(o: Output, y: Array | None) -> Iterator[Finding]:
    told = {"loss": o.loss, "activation": o.activation}
    classes = o.loss in _SPARSE + _ONE_HOT
    if o.activation == "softmax" and o.units == 1:
        yield Finding(
            "softmax-one-unit",
            _("The last layer has softmax and one unit: its output is always 1."),
            _('Use activation="sigmoid" for yes or no, or one unit for each class.'),
        )
    elif classes and o.units == 1:
        yield Finding(
            "one-unit",
            _("The loss {loss} needs one unit for each class, and the last layer has one unit.").format(**told),
            _("Give the last layer as many units as there are classes, or use binary_crossentropy for two."),
        )
    elif o.from_logits and (classes or o.loss in _BINARY) and o.activation in ("softmax", "sigmoid"):
        yield Finding(
            "softmax-before-logits",
            _("The loss {loss} has from_logits=True, but the last layer already applies {activation}.").format(**told),
            _("Remove the last activation, or leave out from_logits=True."),
        )
    elif classes and not o.from_logits and o.activation in _RAW:
        yield Finding(
            "missing-softmax",
            _("The loss {loss} expects probabilities, but the last layer ends with {activation}.").format(**told),
            _('Use activation="softmax" in the last layer, or from_logits=True in the loss.'),
        )
    elif o.loss in _BINARY and not o.from_logits and o.activation in _RAW:
        yield Finding(
            "missing-sigmoid",
            _("The loss {loss} expects probabilities, but the last layer ends with {activation}.").format(**told),
            _('Use activation="sigmoid" in the last layer, or from_logits=True in the loss.'),
        )
    elif classes and not o.from_logits and o.activation == "sigmoid":
        yield Finding(
            "sigmoid-for-classes",
            _("The loss {loss} is for one class out of several, but sigmoid judges each class alone.").format(**told),
            _('Use activation="softmax" in the last layer.'),
        )
    elif o.loss in _BINARY and o.activation == "softmax":
        yield Finding(
            "softmax-for-binary",
            _("The loss {loss} judges each unit alone, but softmax makes them depend on each other.").format(**told),
            _("Use categorical_crossentropy (sparse_... for class numbers), or one unit with sigmoid."),
        )


def _target_kinds(o: Output, y: Array | None) -> Iterator[Finding]:
    """Labels of the wrong kind or range for the loss."""
    if y is None:
        return
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        yield Finding(
            "nan-target",
            _("The targets hold NaN or infinite numbers; the loss will become NaN."),
            _("Remove those samples, or give them a sample_weight of 0 and a finite target."),
        )
    elif o.loss in _SPARSE:
        yield from _sparse_targets(o, y)
    elif o.loss in _ONE_HOT:
        yield from _one_hot_targets(o, y)
    elif o.loss in _BINARY:
        if y.min() < 0 or y.max() > 1:
            yield Finding(
                "binary-range",
                _("The loss {loss} expects targets from 0 to 1; they reach from {low:g} to {high:g}.").format(
                    loss=o.loss, low=float(y.min()), high=float(y.max())
                ),
                _("Turn the two classes into 0 and 1; for more classes use sparse_categorical_crossentropy."),
            )
        elif o.rank == 2 and y.ndim <= 2 and o.units is not None and _width(y) != o.units:
            yield _shape_finding(o, y)
    elif o.loss in _REGRESSION and o.rank == 2 and y.ndim <= 2 and o.units is not None and _width(y) != o.units:
        yield _shape_finding(o, y)


def _width(y: Array) -> int:
    return int(y.shape[1]) if y.ndim == 2 else 1


def _shape_finding(o: Output, y: Array) -> Finding:
    shape = "(N,)" if y.ndim == 1 else f"(N, {y.shape[1]})"
    return Finding(
        "target-shape",
        _("The targets have shape {shape}, the outputs (N, {units}): they would be compared crosswise.").format(
            shape=shape, units=o.units
        ),
        _("Give the last layer {units} units, or the targets one number for each unit.").format(units=_width(y)),
    )


def _is_one_hot(y: Array) -> bool:
    if y.ndim < 2 or y.shape[-1] < 2:
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=-1) == 1).all())


def _sparse_targets(o: Output, y: Array) -> Iterator[Finding]:
    if _is_one_hot(y) and y.shape[-1] == o.units and o.rank in (None, y.ndim):
        yield Finding(
            "one-hot-for-sparse",
            _("The targets are one-hot rows, but {loss} expects class numbers.").format(loss=o.loss),
            _("Use categorical_crossentropy, or turn the targets into class numbers: y.argmax(-1)."),
        )
        return
    kept = y if o.ignore_class is None else y[y != o.ignore_class]
    if not kept.size:
        return
    if kept.dtype.kind == "f" and (kept != np.round(kept)).any():
        yield Finding(
            "label-fraction",
            _("The loss {loss} expects class numbers 0, 1, 2, ..., not fractions.").format(loss=o.loss),
            _("Use a loss for quantities such as mean_squared_error, or make the targets class numbers."),
        )
        return
    low, high = int(kept.min()), int(kept.max())
    if low < 0 or (o.units is not None and o.units > 1 and high >= o.units):
        if o.units is not None and (low, high) == (1, o.units):
            cure = _("The labels begin with 1: subtract 1 from them.")
        elif low < 0:
            cure = _("Number the classes from 0: numpy.unique(y, return_inverse=True)[1].")
        else:
            cure = _("Give the last layer {units} units, or number the classes from 0 without gaps.").format(
                units=high + 1
            )
        yield Finding(
            "label-range",
            _("The labels reach from {low} to {high}, but the last layer can tell apart 0 to {last}.").format(
                low=low, high=high, last="?" if o.units is None else o.units - 1
            ),
            cure,
        )
    elif o.units is not None and kept.size >= _FEW * o.units and high + 2 < o.units:
        yield _too_many_units(o, high + 1)


def _too_many_units(o: Output, classes: int) -> Finding:
    return Finding(
        "units-classes",
        _("The last layer has {units} units, but the labels show {classes} classes.").format(
            units=o.units, classes=classes
        ),
        _("Give the last layer as many units as there are classes; look whether some class is missing."),
    )


def _one_hot_targets(o: Output, y: Array) -> Iterator[Finding]:
    if o.units is None or o.units < 2:
        return
    numbers = y.dtype.kind in "iub" or (y == np.round(y)).all()
    if (y.ndim == 1 or y.shape[-1] == 1) and numbers:
        yield Finding(
            "labels-for-one-hot",
            _("The targets are class numbers, but {loss} expects one-hot rows.").format(loss=o.loss),
            _("Use sparse_categorical_crossentropy, or to_categorical(y, {units}).").format(units=o.units),
        )
    elif y.ndim > 1 and y.shape[-1] != o.units:
        yield Finding(
            "units-classes",
            _("The last layer has {units} units, but the targets have {classes} columns.").format(
                units=o.units, classes=y.shape[-1]
            ),
            _("Give the last layer one unit for each column of the targets."),
        )


# -- classes and their order --------------------------------------------------------------------------------


def _class_numbers(o: Output, y: Array) -> Array | None:
    """The classes of the samples in their order, where the loss says that they are classes."""
    if o.loss in _ONE_HOT and _is_one_hot(y) and y.ndim == 2:
        return np.asarray(y.argmax(-1))
    if o.loss in _SPARSE + _BINARY and (y.ndim == 1 or y.shape[1:] == (1,)):
        flat = y.reshape(-1)
        return flat if flat.dtype.kind in "iub" or (flat == np.round(flat)).all() else None
    return None


def _order(o: Output, y: Array, s: Situation) -> Iterator[Finding]:
    labels = _class_numbers(o, y)
    if labels is None or len(labels) < _FEW:
        return
    changes = int(np.count_nonzero(labels[1:] != labels[:-1]))
    if changes == 0:
        yield Finding(
            "one-class",
            _("All samples have the same label, {label}.").format(label=labels[0]),
            _("Check how the labels were read; a network needs samples of every class."),
        )
    elif changes == len(np.unique(labels)) - 1 and s.validation_split > 0:
        yield Finding(
            "sorted-split",
            _("The samples are ordered by class; validation_split takes the last: classes are missing."),
            _("Mix inputs and targets first: p = numpy.random.permutation(len(x)); x, y = x[p], y[p]."),
        )
    elif changes == len(np.unique(labels)) - 1 and not s.shuffle:
        yield Finding(
            "sorted-unshuffled",
            _("The samples are ordered by class and shuffle=False: each class drives out the one before."),
            _("Leave out shuffle=False, or mix inputs and targets together first."),
        )


_RULES: tuple[Callable[[Situation], Iterator[Finding]], ...] = (_lengths, _inputs, _padding)
_OUTPUT_RULES: tuple[Callable[[Output, Array | None], Iterator[Finding]], ...] = (
    _target_kinds,
    _probabilities,
)
