"""A program executed as ``python program.py`` would, with Keras and TensorFlow answered by neurona.

The program is ``__main__``: its arguments, its folder first on the path, its exit status, its traceback without any frame
of ours. Where it asks for something that neurona does not have, one message names it, the file and the line.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

import neurona
from neurona.errors import DataNotFoundError, UnansweredError, UnansweredNameError
from neurona.i18n import _
from neurona.programs.face import install
from neurona.programs.notebook import Cell, plain, read_cells

__all__ = ["UNANSWERED", "run_program"]

#: The exit status of a program that asked for what neurona does not have.
UNANSWERED = 3

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # which notebooks allow outside of functions
_OURS = str(Path(neurona.__file__).parent)


def run_program(
    path: Path, arguments: Sequence[str] = (), *, debug: bool = False, tell: Callable[[str], None] = print
) -> int:
    """Execute a program or a notebook.

    Args:
        path: the ``.py`` or ``.ipynb`` file.
        arguments: what the program finds in ``sys.argv[1:]``.
        debug: whether tracebacks keep the frames of neurona.
        tell: is given each line for the user: what of a notebook is left out, what is not answered.

    Returns:
        its exit status: 0, what it gave to ``sys.exit``, 1 after an error, 130 after Ctrl-C, `UNANSWERED` (3) where it
        asked for what neurona does not have.

    Raises:
        DataNotFoundError: there is no such file.
        DamagedDataError: a notebook that is none.
    """
    if path.is_dir():
        raise DataNotFoundError(_("{path} is a folder. Name the program in it.").format(path=path))
    if not path.is_file():
        raise DataNotFoundError(_("There is no program {path}.").format(path=path))
    cells = read_cells(path) if path.suffix == ".ipynb" else None  # a damaged notebook is no error of the program
    install()
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(path.absolute()), __builtins__=__builtins__, __loader__=None)
    sys.modules["__main__"] = main
    sys.argv = [str(path), *arguments]
    sys.path[0:1] = [str(path.resolve().parent)]
    status = 0
    try:
        if cells is None:
            _script(path, main.__dict__)
        else:
            _notebook(path, cells, main.__dict__, tell)
    except SystemExit as stop:
        status = _status(stop)
    except KeyboardInterrupt as stop:
        _show(stop, debug)
        status = 130
    except BaseException as error:
        status = _failed(error, debug, tell)
    return status


def _script(path: Path, names: dict[str, Any]) -> None:
    code = compile(path.read_bytes(), str(path.absolute()), "exec", dont_inherit=True)
    exec(code, names)


def _notebook(path: Path, cells: Iterable[Cell], names: dict[str, Any], tell: Callable[[str], None]) -> None:
    names["display"] = lambda *things: print(*map(repr, things), sep="\n")
    for cell in cells:
        where = f"{path.name}[{cell.number}]"
        source, left_out = plain(cell.source)
        for line in left_out:
            tell(
                _("{file}, cell {cell}, line {line}: left out: {text}").format(
                    file=path.name, cell=cell.number, line=line.line, text=line.text
                )
            )
        linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)  # for tracebacks
        body, last = _parted(source, where)
        _carried_out(body, names)
        if last is not None:
            value = _carried_out(last, names)
            if value is not None:
                print(repr(value))


def _carried_out(code: CodeType, names: dict[str, Any]) -> Any:
    """The value of a part of a cell; where it awaits something, of that."""
    value = eval(code, names)
    return asyncio.run(value) if code.co_flags & inspect.CO_COROUTINE else value


def _parted(source: str, where: str) -> tuple[CodeType, CodeType | None]:
    """A cell's statements and, where it ends in an expression, this, whose value a notebook shows."""
    tree = ast.parse(source, where)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or source.rstrip().endswith(";"):
        return compile(tree, where, "exec", _AWAIT, dont_inherit=True), None
    tree.body.pop()
    shown = compile(ast.Expression(last.value), where, "eval", _AWAIT, dont_inherit=True)
    return compile(tree, where, "exec", _AWAIT, dont_inherit=True), shown


def _status(stop: SystemExit) -> int:
    """What the interpreter would make of ``sys.exit(...)``."""
    if stop.code is None or isinstance(stop.code, int):
        return (stop.code or 0) & 0xFF
    print(stop.code, file=sys.stderr)
    return 1


def _failed(error: BaseException, debug: bool, tell: Callable[[str], None]) -> int:
    """Show the error that ended the program, and give its status."""
    unanswered = _unanswered(error)
    if unanswered is None:
        _show(error, debug)
        return 1
    misspelt = not isinstance(error, (UnansweredError, ImportError))  # perhaps: the program's own mistake
    if debug or misspelt:
        _show(error, debug)
    file, line = _place(error)
    sys.stdout.flush()
    tell(
        _("{file}, line {line}: neurona does not answer `{name}`.").format(file=file, line=line, name=unanswered.asked)
    )
    if unanswered.instead:
        tell(unanswered.instead)
    tell(_("`neurona run --help` tells what is answered, and what is not."))
    return UNANSWERED


def _unanswered(error: BaseException) -> UnansweredError | None:
    """What the program asked for in vain, if that ended it: also a method that an object of ours does not have."""
    if isinstance(error, UnansweredError):
        return error
    if isinstance(error, ImportError) and isinstance(error.__cause__ or error.__context__, UnansweredError):
        cause = error.__cause__ or error.__context__
        return cause if isinstance(cause, UnansweredError) else None
    if isinstance(error, AttributeError) and error.obj is not None and error.name:
        kind = error.obj if isinstance(error.obj, type) else type(error.obj)
        if kind.__module__.startswith("neurona."):
            return UnansweredNameError(f"{kind.__name__}.{error.name}")
    return None


def _place(error: BaseException) -> tuple[str, int]:
    """The file and the line of the program that the error came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _is_ours(f.filename)]
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else ("?", 0)


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen importlib", "<frozen runpy"))


def _show(error: BaseException, debug: bool) -> None:
    """Print the traceback as Python would, without our frames."""
    if not debug:
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            current = waiting.pop()
            if current is None or id(current) in seen:
                continue
            seen.add(id(current))
            current.__traceback__ = _without_ours(current.__traceback__)
            waiting += [current.__cause__, current.__context__]
    sys.stdout.flush()
    if sys.excepthook is sys.__excepthook__:
        traceback.print_exception(error)  # knows the lines of a notebook's cells, as the interpreter's own does not
    else:
        sys.excepthook(type(error), error, error.__traceback__)


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    """The traceback with the frames of the program and of other libraries only."""
    kept: list[TracebackType] = []
    while trace is not None:
        if not _is_ours(trace.tb_frame.f_code.co_filename):
            kept.append(trace)
        trace = trace.tb_next
    made: TracebackType | None = None
    for one in reversed(kept):
        made = TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return made
