"""RemoteMonitor: what a server gets, and what happens when there is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest

import neurona
from neurona.errors import ArgumentError
from neurona.training.callbacks import RemoteMonitor


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, Any, str]]]]:
    """A server's address, and what it was sent: path, headers, body."""
    seen: list[tuple[str, Any, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            seen.append((self.path, self.headers, body))
            self.send_response(200 if self.path.startswith("/publish") else 500)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """It shall write nothing."""

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", seen
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def test_each_epoch_is_sent_as_a_form(server: Any) -> None:
    root, seen = server
    model = neurona.Sequential([neurona.Input((2,)), neurona.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[RemoteMonitor(root)]).history
    told = [json.loads(parse_qs(body)["data"][0]) for _, _, body in seen]
    assert [path for path, _, _ in seen] == ["/publish/epoch/end/"] * 2
    assert told == [{"epoch": i, "loss": pytest.approx(history["loss"][i])} for i in range(2)]


def test_json_with_headers(server: Any) -> None:
    root, seen = server
    monitor = RemoteMonitor(root, path="/publish/x", headers={"X-Key": "k"}, send_as_json=True)
    monitor.on_epoch_end(3, {"loss": np.float32(0.5), "acc": np.array(1)})
    path, headers, body = seen[0]
    assert (path, headers["X-Key"], headers["Content-Type"]) == ("/publish/x", "k", "application/json")
    assert json.loads(body) == {"epoch": 3, "loss": 0.5, "acc": 1}


def test_a_silent_server_does_not_stop_the_training(server: Any) -> None:
    root, _ = server
    for address, path in ((root, "/refused"), ("http://127.0.0.1:1", "/publish/"), ("http://127.0.0.1:no", "/")):
        with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server"):
            RemoteMonitor(address, path=path).on_epoch_end(0, {})


def test_only_servers_are_written_to() -> None:
    with pytest.raises(ArgumentError, match="address of a server"):
        RemoteMonitor("file:///etc")
