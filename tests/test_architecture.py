"""The house has one direction: each module may import only those that stand before it."""

from __future__ import annotations

import ast
from pathlib import Path

import neurona

PACKAGE = Path(neurona.__file__).parent

# From the ground up; entries of one line do not know each other.
FLOORS: list[set[str]] = [
    {"errors"},
    {"allowance", "i18n", "config", "names", "sharing", "tree", "warn"},
    {"kernels", "symbolic", "cases"},
    {"tensor"},
    {"row_gradient", "deferred"},
    {"tape"},
    {"variable", "dtypes"},
    {"scopes"},
    {"registry"},
    {"dtype_policies"},
    {"seeds"},
    {"ops"},
    {"random", "gradient_check"},
    {"parts"},
    {"layers"},
    {"losses"},
    {"metrics", "optimizers"},
    {"mixed_precision"},
    {"datasets", "saving"},
    {"training", "export"},
    {"models"},
    {"backend"},
    {"utils"},
    {"preprocessing"},
    {"sklearn"},
    {"programs"},
    {"runs", "engines"},
    {"recognisers"},
    {"sight"},
    {"report"},
    {"parity", "bench"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """The parts of neurona that a file imports, and whether it does so inside a function."""
    tree = ast.parse(path.read_text("utf-8"))
    inner = {
        id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) for n in ast.walk(f)
    }
    typing_only = {
        id(n)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for n in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"neurona.{a.name}" for a in node.names] if node.module == "neurona" else [node.module]
        for name in names:
            if name.startswith("neurona."):
                found.append((name.split(".")[1], id(node) in inner))
    return found


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


def test_every_part_has_its_floor() -> None:
    assert {part_of(p) for p in FILES} == set(FLOOR_OF)


def test_imports_point_downwards() -> None:
    wrong = []
    for path in FILES:
        part = part_of(path)
        for imported, _ in imports_of(path):
            if imported in FLOOR_OF and imported != part and FLOOR_OF[imported] >= FLOOR_OF[part]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports neurona.{imported}")
    assert not wrong, "\n".join(wrong)


def test_no_import_hides_in_a_function() -> None:
    """Inside functions only heavy third parties are imported, with the exceptions named below."""
    hidden = [
        f"{path.relative_to(PACKAGE)} imports neurona.{imported}"
        for path in FILES
        if part_of(path) != "cli"  # makes its commands after the language is known
        and path.name != "loading.py"  # leaves the network's library alone until something is downloaded
        for imported, inside in imports_of(path)
        if inside
    ]
    assert not hidden, "\n".join(hidden)
