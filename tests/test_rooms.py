"""The rooms have one-way doors, and nothing opens a pickle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BEHIND = {"models": {"models"}, "connectors": {"connectors", "models"}, "loop": {"loop", "connectors", "models"}}
RUNS_CODE = {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
LOADERS = {
    ("joblib", "load"),
    ("joblib", "dump"),
    ("torch", "load"),
    ("torch", "save"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
}


def sources() -> list[Path]:
    return [file for room in BEHIND for file in sorted((ROOT / room).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides which room it goes to"
            yield str(node.module)


def room(file: Path) -> str:
    return file.relative_to(ROOT).parts[0]


def test_every_room_has_sources() -> None:
    assert {room(file) for file in sources()} == set(BEHIND)


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_source_imports_only_from_rooms_behind_it(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    rooms = {name.split(".")[0] for name in imported(tree)} & {*BEHIND, "tests"}
    assert rooms <= BEHIND[room(file)]


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_source_reads_and_writes_nothing_that_runs_code(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not {name.split(".")[0] for name in imported(tree)} & RUNS_CODE
    named = {
        (node.module, alias.name) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert not named & LOADERS
    called = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not called & LOADERS
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not names & {"eval", "exec"}
