"""A network of the benchmark in PyTorch, as its user would write it: modules and a plain loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from networks import Array, Network
from torch import nn

EPSILON = 1e-3  # of normalisations, as Keras has it


class Recurrent(nn.Module):
    """A recurrent layer that gives its whole output, or the last step's of each direction."""

    def __init__(self, layer: nn.Module, whole: bool) -> None:
        super().__init__()
        self.layer, self.whole = layer, whole

    def forward(self, x: Any) -> Any:
        y, last = self.layer(x)
        if self.whole:
            return y
        hidden = last[0] if isinstance(last, tuple) else last
        return torch.cat(tuple(hidden), dim=1)


class Mean(nn.Module):
    """The mean over places: of pictures (N, C, H, W) or of sequences (N, T, C)."""

    def forward(self, x: Any) -> Any:
        return x.mean((2, 3)) if x.ndim == 4 else x.mean(1)


class Positions(nn.Module):
    """Adds to each place a vector of its own."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(length, width))

    def forward(self, x: Any) -> Any:
        return x + self.table


class TorchEngine:
    """One network, trained by a plain loop.

    Args:
        setting: words of the variant: "eager", "last" (the channels of pictures lie last in memory), "compile"
            (`torch.compile`).
    """

    name = "torch"

    def __init__(self, setting: str, threads: int) -> None:
        self.settings = setting.split("+")
        torch.set_num_threads(threads)
        self.version = torch.__version__

    def build(self, network: Network, weights: list[Array] | None, seed: int) -> None:
        torch.manual_seed(seed)
        self.network = network
        self._shape = network.shape
        modules: list[nn.Module] = []
        for kind, *told in network.parts:
            modules += getattr(self, f"_{kind}")(*told)
        self.model = nn.Sequential(*modules)
        if weights is not None:
            _take(self.model, iter(weights), network)
        if "last" in self.settings:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, eps=1e-7, fused=True)
        criterion = nn.BCEWithLogitsLoss() if network.of_words else nn.CrossEntropyLoss()

        def forward(x: Any, y: Any) -> tuple[Any, Any]:
            logits = self.model(x)
            return criterion(logits, y), logits

        self._forward = torch.compile(forward) if "compile" in self.settings else forward

    # -- parts ------------------------------------------------------------------------------------------------

    def _dense(self, units: int, activation: str | None) -> list[nn.Module]:
        (width,), self._shape = self._shape, (units,)
        return [nn.Linear(width, units)] + [nn.ReLU()] * (activation == "relu")

    def _dropout(self, rate: float) -> list[nn.Module]:
        return [nn.Dropout(rate)]

    def _conv(self, filters: int, padding: str, activation: str | None, bias: bool) -> list[nn.Module]:
        *space, channels = self._shape
        self._shape = (*(n if padding == "same" else n - 2 for n in space), filters)
        convolution = nn.Conv2d(channels, filters, 3, padding=padding, bias=bias)
        return [convolution] + [nn.ReLU()] * (activation == "relu")

    def _norm(self) -> list[nn.Module]:
        return [nn.BatchNorm2d(self._shape[-1], eps=EPSILON, momentum=0.01)]

    def _relu(self) -> list[nn.Module]:
        return [nn.ReLU()]

    def _pool(self) -> list[nn.Module]:
        height, width, channels = self._shape
        self._shape = (height // 2, width // 2, channels)
        return [nn.MaxPool2d(2)]

    def _flatten(self) -> list[nn.Module]:
        height, width, channels = self._shape
        self._shape = (height * width * channels,)
        return [nn.Flatten()]

    def _mean(self) -> list[nn.Module]:
        self._shape = self._shape[-1:]
        return [Mean()]

    def _embedding(self, vocabulary: int, width: int) -> list[nn.Module]:
        self._shape = (*self._shape, width)
        return [nn.Embedding(vocabulary, width)]

    def _lstm(self, units: int) -> list[nn.Module]:
        return self._recurrent(nn.LSTM, units, both=False, whole=False)

    def _gru(self, units: int) -> list[nn.Module]:
        return self._recurrent(nn.GRU, units, both=False, whole=False)

    def _bilstm(self, units: int, whole: bool) -> list[nn.Module]:
        return self._recurrent(nn.LSTM, units, both=True, whole=whole)

    def _recurrent(self, kind: Any, units: int, both: bool, whole: bool) -> list[nn.Module]:
        length, width = self._shape
        made = units * (2 if both else 1)
        self._shape = (length, made) if whole else (made,)
        return [Recurrent(kind(width, units, batch_first=True, bidirectional=both), whole)]

    def _positions(self) -> list[nn.Module]:
        return [Positions(*self._shape)]

    def _encoder(self, heads: int, size: int, hidden: int) -> list[nn.Module]:
        width = self._shape[-1]
        assert heads * size == width, "PyTorch's heads share the width"
        return [nn.TransformerEncoderLayer(width, heads, hidden, dropout=0.0, layer_norm_eps=EPSILON, batch_first=True)]

    # -- training ---------------------------------------------------------------------------------------------

    def _given(self, x: Array) -> Any:
        tensor = torch.from_numpy(x)
        if self.network.of_pictures:
            last = "last" in self.settings
            form = torch.channels_last if last else torch.contiguous_format
            tensor = tensor.permute(0, 3, 1, 2).contiguous(memory_format=form)
        return tensor

    def _step(self, x: Any, y: Any) -> tuple[Any, Any]:
        self.optimizer.zero_grad(set_to_none=True)
        loss, logits = self._forward(x, y)
        loss.backward()
        self.optimizer.step()
        return loss.detach(), logits.detach()

    def _labels(self, y: Array) -> Any:
        labels = torch.from_numpy(y)
        return labels if self.network.of_words else labels.long()

    def train(self, x: Array, y: Array, epochs: int, shuffle: bool, gate: Callable[[int], None] | None = None) -> None:
        """Epochs of the plain loop, with the loss and the accuracy as a user follows them."""
        inputs, labels, batch = self._given(x), self._labels(y), self.network.batch
        self.told: list[tuple[float, float, float]] = []
        self.model.train()
        for epoch in range(epochs):
            if gate is not None:
                gate(epoch)
            began = time.perf_counter()
            total, right = torch.zeros(()), torch.zeros(())
            order = torch.randperm(len(inputs)) if shuffle else torch.arange(len(inputs))
            for start in range(0, len(inputs), batch):
                index = order[start : start + batch]
                answers = labels[index]
                loss, logits = self._step(inputs[index], answers)
                total += loss * len(index)
                right += (self._said(logits) == answers).sum()
            value, accuracy = float(total) / len(inputs), float(right) / len(inputs)
            self.told.append((time.perf_counter() - began, value, accuracy))

    def _said(self, logits: Any) -> Any:
        return (logits > 0).float() if self.network.of_words else logits.argmax(1)

    def first_step(self, x: Array, y: Array) -> float:
        """Seconds from the start of the loop to the end of its first step."""
        began = time.perf_counter()
        inputs, labels = self._given(x), self._labels(y)
        index = torch.randperm(len(inputs))[: self.network.batch]
        loss, _ = self._step(inputs[index], labels[index])
        float(loss)
        return time.perf_counter() - began

    def accuracy(self, x: Array, y: Array) -> float:
        self.model.eval()
        labels = self._labels(y)
        right = 0
        with torch.inference_mode():
            for start in range(0, len(x), 1000):
                logits = self.model(self._given(x[start : start + 1000]))
                right += int((self._said(logits) == labels[start : start + 1000]).sum())
        self.model.train()
        return right / len(x)

    # -- applying ---------------------------------------------------------------------------------------------

    def predict(self, x: Array) -> Array:
        self.model.eval()
        with torch.inference_mode():
            return self.model(self._given(x)).numpy()  # type: ignore[no-any-return]

    def calls(self) -> dict[str, Callable[[Array], Any]]:
        """The ways to call the forward pass: from a NumPy array to something whose numbers are computed."""
        self.model.eval()
        if "compile" in self.settings:
            compiled = torch.compile(self.model)
            return {"torch.compile": self._within(compiled)}
        found = {"model(x)": self._within(self.model)}
        with torch.inference_mode():
            example = self._given(_example(self.network))
            frozen = torch.jit.freeze(torch.jit.trace(self.model, example, check_trace=False))
            best = torch.jit.optimize_for_inference(frozen)
        return found | {"torch.jit, frozen": self._within(frozen), "torch.jit, optimized": self._within(best)}

    def _within(self, function: Callable[[Any], Any]) -> Callable[[Array], Any]:
        def call(x: Array) -> Any:
            with torch.inference_mode():
                return function(self._given(x)).numpy()

        return call


def _example(network: Network) -> Array:
    import numpy as np

    return np.zeros((1, *network.shape), "int32" if network.of_words else "float32")


def _take(model: nn.Module, weights: Iterator[Array], network: Network) -> None:
    """Give the modules the weights of the same Keras model, which come in the order of its layers."""

    def put(parameter: Any, array: Any) -> None:
        parameter.data.copy_(torch.from_numpy(array.copy()))

    channels: int | None = None  # of the pictures that a flattened layer reads: Keras has them last, PyTorch first
    with torch.no_grad():
        for module in model:  # type: ignore[attr-defined]
            if isinstance(module, nn.Linear):
                kernel = next(weights)
                if channels is not None:
                    kernel = kernel.reshape(-1, channels, kernel.shape[1]).transpose(1, 0, 2).reshape(kernel.shape)
                    channels = None
                put(module.weight, kernel.T)
                put(module.bias, next(weights))
            elif isinstance(module, nn.Conv2d):
                put(module.weight, next(weights).transpose(3, 2, 0, 1))
                if module.bias is not None:
                    put(module.bias, next(weights))
                width = module.out_channels
            elif isinstance(module, nn.BatchNorm2d):
                for parameter in (module.weight, module.bias, module.running_mean, module.running_var):
                    put(parameter, next(weights))
            elif isinstance(module, nn.Flatten):
                channels = width
            elif isinstance(module, nn.Embedding):
                put(module.weight, next(weights))
            elif isinstance(module, Positions):
                put(module.table, next(weights))
            elif isinstance(module, Recurrent):
                for ending in ("", "_reverse")[: 2 if module.layer.bidirectional else 1]:
                    _take_recurrent(module.layer, ending, weights, put)
            elif isinstance(module, nn.TransformerEncoderLayer):
                _take_encoder(module, weights, put)
    left = len(list(weights))
    assert not left, f"{left} weights were not used"


def _take_recurrent(layer: Any, ending: str, weights: Iterator[Array], put: Callable[[Any, Any], None]) -> None:
    kernel, recurrent, bias = (next(weights) for _ in range(3))
    units = len(recurrent)

    def turned(array: Array) -> Array:
        """The gates in PyTorch's order: an LSTM's are Keras's; a GRU's are r, z, n, there z, r, h."""
        if isinstance(layer, nn.LSTM):
            return array
        gates = array.reshape(*array.shape[:-1], 3, units)
        return gates[..., [1, 0, 2], :].reshape(array.shape)

    put(getattr(layer, f"weight_ih_l0{ending}"), turned(kernel).T)
    put(getattr(layer, f"weight_hh_l0{ending}"), turned(recurrent).T)
    input_bias, recurrent_bias = turned(bias) if bias.ndim == 2 else (bias, 0 * bias)
    put(getattr(layer, f"bias_ih_l0{ending}"), input_bias)
    put(getattr(layer, f"bias_hh_l0{ending}"), recurrent_bias)


def _take_encoder(module: Any, weights: Iterator[Array], put: Callable[[Any, Any], None]) -> None:
    attention = module.self_attn
    width = attention.embed_dim
    for i in range(3):  # query, key, value: (C, heads, size) and (heads, size)
        put(attention.in_proj_weight[i * width : (i + 1) * width], next(weights).reshape(width, width).T)
        put(attention.in_proj_bias[i * width : (i + 1) * width], next(weights).reshape(width))
    put(attention.out_proj.weight, next(weights).reshape(width, width).T)
    put(attention.out_proj.bias, next(weights))
    put(module.norm1.weight, next(weights))
    put(module.norm1.bias, next(weights))
    for linear in (module.linear1, module.linear2):
        put(linear.weight, next(weights).T)
        put(linear.bias, next(weights))
    put(module.norm2.weight, next(weights))
    put(module.norm2.bias, next(weights))
