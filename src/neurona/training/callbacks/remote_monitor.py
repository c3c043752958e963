"""RemoteMonitor: what each epoch reports, sent to a server."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np

from neurona.errors import ArgumentError
from neurona.registry import export
from neurona.training.callbacks.callback import Callback, Logs
from neurona.warn import warn_caller

__all__ = ["RemoteMonitor"]

_SECONDS = 10.0  # a server that does not answer must not hold up the training for longer


@export("keras.callbacks")
class RemoteMonitor(Callback):
    """Send each epoch's number and metrics by HTTP POST to ``root + path``; one that cannot be reached is warned of.

    Args:
        root: the server's address, http or https.
        path: where on it.
        field: the form's field that holds the JSON, without `send_as_json`.
        headers: further headers.
        send_as_json: send JSON itself instead of a form.

    Raises:
        ArgumentError: another kind of address.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if urlsplit(root).scheme not in ("http", "https"):
            raise ArgumentError(
                f"RemoteMonitor expected the address of a server, http:// or https://. Received: {root!r}."
            )
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        told: dict[str, Any] = {"epoch": epoch}
        for name, value in (logs or {}).items():
            told[name] = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
        text = json.dumps(told)
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        body = text if self.send_as_json else urlencode({self.field: text})
        request = urllib.request.Request(
            self.root + self.path, body.encode(), {"Content-Type": kind, **(self.headers or {})}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):
                pass
        except (OSError, HTTPException, ValueError):  # ValueError: no port, a header with a line's end
            warn_caller(f"Could not reach RemoteMonitor root server at {self.root}")
