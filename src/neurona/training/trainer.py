"""Trainer: compile, fit, evaluate and predict, as a base of Model.

`fit` walks over batches. The step itself is `train_step`, which a subclass may override; the standard one is run
through a `Plan` (recorded once, repeated from then on) unless ``run_eagerly=True`` or the model's own code looks at
values while it computes.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from neurona import config, kernels, optimizers
from neurona import metrics as metrics_module
from neurona.errors import ArgumentError, NotBuiltError, ShapeError
from neurona.registry import deserialize_keras_object, serialize_keras_object
from neurona.symbolic import KerasTensor, flatten, map_structure
from neurona.tape import Tape
from neurona.tensor import Array, Tensor, as_array, as_tensor, wrap
from neurona.training.batches import Batches, make_batches, split_validation
from neurona.training.callbacks import Callback, CallbackList, History
from neurona.training.compiled import CompiledLoss, CompiledMetrics, leaves, unpack_x_y_sample_weight
from neurona.training.data_arrays import batch_dtype
from neurona.training.lint import warn_before_fit
from neurona.training.plan import Plan, Signature, signature_of
from neurona.warn import warn_caller

__all__ = ["Trainer"]

# Beyond so many different batch shapes recording costs more than it saves: the steps run one op at a time.
_MOST_PLANS = 32
_STEPS = {"train": "train_step", "test": "test_step", "predict": "predict_step"}


class Trainer:
    """What a model needs in order to be trained, judged and applied. Mixed into `Model`."""

    optimizer: Any
    stop_training: bool  # set by callbacks; so are the other two
    stop_evaluating: bool
    stop_predicting: bool
    output_names: list[str]

    def _start_trainer(self) -> None:
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self.steps_per_execution = 1
        self.compiled = False
        self.optimizer = None
        self.loss: Any = None
        self.run_eagerly = False
        self.history: History | None = None
        self._compile_config: dict[str, Any] | None = None
        self._compiled_loss: CompiledLoss | None = None
        self._compiled_metrics: CompiledMetrics | None = None
        self._loss_tracker = metrics_module.Mean(name="loss")
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._why_eager: str | None = None
        self.last_loss: Array | None = None  # of the last step of training, as it left the loss
        self.batches: Batches | None = None  # those that fit is walking over
        self._resume: tuple[dict[str, Any], dict[str, Array]] | None = None
        self.engine: Any = None  # another one that does the steps: ``step(kind, data)``, as `_step`

    # -- compile --------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how to train.

        Args:
            optimizer: name or object.
            loss: name, function or object; a list or dict of them for several outputs.
            loss_weights: what each output's loss counts, as a list or dict.
            metrics: names, functions or objects to report; "accuracy" means what the shapes ask for.
            weighted_metrics: the same, for metrics that see the sample weights.
            run_eagerly: compute every step op by op, in plain Python, so that a debugger sees it.
            steps_per_execution: how many steps callbacks see as one.
            jit_compile: accepted for Keras's sake.
            auto_scale_loss: scale the loss where the model computes in float16.
        """
        self.optimizer = optimizers.get(optimizer)
        if auto_scale_loss and self._computes_in_halves() and self.optimizer is not None:
            self.optimizer = _scaling(self.optimizer)
        self.loss = loss
        self.steps_per_execution = steps_per_execution
        self.run_eagerly = run_eagerly
        self._loss_weights = loss_weights
        self._compiled_loss = None
        told = metrics is not None or weighted_metrics is not None
        self._compiled_metrics = CompiledMetrics(metrics, weighted_metrics) if told else None
        self._plans.clear()
        self._why_eager = None
        self.stop_training = False
        self.compiled = True
        self._compile_config = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": bool(jit_compile) if jit_compile != "auto" else False,
        }

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, described; ``None`` before it."""
        if not self.compiled or self._compile_config is None:
            return None
        return {key: serialize_keras_object(value) for key, value in self._compile_config.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config` described; a model with a `compile` of its own is left to its program."""
        if type(self).compile is not Trainer.compile:
            warn_caller(
                "`compile()` was not called as part of model loading because the model's `compile()` method is custom. "
                "Call it after loading, or write `get_compile_config()` and `compile_from_config(config)` as well."
            )
            return
        told = {k: deserialize_keras_object(v) for k, v in config.items()}
        self.compile(**told)
        if self.built:  # type: ignore[attr-defined]
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]

    def _computes_in_halves(self) -> bool:
        policy = getattr(self, "dtype_policy", None)
        return policy is not None and policy.name == "mixed_float16"

    def _assert_compiled(self, method: str) -> None:
        if not self.compiled:
            raise NotBuiltError(f"You must call `compile()` before calling `{method}()`.")

    # -- one step -------------------------------------------------------------------------------------------

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The compiled losses of the outputs plus the layers' own penalties, as one number; override it freely."""
        predictions = flatten(y_pred)
        total = None
        if self.loss is not None and y is not None:
            compiled = self._loss_object(len(predictions))
            targets, weights = self._in_order(y, len(predictions)), self._in_order(sample_weight, len(predictions))
            if len(weights) == 1 and len(predictions) > 1:
                weights = weights * len(predictions)
            if len(targets) != len(predictions):
                raise ShapeError(
                    f"The model has {len(predictions)} output(s), but y holds {len(targets)} array(s). "
                    "Give one target for each output, as a list or as a dict by the outputs' names."
                )
            total = compiled(targets, predictions, weights)
        for penalty in self.losses:  # type: ignore[attr-defined]
            total = penalty if total is None else total + penalty
        if total is None:
            raise ArgumentError(
                "No loss to compute. Provide a `loss` argument in `compile()`, or add_loss() in a layer, "
                "and targets `y` in `fit()`."
            )
        return total

    def _loss_object(self, outputs: int) -> CompiledLoss:
        if self._compiled_loss is None:
            self._compiled_loss = CompiledLoss(self.loss, self._loss_weights, self._names(outputs))
        return self._compiled_loss

    def _names(self, outputs: int) -> list[str]:
        known = getattr(self, "output_names", None) or []
        if len(known) == outputs:
            return list(known)
        keys = self.loss if isinstance(self.loss, dict) else {}
        return sorted(keys) if len(keys) == outputs else [f"output_{i + 1}" for i in range(outputs)]

    def _in_order(self, structure: Any, outputs: int) -> list[Any]:
        """Targets or weights in the order of the outputs; a dict is read by the outputs' names."""
        if isinstance(structure, dict) and outputs > 1:
            names = self._names(outputs)
            if set(structure) <= set(names):
                return [structure.get(name) for name in names]
        found = leaves(structure, outputs)
        told = self.loss if isinstance(self.loss, (list, tuple)) else []
        if len(found) < outputs == len(told) and len(found) == sum(one is not None for one in told):
            given = iter(found)  # outputs without a loss have no targets
            return [None if one is None else next(given) for one in told]
        return found

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the compiled metrics with this batch and return all metrics' values; override it freely."""
        if y is not None and self._compiled_metrics is not None:
            predictions = flatten(y_pred)
            count = len(predictions)
            if not self._compiled_metrics.built:
                self._compiled_metrics.build(self._in_order(y, count), predictions, self._names(count))
            weights = self._in_order(sample_weight, count)
            weights = weights * count if len(weights) == 1 else weights
            self._compiled_metrics.update_state(self._in_order(y, count), predictions, weights)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """All metrics' values by name, the loss first."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            found.update(value if isinstance(value, dict) else {metric.name: value})
        return found

    def _compiled_list(self) -> list[Any]:
        return self._compiled_metrics.metrics if self._compiled_metrics is not None else []

    @property
    def metrics(self) -> list[Any]:
        """The loss's running mean, the compiled metrics as one, the losses of several outputs, the model's own metrics."""
        compiled = [self._loss_tracker, self._compiled_metrics] if self.compiled else []
        if self._compiled_loss is not None:
            compiled += self._compiled_loss.trackers
        found = {id(metric): metric for metric in compiled if metric is not None}
        for layer in self._flatten_layers():  # type: ignore[attr-defined]
            if layer is self or not isinstance(layer, Trainer):  # a model within keeps its metrics to itself
                for metric in layer._owned(metrics_module.Metric):  # type: ignore[union-attr]
                    if metric is not self._loss_tracker:
                        found.setdefault(id(metric), metric)
        return list(found.values())

    # the names that Keras gives them in its own code
    _compile_metrics = property(lambda self: self._compiled_metrics)
    _compile_loss = property(lambda self: self._compiled_loss)

    @property
    def metrics_names(self) -> list[str]:
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Start all metrics anew."""
        for metric in self.metrics:
            metric.reset_state()

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on one batch, op by op; override it for a loop of your own.

        Args:
            data: ``(x, y)`` or ``(x, y, sample_weight)`` with tensors; ``x`` alone where there are no targets.

        Returns:
            what to report, by name.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with Tape() as tape:
            loss, _ = self._forward(x, y, sample_weight, training=True)
        self.last_loss = loss.data
        weights = self.trainable_weights  # type: ignore[attr-defined]
        self.optimizer.apply(tape.gradient(loss, weights, self._start(loss.data)), weights)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, Any]:
        """Judge one batch; override it for a loop of your own."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        self._forward(x, y, sample_weight, training=False)
        return self.get_metrics_result()

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch; override it for a loop of your own."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def _forward(self, x: Any, y: Any, sample_weight: Any, training: bool) -> tuple[Any, Any]:
        """Outputs, loss and metrics of one batch: what a plan repeats."""
        y_pred = self(x, training=training)  # type: ignore[operator]
        told = {"training": training} if _takes_training(type(self).compute_loss) else {}
        loss = self.compute_loss(x, y, y_pred, sample_weight, **told)
        self._loss_tracker.update_state(loss, sample_weight=_batch_size(x))
        self.compute_metrics(x, y, y_pred, sample_weight)
        return as_tensor(loss), None

    def _start(self, loss: Array) -> Array:
        """The gradient of the loss: 1, or the optimizer's loss scale, which may change from step to step."""
        ones = np.ones_like(loss)
        return ones if self.optimizer is None else np.asarray(self.optimizer.scale_loss(ones), loss.dtype)

    def _step(self, kind: str, data: Any) -> Any:
        """One step of "train", "test" or "predict" on a batch of arrays, by a plan where one fits.

        Returns:
            what `train_step` and `test_step` of a subclass return, ``None`` for the standard ones (their metrics are
            read when somebody wants them), and the outputs for "predict".
        """
        if self.engine is not None:
            return self.engine.step(kind, data)
        return self._own_step(kind, data)

    def _own_step(self, kind: str, data: Any) -> Any:
        """A step by this engine."""
        name = _STEPS[kind]
        standard = getattr(type(self), name) is getattr(Trainer, name)
        if not standard or self.run_eagerly or self._why_eager is not None:
            tensors = map_structure(lambda a: None if a is None else wrap(np.asarray(a)), data)
            result = getattr(self, name)(_packed(*unpack_x_y_sample_weight(tensors)))
            return result if kind == "predict" or not standard else None
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        key: Signature
        inputs: tuple[Any, ...]
        if type(x) is type(y) is np.ndarray and sample_weight is None:  # what nearly every step is given
            inputs, key = (x, y, None), (kind, x.shape, x.dtype, y.shape, y.dtype)
        elif type(x) is np.ndarray and y is sample_weight is None:  # and nearly every prediction
            inputs, key = (x, None, None), (kind, x.shape, x.dtype)
        else:
            inputs, key = tuple(flatten((x, y, sample_weight))), (kind, *signature_of(x, y, sample_weight))
        plan = self._plans.get(key)
        if plan is None:
            trained = (lambda: self.trainable_weights) if kind == "train" else ()  # type: ignore[attr-defined]
            plan = Plan(self._planned(kind), (x, y, sample_weight), trained, self._start)
            loss, outputs, gradients = plan.loss, plan.outputs, plan.gradients
            plan.let_go()
            if plan.unrepeatable is not None:
                self._why_eager = plan.unrepeatable
            elif len(self._plans) >= _MOST_PLANS:
                self._why_eager = f"batches of more than {_MOST_PLANS} different shapes"
            else:
                self._plans[key] = plan
        else:
            loss, outputs, gradients = plan(inputs)
        if kind == "train":
            self.last_loss = loss
            self.optimizer.apply(gradients, plan.variables)
        return outputs if kind == "predict" else None

    def _planned(self, kind: str) -> Callable[..., tuple[Any, Any]]:
        if kind == "predict":
            return lambda x, y, w: (None, self.predict_step((x,)))
        return lambda x, y, w: self._forward(x, y, w, training=kind == "train")

    def _logs(self, result: Any) -> dict[str, Any]:
        """The values to report now, as Python floats; those that are no single number as arrays."""
        values = self.get_metrics_result() if result is None else result
        arrays = {name: as_array(value) for name, value in _flat(values).items()}
        return {name: float(array) if array.ndim == 0 else array for name, array in arrays.items()}

    # -- loops ----------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Iterable[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        lint: bool = True,
    ) -> History:
        """Train for a number of epochs.

        Args:
            x: inputs: an array, a list or dict of arrays, a generator or iterable of batches, or a `PyDataset`.
            y: targets, where `x` holds arrays.
            batch_size: samples a step, 32 by default.
            epochs: the epoch to stop after.
            verbose: 0 silent, 1 a moving bar, 2 a line an epoch, "auto" what suits the output.
            callbacks: to be told of each step and epoch.
            validation_split: the share of samples, taken from the end before shuffling, to validate on.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)`` or batches to validate on.
            shuffle: whether to mix the samples anew each epoch.
            class_weight: what a sample counts, by its class.
            sample_weight: what each sample counts.
            initial_epoch: the epoch to begin at.
            steps_per_epoch: batches an epoch; needed for endless generators.
            validation_steps, validation_batch_size, validation_freq: the same for validation.
            lint: look at the data and the model first and warn of what ruins a run.

        Returns:
            the `History`, whose ``history`` holds each metric's values, epoch by epoch.
        """
        self._assert_compiled("fit")
        self.stop_training = False
        limit = config.max_epochs()
        if limit and limit < epochs:
            warn_caller(f"Limiting epochs to {limit}: see neurona.config.set_max_epochs().")
            epochs = limit
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = split_validation((x, y, sample_weight), validation_split)
        batches = make_batches(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps_per_epoch,
            class_weight=class_weight,
        )
        if lint:
            warn_before_fit(self, x, y, shuffle=bool(shuffle), validation_split=validation_split)
        validation = None
        if validation_data is not None:
            vx, vy, vw = unpack_x_y_sample_weight(validation_data) if _is_batch(validation_data) else (
                validation_data, None, None
            )  # fmt: skip
            validation = make_batches(
                vx, vy, vw, batch_size=validation_batch_size or batch_size, shuffle=False, steps=validation_steps
            )
        told = CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, verbose=verbose, epochs=epochs,
            steps=batches.num_batches, model=self,
        )  # fmt: skip
        history = told.history or History()
        self.batches, self.history, self._resume = batches, history, None
        told.on_train_begin()
        first, together = 0, self.steps_per_execution  # the batch to begin the first epoch with
        facts: dict[str, Any]
        sums: dict[str, Array]
        facts, sums = self._resume or ({}, {})
        if facts:  # a callback has brought back the state of an interrupted training
            initial_epoch, first, batches.seed = facts["epoch"], facts["batch"], facts["shuffle_seed"]
            history.history, history.epoch = facts["history"], facts["history_epochs"]
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            told.on_epoch_begin(epoch)
            result, step, told_of = None, first - 1, first - 1
            for step, batch in enumerate(batches.epoch(epoch, first), first):
                if first and step == first:
                    self._restore_metrics(batch, sums)
                if told.has_batch_hooks and (step - first) % together == 0:
                    told.on_train_batch_begin(step)
                result = self._step("train", batch)
                if (step - first) % together == together - 1 or step + 1 == batches.num_batches:
                    told_of = step
                    if told.has_batch_hooks:
                        told.on_train_batch_end(step, lambda: self._logs(result))  # noqa: B023 - called at once
                    if self.stop_training:
                        break
            if step < 0:
                raise ArgumentError("The training data held no batch. Check that it is not empty or already used up.")
            if told_of != step and told.has_batch_hooks:  # batches of unknown number ended among those told of as one
                told.on_train_batch_end(step, lambda: self._logs(result))  # noqa: B023 - called at once
            first = 0
            logs = self._logs(result)
            if validation is not None and _is_due(validation_freq, epoch):
                found = self._judge(validation, told)
                logs.update({f"val_{name}": value for name, value in found.items()})
            told.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        if self.optimizer is not None and (epochs > initial_epoch or facts):  # a stop may come after the last step
            self.optimizer.finalize_variable_values(self.trainable_weights)  # type: ignore[attr-defined]
        told.on_train_end(logs)
        kernels.trim()
        return history

    def resume_from(self, facts: dict[str, Any], sums: dict[str, Array]) -> None:
        """Let the `fit` under way go on where another stopped; for callbacks, in ``on_train_begin``.

        Args:
            facts: epoch, batch, shuffle_seed, history and history_epochs of then.
            sums: the metrics' variables, ``metric/<number>/<number>``.
        """
        self._resume = (facts, sums)

    def _restore_metrics(self, batch: Any, sums: dict[str, Array]) -> None:
        """Make the metrics for batches like this one, and give them the sums of the interrupted epoch."""
        x, y, _ = batch
        y_pred = flatten(self.compute_output_spec(map_structure(_symbol, x)))  # type: ignore[attr-defined]
        if self.loss is not None:
            self._loss_object(len(y_pred))
        if y is not None and self._compiled_metrics is not None and not self._compiled_metrics.built:
            count = len(y_pred)
            self._compiled_metrics.build(self._in_order(y, count), y_pred, self._names(count))
        for m, metric in enumerate(self.metrics):
            for i, variable in enumerate(metric.variables):
                if f"metric/{m}/{i}" in sums:
                    variable.assign(sums[f"metric/{m}/{i}"])

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics on data that is not trained on.

        Returns:
            a float, a list of floats in the order of `metrics_names`, or with `return_dict` a dict.
        """
        if kwargs:
            raise ArgumentError(f"Arguments not recognized: {sorted(kwargs)}.")
        self._assert_compiled("evaluate")
        batches = make_batches(x, y, sample_weight, batch_size=batch_size, shuffle=False, steps=steps)
        told = CallbackList(
            callbacks, add_history=False, add_progbar=verbose != 0, verbose=verbose, epochs=1,
            steps=batches.num_batches, model=self,
        )  # fmt: skip
        logs = self._judge(batches, told)
        if return_dict:
            return logs
        return self._as_list(logs)

    def _as_list(self, logs: dict[str, float]) -> Any:
        """The values in the order of the metrics, then the others by name; one alone as it is."""
        known = []
        for metric in self.metrics:
            known += [m.name for m in metric.metrics] if isinstance(metric, CompiledMetrics) else [metric.name]
        names = [name for name in dict.fromkeys(known) if name in logs]
        values = [logs[name] for name in (*names, *sorted(logs.keys() - set(names)))]
        return values[0] if len(values) == 1 else values

    def _judge(self, batches: Any, told: CallbackList) -> dict[str, float]:
        """Walk over `batches` without training; the metrics' values."""
        self.reset_metrics()
        told.on_test_begin()
        self.stop_evaluating = False
        result, step, together = None, -1, self.steps_per_execution
        for step, batch in enumerate(batches.epoch(0)):
            if told.has_batch_hooks and step % together == 0:
                told.on_test_batch_begin(step)
            result = self._step("test", batch)
            if step % together == together - 1 or step + 1 == batches.num_batches:
                if told.has_batch_hooks:
                    told.on_test_batch_end(step, lambda: self._logs(result))  # noqa: B023 - called at once
                if self.stop_evaluating:
                    break
        if step < 0:
            raise ArgumentError("The data to evaluate held no batch. Check that it is not empty or already used up.")
        logs = self._logs(result)
        told.on_test_end(logs)
        return logs

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> Any:
        """The outputs for many samples, batch by batch, as NumPy arrays nested as the model's outputs are."""
        if callbacks is None and steps is None and _is_one_batch(x, batch_size):
            return self._outputs_of((x, None, None))
        # the outputs may be views of the inputs, so these need memory of their own
        batches = make_batches(x, batch_size=batch_size, shuffle=False, steps=steps, reuse=False)
        told = None
        if callbacks or (verbose != 0 and batches.num_batches != 1):
            told = CallbackList(
                callbacks, add_history=False, add_progbar=verbose != 0, verbose=verbose, epochs=1,
                steps=batches.num_batches, model=self,
            )  # fmt: skip
            told.on_predict_begin()
        found: list[list[Array]] = []
        outputs: Any = None
        self.stop_predicting, together = False, self.steps_per_execution
        for step, batch in enumerate(batches.epoch(0)):
            hooks = told if told is not None and told.has_batch_hooks else None
            if hooks is not None and step % together == 0:
                hooks.on_predict_batch_begin(step)
            outputs = self._step("predict", batch)
            found.append([as_array(leaf) for leaf in flatten(outputs)])
            if step % together == together - 1 or step + 1 == batches.num_batches:
                if hooks is not None:
                    hooks.on_predict_batch_end(step, {"outputs": outputs})
                if self.stop_predicting:
                    break
        if told is not None:
            told.on_predict_end()
        if not found:
            raise ArgumentError("There is nothing to predict: the data held no sample.")
        columns = iter(
            [parts[0].copy() if len(parts) == 1 else np.concatenate(parts) for parts in zip(*found, strict=True)]
        )
        return map_structure(lambda _: next(columns), outputs)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch; the metrics tell of this batch alone."""
        self._assert_compiled("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Judge one batch; the metrics tell of this batch alone."""
        self._assert_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(self, kind: str, x: Any, y: Any, weight: Any, class_weight: Any, return_dict: bool) -> Any:
        self.reset_metrics()
        size = len(flatten(x)[0])
        batches = make_batches(x, y, weight, batch_size=max(size, 1), shuffle=False, class_weight=class_weight)
        result = None
        for batch in batches.epoch(0):
            result = self._step(kind, batch)
        logs = self._logs(result)
        return logs if return_dict else self._as_list(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        if not _is_one_batch(x, sys.maxsize):
            x, _, _ = next(make_batches(x, batch_size=max(len(flatten(x)[0]), 1), shuffle=False).epoch(0))
        return self._outputs_of((x, None, None))

    def _outputs_of(self, batch: Any) -> Any:
        """The outputs for one batch, in memory of their own."""
        self.stop_predicting = False
        outputs = self._step("predict", batch)
        return outputs.copy() if type(outputs) is np.ndarray else map_structure(lambda y: as_array(y).copy(), outputs)


def _is_one_batch(x: Any, batch_size: Any) -> bool:
    """Whether `x` is an array that can go to a step as it is: one batch, of numbers in the type that steps have."""
    most = 32 if batch_size is None else batch_size
    if type(x) is not np.ndarray or type(most) is not int or x.dtype.kind not in "fiub" or not x.ndim:
        return False
    return 0 < len(x) <= most and batch_dtype(x.dtype, 0) == x.dtype


def _packed(x: Any, y: Any, sample_weight: Any) -> Any:
    """A batch as `train_step` is given it: without what is absent."""
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (list, tuple)) else x


@functools.cache
def _takes_training(compute_loss: Callable[..., Any]) -> bool:
    """Whether a model's `compute_loss` wants to know whether it trains; that of old programs does not."""
    parameters = inspect.signature(compute_loss).parameters.values()
    return any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)


def _scaling(optimizer: Any) -> Any:
    """The optimizer, with the loss scaled for it: small gradients vanish in float16."""
    scales = isinstance(optimizer, optimizers.LossScaleOptimizer)
    return optimizer if scales else optimizers.LossScaleOptimizer(optimizer)


def _symbol(array: Any) -> KerasTensor:
    return KerasTensor((None, *array.shape[1:]), str(array.dtype))


def _batch_size(x: Any) -> int:
    first: Tensor = flatten(x)[0]
    return first.shape[0] if first.ndim else 1


def _is_batch(data: Any) -> bool:
    return isinstance(data, (tuple, list)) and len(data) in (2, 3)


def _is_due(frequency: Any, epoch: int) -> bool:
    """Whether validation happens after this epoch: every so many, or after the listed ones (counted from 1)."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    """The values with those of dicts within in their places: a `train_step` may report all metrics' results."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found.update(_flat(value) if isinstance(value, dict) else {name: value})
    return found
