"""Event files, taken apart byte by byte; and read by TensorBoard itself where it is installed."""

import struct
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurona.errors import ArgumentError
from neurona.training.callbacks import CallbackList, TensorBoard
from neurona.training.tensorboard import EventWriter, buckets, crc32c, record, varint


def slow_crc(data):
    """CRC-32C bit by bit, from the polynomial."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# RFC 3720, appendix B.4
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_of_the_standard(data, expected):
    assert crc32c(data) == expected


@given(st.binary(max_size=50))
def test_checksum_bit_by_bit(data):
    assert crc32c(data) == slow_crc(data)


def unmask(masked):
    rotated = (masked - 0xA282EAD8) % 2**32
    return (rotated << 15 | rotated >> 17) % 2**32


def records(data):
    """The contents of the records of a file, their checksums verified with the slow formula."""
    while data:
        (length,), (check,) = struct.unpack("<Q", data[:8]), struct.unpack("<I", data[8:12])
        content, (check_data,) = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])
        assert unmask(check) == slow_crc(data[:8])
        assert unmask(check_data) == slow_crc(content)
        yield content
        data = data[16 + length :]


def fields(data):
    """The fields of a protobuf message: number -> list of values (ints, doubles, bytes)."""
    found = {}

    def whole():
        nonlocal data
        value, shift = 0, 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while data:
        key = whole()
        if key & 7 == 0:
            value = whole()
        elif key & 7 == 1:
            (value,), data = struct.unpack("<d", data[:8]), data[8:]
        else:
            assert key & 7 == 2
            size = whole()
            value, data = data[:size], data[size:]
        found.setdefault(key >> 3, []).append(value)
    return found


def events(folder):
    """What the one event file of a folder says: ``(step, tag, plugin, array)``."""
    (path,) = folder.iterdir()
    first, *rest = [fields(content) for content in records(path.read_bytes())]
    assert first[3] == [b"brain.Event:2"]
    for event in rest:
        (value,) = fields(event[5][0])[1]
        value = fields(value)
        metadata = fields(value[9][0])
        plugin = fields(metadata[1][0])[1][0].decode()
        assert metadata[4] == [{"scalars": 1, "histograms": 2}[plugin]]
        tensor = fields(value[8][0])
        shape = [fields(d)[1][0] for d in fields(tensor[2][0]).get(2, [])]
        kind = {1: "<f4", 2: "<f8"}[tensor[1][0]]
        yield (
            event.get(2, [0])[0],
            value[1][0].decode(),
            plugin,
            np.frombuffer(tensor[4][0], kind).reshape(shape),
        )


@given(st.integers(0, 2**63 - 1))
def test_whole_numbers_come_back(number):
    assert fields(b"\x08" + varint(number)) == {1: [number]}


def test_records_come_back():
    assert list(records(record(b"one") + record(b"") + record(b"three"))) == [b"one", b"", b"three"]


def test_scalars_and_histograms_come_back(tmp_path):
    writer = EventWriter(tmp_path / "run", clock=lambda: 12.5)
    writer.scalar("loss", 0.5, step=0)
    writer.scalar("loss", np.float32(0.25), step=300)
    writer.scalar("not a number but many", [1, 2], step=1)
    writer.histogram("w", np.arange(60.0), step=2)
    writer.close()
    assert writer.path.name.startswith("events.out.tfevents.0000000012.")
    loss, later, histogram = events(tmp_path / "run")
    assert loss[:3] == (0, "loss", "scalars")
    assert (float(loss[3]), loss[3].shape) == (0.5, ())
    assert (later[0], float(later[3])) == (300, 0.25)
    assert histogram[:3] == (2, "w", "histograms")
    np.testing.assert_array_equal(histogram[3], buckets(np.arange(60.0)))
    assert histogram[3][:, 2].tolist() == [2.0] * 30
    with pytest.raises(ArgumentError, match="is closed"):
        writer.scalar("loss", 1.0, 1)


def test_two_writers_never_share_a_file(tmp_path):
    one, two = EventWriter(tmp_path, clock=lambda: 1.0), EventWriter(tmp_path, clock=lambda: 1.0)
    one.close()
    two.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_histograms_of_odd_data():
    assert buckets(np.array([]))[:, 2].sum() == 0
    assert buckets(np.array([np.nan, np.inf]))[:, 2].sum() == 0
    same = buckets(np.array([3.0, 3.0, np.nan]))
    assert same[-1].tolist() == [3.0, 3.0, 2.0]
    assert same[:, 2].sum() == 2


class Kernel:
    path = "net/dense/kernel"

    def __array__(self, dtype=None, copy=None):
        return np.arange(4.0)


def model():
    optimizer = types.SimpleNamespace(learning_rate=0.125, iterations=0)
    return types.SimpleNamespace(
        optimizer=optimizer, layers=[types.SimpleNamespace(weights=[Kernel()])], stop_training=False
    )


def run(callback, epochs=2, steps=3):
    """A training of straw with validation; each step takes half a second."""
    told = CallbackList(callback, model=(straw := model()), epochs=epochs, steps=steps, verbose=0)
    told.on_train_begin()
    for epoch in range(epochs):
        told.on_epoch_begin(epoch)
        for batch in range(steps):
            told.on_train_batch_begin(batch)
            straw.optimizer.iterations += 1
            told.on_train_batch_end(batch, lambda: {"loss": 4.0})
        told.on_test_begin()
        told.on_test_end({"loss": 2.0})
        told.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 2.0})
    told.on_train_end()


def test_what_the_callback_writes_in_keras_names_and_places(tmp_path):
    run(TensorBoard(tmp_path))
    train = [(step, tag, float(a)) for step, tag, _, a in events(tmp_path / "train")]
    assert train == [
        (0, "epoch_loss", 1.0),
        (0, "epoch_learning_rate", 0.125),
        (1, "epoch_loss", 1.0),
        (1, "epoch_learning_rate", 0.125),
    ]
    validation = [(step, tag, float(a)) for step, tag, _, a in events(tmp_path / "validation")]
    assert validation == [
        (3, "evaluation_loss_vs_iterations", 2.0), (0, "epoch_loss", 2.0),
        (6, "evaluation_loss_vs_iterations", 2.0), (1, "epoch_loss", 2.0),
    ]  # fmt: skip


def test_histograms_and_batches(tmp_path):
    ticks = iter(range(10**6))
    run(
        TensorBoard(
            tmp_path,
            histogram_freq=2,
            update_freq=2,
            write_steps_per_second=True,
            clock=lambda: next(ticks) / 2,
        )
    )
    found = list(events(tmp_path / "train"))
    assert [(step, tag) for step, tag, plugin, _ in found if plugin == "histograms"] == [
        (0, "net/dense/kernel/histogram")
    ]
    assert [step for step, tag, *_ in found if tag == "batch_loss"] == [2, 4, 6]
    assert {tag for _, tag, *_ in found} == {
        "batch_loss", "batch_steps_per_second", "epoch_loss", "epoch_learning_rate", "epoch_steps_per_second",
        "net/dense/kernel/histogram",
    }  # fmt: skip


def test_tensorboard_itself_reads_them(tmp_path):
    loading = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    run(TensorBoard(tmp_path, histogram_freq=1))
    (path,) = (tmp_path / "train").iterdir()
    found = [v for e in loading.EventFileLoader(str(path)).Load() for v in e.summary.value]
    assert [v.tag for v in found][:3] == ["epoch_loss", "epoch_learning_rate", "net/dense/kernel/histogram"]
    assert struct.unpack("<f", found[0].tensor.tensor_content) == (1.0,)
    assert [d.size for d in found[2].tensor.tensor_shape.dim] == [30, 3]
