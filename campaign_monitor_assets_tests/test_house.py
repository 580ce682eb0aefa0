"""The house keeps its form: layers, sizes, and folders that say what belongs in them."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import campaign_monitor_assets

PACKAGE = Path(campaign_monitor_assets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES} - {PACKAGE})
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _lines(function: ast.FunctionDef) -> int:
    """The lines of a function without those of its docstring, which the public ones need."""
    first, last = function.body[0], function.end_lineno
    assert last
    documented = ast.get_docstring(function) is not None and first.end_lineno
    docstring = first.end_lineno - first.lineno + 1 if documented and first.end_lineno else 0
    return last - function.lineno + 1 - docstring


def test_layers() -> None:
    """Imports run downwards only, as the contracts in pyproject.toml say."""
    assert lint_imports(no_cache=True) == 0


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_are_short(path: Path) -> None:
    """A module can be read in one go, and so can each of its functions."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    lines = {node.name: _lines(node) for node in functions}
    long = {name: number for name, number in lines.items() if number > MOST_LINES_OF_A_FUNCTION}
    assert not long


@pytest.mark.parametrize("path", FOLDERS, ids=_name)
def test_folders_say_what_belongs_there(path: Path) -> None:
    """A folder's docstring says in a sentence or two what it holds, and in one what it may not."""
    name = ".".join(["campaign_monitor_assets", *path.relative_to(PACKAGE).parts])
    docstring = inspect.getdoc(import_module(name)) or ""
    first, _, rest = docstring.partition("\n\n")
    assert first.endswith(".")
    assert rest
    assert docstring.count(".") >= 2
