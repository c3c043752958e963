"""Callbacks: what is told of each step and epoch of a training, one idea a file, with Keras 3's names."""

from __future__ import annotations

from neurona.training.callbacks.backup_and_restore import BackupAndRestore
from neurona.training.callbacks.callback import Callback
from neurona.training.callbacks.callback_list import CallbackList
from neurona.training.callbacks.csv_logger import CSVLogger
from neurona.training.callbacks.early_stopping import EarlyStopping
from neurona.training.callbacks.history import History
from neurona.training.callbacks.lambda_callback import LambdaCallback
from neurona.training.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from neurona.training.callbacks.model_checkpoint import ModelCheckpoint
from neurona.training.callbacks.progress import ProgbarLogger
from neurona.training.callbacks.remote_monitor import RemoteMonitor
from neurona.training.callbacks.swap_ema_weights import SwapEMAWeights
from neurona.training.callbacks.tensorboard import TensorBoard
from neurona.training.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
