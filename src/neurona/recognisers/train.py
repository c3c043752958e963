"""Carry out a recipe: data, model, fit, judgement, all into a Run folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurona import datasets, utils
from neurona.errors import NonFiniteError, RunError
from neurona.i18n import _
from neurona.recognisers import Recipe, Recogniser, find
from neurona.recognisers.judging import judge, softmax
from neurona.recognisers.showing import Turn
from neurona.runs import Run, versions
from neurona.tensor import Array
from neurona.training.callbacks import Callback
from neurona.training.checkpoint import Checkpoint, Interrupted

__all__ = ["probabilities", "start", "train"]

# The split of training and validation pictures is the same for every seed, so that runs can be compared.
_SPLIT_SEED = 0


def start(
    recogniser: Recogniser,
    recipe: Recipe,
    data: datasets.Data,
    seed: int,
    epochs: int | None,
    folder: Any = None,
    validation: float | None = None,
) -> Run:
    """A new Run folder for this recipe; `train` carries it out."""
    return Run.create(
        folder,
        recogniser.name,
        recipe=recipe.name,
        seed=seed,
        epochs=recipe.epochs if epochs is None else epochs,
        batch_size=recipe.batch_size,
        views=list(recipe.views),
        validation=recipe.validation if validation is None else validation,
        data={
            "name": data.name,
            "kind": data.kind,
            "origin": data.origin,
            "official": data.official,
            "fingerprint": data.fingerprint,
            "train": len(data.x_train),
            "test": len(data.x_test),
        },
        classes={language: list(names) for language, names in data.labels.items()},
        versions=versions(),
    )


def train(
    run: Run,
    data: datasets.Data,
    callbacks: Sequence[Callback] = (),
    verbose: Any = "auto",
    after: Callable[[Array], None] | None = None,
) -> dict[str, Any]:
    """Train what `run` says, from its checkpoint if it has one; write model, history and metrics into it.

    Args:
        run, data: the run and the data that it was begun with.
        callbacks, verbose: for `fit`.
        after: called with the probabilities of the test set once the judgement is written, before the run counts as
            complete; what fails in it can be made good by resuming.

    Returns:
        the contents of metrics.json.

    Raises:
        Interrupted: a signal asked to stop; the checkpoint is written, the run can be resumed.
        NonFiniteError: the loss became NaN or infinite; the last good model is kept.
        RunError: the data are not those that the run was begun with.
    """
    info = run.info
    recogniser = find(info["recogniser"])
    if info["recipe"] not in recogniser.recipes:
        raise RunError(
            _("{recogniser} has no recipe '{recipe}'. Its recipes: {known}.").format(
                recogniser=recogniser.name, recipe=info["recipe"], known=", ".join(recogniser.recipes)
            )
        )
    recipe = recogniser.recipes[info["recipe"]]
    if data.fingerprint != info["data"]["fingerprint"]:
        raise RunError(
            _("The run {path} was begun with other data ({begun}, now {now}). Start a new run.").format(
                path=run.path, begun=info["data"]["origin"], now=data.origin
            )
        )
    seconds_before = float(info.get("seconds", 0.0))
    began = time.perf_counter()
    utils.clear_session()
    utils.set_random_seed(info["seed"])
    part = datasets.split(data.x_train, data.y_train, info["validation"], _SPLIT_SEED, in_order=recogniser.in_order)
    x_train, x_val = recogniser.prepare(part.x_train), recogniser.prepare(part.x_val)
    steps = math.ceil(len(x_train) / info["batch_size"])
    model = recipe.build(steps, info["epochs"], info["seed"])
    if recipe.adapt is not None:
        recipe.adapt(model, x_train)
    checkpoint = Checkpoint(run.checkpoint_path)

    def stopped(status: str) -> None:
        run.update(status=status, seconds=round(seconds_before + time.perf_counter() - began, 3))

    watched = slice(0, recipe.watched)
    shown, own = None, []
    if recipe.show is not None:
        shown = recipe.show(x_train, part.y_train, info["batch_size"], info["epochs"], info["seed"])
        own = [Turn(shown)]
    run.update(status="running")
    try:
        history = model.fit(
            *((x_train, part.y_train, info["batch_size"]) if shown is None else (shown,)),
            epochs=info["epochs"], verbose=verbose,
            validation_data=(x_val[watched], part.y_val[watched]) if len(x_val) else None,
            validation_batch_size=1000, callbacks=[*own, *callbacks, checkpoint],
        )  # fmt: skip
    except (Interrupted, KeyboardInterrupt):
        stopped("interrupted")
        raise
    except NonFiniteError:
        checkpoint.restore_into(model)
        _save(run, recipe, model)
        stopped("failed")
        raise
    finally:
        checkpoint.close()
    try:
        run.write_history(history.history)
        model = _save(run, recipe, model)
        shares = probabilities(model, recogniser.prepare(data.x_test), recipe.views)
        found = judge(shares, data.y_test, list(data.labels["en"]))
        if len(x_val):
            held_out = judge(probabilities(model, x_val, recipe.views), part.y_val, list(data.labels["en"]))
            found["validation_accuracy"] = held_out["accuracy"]
            found["validation_interval"] = held_out["accuracy_interval"]
            found["validation_samples"] = held_out["samples"]
        run.write_metrics(found)
        run.update(parameters=model.count_params(), test_accuracy=found["accuracy"],
                   seconds=round(seconds_before + time.perf_counter() - began, 3))  # fmt: skip
        if after is not None:
            after(shares)
    except KeyboardInterrupt:
        stopped("interrupted")
        raise
    run.update(status="complete")
    checkpoint.remove()
    return found


def _save(run: Run, recipe: Recipe, model: Any) -> Any:
    """Write the model that is kept; returns it."""
    kept = model if recipe.finish is None else recipe.finish(model)
    kept.save(run.model_path)
    return kept


def probabilities(model: Any, x: Array, views: Sequence[str] = ()) -> Array:
    """What a recogniser's network, which ends in raw outputs, thinks of prepared pictures: ``(N, C)``.

    Args:
        x: the pictures, ``(N, H, W)`` or ``(N, H, W, C)``.
        views: "mirrored": the mean over each picture and its mirror image; "shifted": half the weight to two copies that
            are shifted by a pixel, up left and down right.

    Source of the views: K. Jordan, arXiv:2404.00498, section 3.6.
    """
    if "mirrored" in views:
        others = [view for view in views if view != "mirrored"]
        return (probabilities(model, x, others) + probabilities(model, x[:, :, ::-1], others)) / 2
    if "shifted" in views:
        corners = _shifted(x, 0), _shifted(x, 2)
        return probabilities(model, x) / 2 + sum(probabilities(model, corner) for corner in corners) / 4
    outputs = np.asarray(model.predict(x, batch_size=1000, verbose=0), "float64")
    if not np.isfinite(outputs).all():
        raise NonFiniteError(_("The network answers with NaN or infinity: its weights are spoilt."))
    return softmax(outputs)


def _shifted(x: Array, start: int) -> Array:
    """Pictures that begin at row and column `start` of themselves with a mirrored margin of 1."""
    height, width = x.shape[1:3]
    wide = np.pad(x, [(0, 0), (1, 1), (1, 1)] + [(0, 0)] * (x.ndim - 3), mode="reflect")
    return wide[:, start : start + height, start : start + width]
