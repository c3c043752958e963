"""Carry out a recipe: data, model, fit, judgement, all into a Run folder."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from neurona import config, datasets, engines, utils
from neurona.errors import ArgumentError, NonFiniteError, RunError
from neurona.i18n import _
from neurona.recognisers import Recipe, Recogniser, find
from neurona.recognisers.judging import judge
from neurona.recognisers.lengths import Lengths
from neurona.recognisers.recipe import Setting
from neurona.recognisers.showing import ByEpoch, Turn
from neurona.runs import Run, versions
from neurona.tensor import Array
from neurona.training.callbacks import Callback, SwapEMAWeights
from neurona.training.checkpoint import Checkpoint, Interrupted

__all__ = ["DISTANCES", "ENGINES", "start", "train"]

#: What can do the steps of a training.
ENGINES = ("neurona", "keras", "both")
#: The file of a run's folder in which `both` writes how far apart the two are.
DISTANCES = "engines.csv"

# The split of training and validation examples is the same for every seed, so that runs can be compared.
_SPLIT_SEED = 0


def start(
    recogniser: Recogniser,
    recipe: Recipe,
    data: datasets.Data,
    seed: int,
    epochs: int | None,
    folder: Any = None,
    validation: float | None = None,
    settings: Mapping[str, Setting] | None = None,
    baselines: bool = True,
    engine: str = "neurona",
    chance: bool = True,
) -> Run:
    """A new Run folder for this recipe; `train` carries it out.

    Args:
        settings: those of `Recipe.settings`, some perhaps changed.
        baselines: whether simpler ways to the same end are tried beside it, where the recogniser has some.
        engine: one of `ENGINES`: what does the steps.
        chance: False leaves dropout and augmentation out, so that two engines can be compared step by step.

    Raises:
        MissingPackageError: the engine is not installed.
        NeuronaError: a setting that the network refuses; no folder is made then.
        RunError: the folder exists and is not empty, or cannot be made.
    """
    own: dict[str, Any] = dict(recipe.settings if settings is None else settings)
    batch_size = own.pop("batch_size")
    lengths = {} if recipe.lengths is None else {name: own.pop(name) for name in asdict(recipe.lengths)}
    Lengths(**lengths)  # refuses what cannot be, before there is a folder
    if batch_size < 1:
        raise ArgumentError(f"Expected `batch_size` to be a whole number from 1. Received: batch_size={batch_size}.")
    epochs = recipe.epochs if epochs is None else epochs
    computed: dict[str, Any] = {"name": engine}
    if engine != "neurona":
        computed = {**engines.versions(engines.load_keras()), **computed}
    recipe.build(1, epochs, seed, **own)  # so does the network
    return Run.create(
        folder,
        recogniser.name,
        recipe=recipe.name,
        seed=seed,
        epochs=epochs,
        batch_size=batch_size,
        settings=own,
        **({"lengths": lengths} if lengths else {}),
        baselines=baselines,
        engine=computed,
        chance=chance,
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
        RunError: the data or the engine are not those that the run was begun with.
        MissingPackageError: the run's engine is not installed.
    """
    info = run.info
    with_engine = _engine_of(run)
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

    def stopped(status: str) -> None:
        run.update(status=status, seconds=round(seconds_before + time.perf_counter() - began, 3))

    utils.clear_session()
    utils.set_random_seed(info["seed"])
    kind = recogniser.kind
    part = datasets.split(
        np.arange(len(data.x_train)), data.y_train, info["validation"], _SPLIT_SEED, in_order=recogniser.in_order
    )
    try:
        examples = _rows(data.x_train, part.x_train)
        prepare = kind.reader(run, examples)
        x_train, x_val = prepare(examples), prepare(_rows(data.x_train, part.x_val))
        steps = math.ceil(len(x_train) / info["batch_size"])
        model = recipe.build(steps, info["epochs"], info["seed"], **info.get("settings", {}))
        if recipe.adapt is not None:
            recipe.adapt(model, x_train)
        if not info.get("chance", True):
            model = engines.without_chance(model)
        engine = with_engine(model)
        fed = kind.fed(run, recipe, x_train, part.y_train)
    except (Interrupted, KeyboardInterrupt):
        stopped("interrupted")
        raise
    except Exception:
        stopped("failed")
        raise
    checkpoint = Checkpoint(run.checkpoint_path, before=None if engine is None else engine.bring_back)
    own: list[Callback] = [Turn(fed)] if isinstance(fed, ByEpoch) else []
    if getattr(model.optimizer, "use_ema", False) and type(engine) is not engines.OnKeras:
        own.append(SwapEMAWeights())  # what is kept are the averages, so they are what each epoch is judged by
    run.update(status="running")
    all_rows = not config.sparse_updates()
    config.set_sparse_updates(True)  # the recipes for reviews were measured so: their largest table has 200,000 rows
    try:
        history = model.fit(
            *((fed,) if isinstance(fed, ByEpoch) else (*fed, info["batch_size"])),
            epochs=info["epochs"], verbose=verbose,
            validation_data=kind.judged(run, recipe, x_val, part.y_val) if len(x_val) else None,
            validation_batch_size=1000, callbacks=[*own, *callbacks, checkpoint, *([] if engine is None else [engine])],
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
        if engine is not None:
            engine.let_go()
        config.set_sparse_updates(not all_rows)
    try:
        run.write_history(history.history)
        if engine is not None:
            run.update(engine={**info["engine"], "agreement": engine.agreement, "drawn_by_lot": engine.drawn})
        model = _save(run, recipe, model)
        x_test = prepare(data.x_test)
        shares = kind.probabilities(run, model, x_test)
        found = judge(shares, data.y_test, list(data.labels["en"]))
        if len(x_val):
            held_out = judge(kind.probabilities(run, model, x_val), part.y_val, list(data.labels["en"]))
            found["validation_accuracy"] = held_out["accuracy"]
            found["validation_interval"] = held_out["accuracy_interval"]
            found["validation_samples"] = held_out["samples"]
        # of this network, not of what stands beside it
        seconds = round(seconds_before + time.perf_counter() - began, 3)
        if kind.baselines is not None and info.get("baselines", True):
            found["baselines"] = kind.baselines(run, x_train, part.y_train, x_test, data.y_test)
        run.write_metrics(found)
        run.update(parameters=model.count_params(), test_accuracy=found["accuracy"], seconds=seconds)
        if after is not None:
            after(shares)
    except KeyboardInterrupt:
        stopped("interrupted")
        raise
    run.update(status="complete")
    checkpoint.remove()
    return found


def _engine_of(run: Run) -> Callable[[Any], engines.OnKeras | None]:
    """What makes the run's engine take the steps of a model, `None` where that is our own.

    Raises:
        RunError: the engine cannot go on with this run.
        MissingPackageError: it is not installed.
    """
    told = run.info.get("engine", {"name": "neurona"})
    if told["name"] == "neurona":
        return lambda model: None
    if told["name"] == "both" and (run.status != "running" or run.checkpoint_path.is_dir()):
        raise RunError(
            _("The run {path} compares two engines step by step; that cannot be gone on with. Start a new run.").format(
                path=run.path
            )
        )
    here = engines.versions(engines.load_keras())["backend"]
    if here != told["backend"]:
        raise RunError(
            _(
                "The run {path} was begun with Keras on {begun}, now it would be {now}. Set KERAS_BACKEND={begun}."
            ).format(path=run.path, begun=told["backend"], now=here)
        )
    if told["name"] == "keras":
        return engines.OnKeras
    return lambda model: engines.SideBySide(model, run.path / DISTANCES)


def _save(run: Run, recipe: Recipe, model: Any) -> Any:
    """Write the model that is kept; returns it."""
    kept = model if recipe.finish is None else recipe.finish(model)
    kept.save(run.model_path)
    return kept


def _rows(x: Any, numbers: Array) -> Any:
    """The examples with these numbers, which grow; without a copy where they lie beside each other."""
    if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1:
        return x[int(numbers[0]) : int(numbers[-1]) + 1]
    return x[numbers]
