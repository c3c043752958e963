"""`tf.train`: what a program keeps of its variables between runs.

A checkpoint is one ``.weights.npz`` file of arrays named by the objects that were handed over: `Checkpoint(model=m)` keeps
``model/0``, ``model/1``, ... in the order of the variables. TensorFlow's own checkpoint files are not read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from neurona.errors import SavingError
from neurona.tensor import Tensor
from neurona.variable import Variable

__all__ = ["Checkpoint", "CheckpointManager", "latest_checkpoint"]

_END = ".npz"


class Checkpoint:
    """Variables, and objects that have some, to be written and read together.

    >>> from neurona.programs.tf.arrays import Variable
    >>> step = Variable(3)
    >>> kept = Checkpoint(step=step).save("ckpt")
    >>> _ = step.assign(0)
    >>> Checkpoint(step=step).restore(kept).assert_consumed()
    >>> step.numpy().item()
    3
    """

    def __init__(self, root: Any = None, **kept: Any) -> None:
        self.__dict__.update(kept)
        self._kept = {**({} if root is None else {"root": root}), **kept}
        self.save_counter = Variable(0, dtype="int64", trainable=False)

    def _variables(self) -> dict[str, Variable]:
        found: dict[str, Variable] = {}
        for name, thing in self._kept.items():
            own = [thing] if isinstance(thing, Variable) else getattr(thing, "variables", [])
            found.update({f"{name}/{place}": v for place, v in enumerate(own)})
        return found

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Write the file of this name."""
        path = Path(f"{file_prefix}{_END}")
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {name: v.numpy() for name, v in self._variables().items()}
        np.savez(path, **arrays)
        return str(file_prefix)

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Write a file with the next number behind its name."""
        self.save_counter.assign_add(1)
        return self.write(f"{file_prefix}-{int(self.save_counter)}")

    def read(self, save_path: Any, options: Any = None) -> Restored:
        """Take the values from a file.

        Raises:
            SavingError: there is none, or it keeps arrays of other shapes.
        """
        path = Path(f"{save_path}{_END}")
        if not path.is_file():
            raise SavingError(f"There is no checkpoint {save_path}.")
        variables = self._variables()
        with np.load(path, allow_pickle=False) as arrays:
            for name in variables.keys() & set(arrays.files):
                if arrays[name].shape != variables[name].shape:
                    raise SavingError(
                        f"The checkpoint {save_path} keeps shape {arrays[name].shape} for '{name}', "
                        f"expected {variables[name].shape}."
                    )
                variables[name].assign(arrays[name])
            return Restored(sorted(variables.keys() ^ set(arrays.files)))

    def restore(self, save_path: Any, options: Any = None) -> Restored:
        """Take the values from a file, or leave them when `save_path` is None."""
        if save_path is None:
            return Restored([])
        restored = self.read(save_path)
        number = re.search(r"-(\d+)$", str(save_path))
        if number:
            self.save_counter.assign(int(number[1]))
        return restored


class Restored:
    """What came of reading a checkpoint."""

    def __init__(self, left: list[str]) -> None:
        self._left = left

    def assert_consumed(self) -> None:
        """Check that file and program had the same variables.

        Raises:
            SavingError: some were only in one of them.
        """
        if self._left:
            raise SavingError(f"Not in both the checkpoint and the program: {', '.join(self._left)}.")

    def assert_existing_objects_matched(self) -> Restored:
        """Itself; accepted for TensorFlow's sake."""
        return self

    def expect_partial(self) -> Restored:
        """Itself: variables may be left over."""
        return self


class CheckpointManager:
    """Keeps the newest checkpoints of a folder."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None,
        checkpoint_name: str = "ckpt",
        **more: Any,
    ) -> None:
        self.checkpoint, self.directory = checkpoint, str(directory)
        self._most, self._name = max_to_keep, checkpoint_name

    @property
    def checkpoints(self) -> list[str]:
        """Their names, the newest last."""
        return _listed(self.directory)

    @property
    def latest_checkpoint(self) -> str | None:
        return latest_checkpoint(self.directory)

    def save(self, checkpoint_number: Any = None, **more: Any) -> str:
        """Write the next one, and delete the oldest if there are too many."""
        prefix = Path(self.directory) / self._name
        if checkpoint_number is None:
            written = self.checkpoint.save(prefix)
        else:
            number = int(checkpoint_number.item() if isinstance(checkpoint_number, Tensor) else checkpoint_number)
            written = self.checkpoint.write(f"{prefix}-{number}")
        for old in self.checkpoints[: -self._most] if self._most else []:
            Path(old + _END).unlink()
        return written

    def restore_or_initialize(self) -> str | None:
        """Read the newest one, if there is any."""
        newest = self.latest_checkpoint
        if newest is not None:
            self.checkpoint.restore(newest)
        return newest


def _listed(directory: Any) -> list[str]:
    found = [str(path).removesuffix(_END) for path in Path(directory).glob(f"*-*{_END}")]
    return sorted((f for f in found if f.rpartition("-")[2].isdigit()), key=lambda f: int(f.rpartition("-")[2]))


def latest_checkpoint(checkpoint_dir: Any, latest_filename: Any = None) -> str | None:
    """The name of the newest checkpoint in a folder, or None."""
    return next(reversed(_listed(checkpoint_dir)), None)
