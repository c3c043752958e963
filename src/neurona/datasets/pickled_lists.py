"""Lists of whole numbers out of NumPy files that keep them as pickles, without ever unpickling.

A pickle is a program: to load one is to run it, whatever it says. Keras's ``imdb.npz`` holds arrays of Python lists, for
which NumPy knows no other way. This reader walks over such a program with `pickletools.genops`, which only names its
steps, and understands just those that an array of lists of whole numbers is made of: numbers, lists, tuples, the few
names by which NumPy says "an array of objects", and the memory of the program. Anything else ends in an error, and no
name is ever looked up.

Source: Python's `pickletools`, "Opcodes"; NumPy's manual, "NEP 1" and "ndarray.__reduce__".
"""

from __future__ import annotations

import io
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from neurona.datasets.source import Source, damaged
from neurona.datasets.tokens import Tokens
from neurona.errors import DamagedDataError, DataError
from neurona.i18n import _

__all__ = ["lists_of_pickle", "read_lists_npz"]

_LARGEST_FILE = 1 << 28  # bytes, packed, and of each member, inflated
_LONGEST_HEADER = 4096
_MOST_STEPS = 2_000_000  # besides the runs of numbers: about 3 a list
_MOST_MEMBERS = 64

# A run of small numbers (of one byte, two, or four with a sign) between MARK and APPENDS, as every list of words is; a
# FRAME may begin in its middle. Python writes a thousand numbers at most before it says APPENDS.
_BYTE, _SHORT, _INT, _FRAME, _APPENDS = b"KMJ\x95e"
_RUN = re.compile(rb"(?:K.|M..|J....|\x95.{8}){1,1100}", re.DOTALL)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, SyntaxError, RuntimeError,
           NotImplementedError, RecursionError, TypeError, KeyError, IndexError, AttributeError, OverflowError)  # fmt: skip

_PUT = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
_TEXTS = {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
          "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}  # fmt: skip
_NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"}
_CONSTANTS = {"NONE", "NEWTRUE", "NEWFALSE"}


@dataclass(frozen=True)
class _Name:
    """A name of the kind that such a program uses; it is never looked up."""

    name: str


_RECONSTRUCT, _ARRAY, _DTYPE, _ENCODE = map(_Name, ("_reconstruct", "ndarray", "dtype", "encode"))
_NAMES = {
    "numpy.core.multiarray _reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray _reconstruct": _RECONSTRUCT,
    "numpy ndarray": _ARRAY,
    "numpy dtype": _DTYPE,
    "_codecs encode": _ENCODE,
}
_MARK, _CONSTANT, _KIND = _Name("a mark"), _Name("a constant"), _Name("a dtype")


class _List:
    """A list under way: of other lists, or of runs of numbers, each a stretch of the program."""

    def __init__(self) -> None:
        self.lists: list[_List] = []
        self.runs: list[tuple[int, int]] = []


class _Objects:
    """The array of objects, once its state is known with its list and its length."""

    def __init__(self) -> None:
        self.content: _List | None = None
        self.count = -1


class _RefusedError(Exception):
    """The pickle asks for something that this reader does not do."""


def read_lists_npz(path: Path, lists: Sequence[str], numbers: Sequence[str]) -> dict[str, Any]:
    """The arrays of a NumPy archive: of lists of whole numbers as `Tokens`, of whole numbers as they are.

    Args:
        path: the ``.npz`` file.
        lists: names of arrays of lists.
        numbers: names of plain arrays of whole numbers, (N,).

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: it is no such archive, or a pickle in it would do anything else.
    """
    found: dict[str, Any] = {}
    with Source(path, _LARGEST_FILE):  # a regular file, not too large
        try:
            with zipfile.ZipFile(path) as archive:
                entries = {entry.filename: entry for entry in archive.infolist()[:_MOST_MEMBERS]}
                for name in (*lists, *numbers):
                    entry = entries.get(f"{name}.npy")
                    if entry is None:
                        raise damaged(path, _("it lacks {files}").format(files=name))
                    plain = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                    if not plain or entry.file_size > _LARGEST_FILE:
                        raise damaged(path, _("{name} in it has another size").format(name=name))
                    with archive.open(entry) as stream:
                        content = io.BytesIO(_all(stream))
                    found[name] = _lists(content) if name in lists else _numbers(content)
        except DataError:
            raise
        except _RefusedError as error:
            text = _("{name} in it holds more than lists of whole numbers ({detail}), which is refused")
            raise damaged(path, text.format(name=name, detail=error)) from error
        except _BROKEN as error:
            raise damaged(path, _("it is no readable NumPy archive ({detail})").format(detail=error)) from error
    return found


def lists_of_pickle(content: bytes) -> Tokens:
    """The lists in a pickled NumPy array of them.

    Raises:
        DamagedDataError: it is damaged, or would do anything else.

    >>> import pickle
    >>> array = np.array([[1, 2, 3], [70000]], dtype=object)
    >>> [row.tolist() for row in lists_of_pickle(pickle.dumps(array))]
    [[1, 2, 3], [70000]]
    >>> lists_of_pickle(b"cos\\nsystem\\n(S'echo'\\ntR.")
    Traceback (most recent call last):
        ...
    neurona.errors.DamagedDataError: A pickle that should hold lists of whole numbers is refused: the name os system.
    """
    try:
        return _walk(io.BytesIO(content))
    except _RefusedError as error:
        raise DamagedDataError(
            _("A pickle that should hold lists of whole numbers is refused: {detail}.").format(detail=error)
        ) from error
    except _BROKEN as error:
        raise DamagedDataError(
            _("A pickle that should hold lists of whole numbers is damaged: {detail}.").format(detail=error)
        ) from error


def _all(stream: IO[bytes]) -> bytes:
    content = stream.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ValueError("larger than it says")
    return content


def _header(content: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(content)
    if version == (1, 0):
        shape, _order, kind = np.lib.format.read_array_header_1_0(content, max_header_size=_LONGEST_HEADER)
    elif version == (2, 0):
        shape, _order, kind = np.lib.format.read_array_header_2_0(content, max_header_size=_LONGEST_HEADER)
    else:
        raise ValueError(f"format version {version}")
    if len(shape) != 1:
        raise ValueError(f"shape {shape}")
    return shape, kind


def _numbers(content: io.BytesIO) -> NDArray[Any]:
    (count,), kind = _header(content)
    if kind.kind not in "iu":
        raise ValueError(f"numbers of kind {kind}")
    rest = content.getbuffer()[content.tell() :]
    if count * kind.itemsize != len(rest):
        raise ValueError(f"{len(rest)} bytes for {count} numbers of kind {kind}")
    return np.frombuffer(rest, kind).copy()


def _lists(content: io.BytesIO) -> Tokens:
    (count,), kind = _header(content)
    if kind != np.dtype(object):
        raise ValueError(f"an array of {kind}")
    tokens = _walk(content)
    if len(tokens) != count:
        raise ValueError(f"{len(tokens)} lists instead of {count}")
    return tokens


def _walk(content: io.BytesIO) -> Tokens:
    return _Walk(content).tokens()


class _Walk:
    """One way through a program: its stack, its memory, and the numbers that did not come in runs."""

    def __init__(self, content: io.BytesIO) -> None:
        self.content, self.program = content, content.getbuffer()
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}
        self.single = bytearray()  # written as a run is, and placed behind the program

    def tokens(self) -> Tokens:
        """The lists that the program builds."""
        for steps, (opcode, argument, _place) in enumerate(pickletools.genops(self.content)):
            if steps > _MOST_STEPS:
                raise _RefusedError(_("more than {most} steps").format(most=_MOST_STEPS))
            if opcode.name == "STOP":
                break
            self.step(opcode.name, argument)
        if len(self.stack) != 1 or self.content.tell() != len(self.program):
            raise ValueError("bytes are left over")
        return self.gathered(self.stack[0])

    def step(self, name: str, argument: Any) -> None:
        """Do what one step of the program says, as far as it is known."""
        stack = self.stack
        if name in _PUT:
            self.memory[len(self.memory) if argument is None else argument] = stack[-1]
        elif name in _GET:
            stack.append(self.memory[argument])
        elif name in _NUMBERS or name in _TEXTS:
            stack.append(_CONSTANT if isinstance(argument, bool) else argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANT)
        elif name == "MARK":
            if not self.skip_run():
                stack.append(_MARK)
        elif name == "EMPTY_LIST":
            stack.append(_List())
        elif name == "APPEND":
            self.append([stack.pop()])
        elif name == "APPENDS":
            self.append(self.marked())
        elif name == "EMPTY_TUPLE":
            stack.append(())
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1])
            stack[-count:] = [tuple(stack[-count:])]
        elif name == "TUPLE":
            stack.append(tuple(self.marked()))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            wanted = argument if name == "GLOBAL" else " ".join(reversed([stack.pop(), stack.pop()]))
            if wanted not in _NAMES:
                raise _RefusedError(_("the name {name}").format(name=wanted))
            stack.append(_NAMES[wanted])
        elif name == "REDUCE":
            stack.append(_made(*reversed([stack.pop(), stack.pop()])))
        elif name == "BUILD":
            self.build(stack.pop())
        elif name not in ("PROTO", "FRAME"):
            raise _RefusedError(_("the step {name}").format(name=name))

    def skip_run(self) -> bool:
        """Take a whole run of numbers into the list that is on top, without a step for each."""
        at = self.content.tell()
        run = _RUN.match(self.program, at) if self.stack and isinstance(self.stack[-1], _List) else None
        if run is None or self.program[run.end()] != _APPENDS:
            return False
        self.stack[-1].runs.append(run.span())
        self.content.seek(run.end() + 1)
        return True

    def marked(self) -> list[Any]:
        """What lies above the last mark; both leave the stack."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("a mark is missing")
        values = self.stack[place + 1 :]
        del self.stack[place:]
        return values

    def append(self, values: list[Any]) -> None:
        """Append to the list that is on top."""
        last = self.stack[-1]
        for value in values:
            if isinstance(value, _List):
                last.lists.append(value)
            elif isinstance(value, int):
                begin = len(self.program) + len(self.single)
                self.single += struct.pack("<ci", b"J", value)
                last.runs.append((begin, begin + 5))
            else:
                raise _RefusedError(_("a list with something else than whole numbers"))

    def build(self, state: Any) -> None:
        """Give the array its contents; of a dtype nothing more need be known."""
        last = self.stack[-1]
        if isinstance(last, _Objects):
            _version, (last.count,), kind, _order, last.content = state
            if kind is not _KIND or not isinstance(last.content, _List):
                raise _RefusedError(_("an array of something else than lists"))
        elif last is not _KIND:
            raise _RefusedError(_("the step {name}").format(name="BUILD"))

    def gathered(self, array: Any) -> Tokens:
        """All lists of the finished array, one behind the other."""
        if not isinstance(array, _Objects) or array.content is None or array.content.runs:
            raise _RefusedError(_("something else than an array of lists"))
        lists = array.content.lists
        if any(one.lists for one in lists) or len({id(one) for one in lists}) != len(lists):
            raise _RefusedError(_("lists within lists"))  # or one list many times over
        if len(lists) != array.count:
            raise ValueError(f"{len(lists)} lists instead of {array.count}")
        runs = np.array([run for one in lists for run in one.runs], np.int64).reshape(-1, 2)
        ending = np.zeros(3, np.uint8)  # a number is read as four bytes, however few it has
        program = np.concatenate([np.frombuffer(self.program, np.uint8), np.frombuffer(self.single, np.uint8), ending])
        flat, counts = _numbers_of(program, runs[:, 0], runs[:, 1])
        ends = np.concatenate([[0], np.cumsum(counts)])
        last = np.cumsum([0] + [len(one.runs) for one in lists])
        return Tokens(flat, ends[last])


def _made(function: Any, arguments: Any) -> Any:
    """What one of the known names gives for arguments."""
    if function is _RECONSTRUCT and arguments[0] is _ARRAY:
        return _Objects()
    if function is _DTYPE and arguments[0] in ("O", "O8", "O4", "|O"):
        return _KIND
    if function is _ENCODE:  # how bytes are written where there are only texts
        return arguments[0]
    raise _RefusedError(_("an array of something else than lists"))


_STEP, _MASK = np.zeros(256, np.int64), np.zeros(256, np.uint32)
for _code, _size in ((_BYTE, 1), (_SHORT, 2), (_INT, 4)):
    _STEP[_code], _MASK[_code] = 1 + _size, 256**_size - 1
_STEP[_FRAME] = 9


def _numbers_of(
    program: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The numbers of all runs, and how many each has: the first of every run at once, then the second, and so on.

    >>> _numbers_of(np.frombuffer(b"K!M!!K!...", np.uint8), np.array([0, 5]), np.array([5, 7]))
    (array([  33, 8481,   33], dtype=int32), array([2, 1]))
    """
    counts = np.zeros(len(begins), np.int64)
    for which, places in _steps(program, begins, ends):
        counts[which] += _MASK[program[places]] != 0
    flat = np.empty(int(counts.sum()), np.int32)
    into = np.cumsum(counts) - counts
    for which, places in _steps(program, begins, ends):
        mask = _MASK[program[places]]
        number = mask != 0
        which, places = which[number], places[number]
        four = [program[places + 1 + k].astype(np.uint32) << np.uint32(8 * k) for k in range(4)]
        flat[into[which]] = ((four[0] | four[1] | four[2] | four[3]) & mask[number]).view(np.int32)
        into[which] += 1
    return flat, counts


def _steps(
    program: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64]]]:
    """The runs that are not at their end, and where in them one is; the next time a number farther."""
    which = np.flatnonzero(begins < ends)
    places = begins[which]
    while len(which):
        yield which, places
        places = places + _STEP[program[places]]
        go_on = places < ends[which]
        which, places = which[go_on], places[go_on]
