"""The house: imports run one way, modules are short, names say something, commands explain themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import broadsheet
from broadsheet.cli import app

PACKAGE = Path(broadsheet.__file__).parent
CHECKOUT = PACKAGE.parents[1]
MODULES = sorted(PACKAGE.rglob("*.py"))
BANNED = {"item", "items", "data", "manager", "handler", "processor", "helper", "helpers", "util", "utils"}
IMPOSED = {"data_received"}  # asyncio calls it so
ONLY_IN = {
    "openai": ("llm/",),
    "tiktoken": ("tokens.py",),
    "sqlite_utils": ("store/", "migrations/"),
    "jinja2": ("render.py", "render/", "prompts.py", "web/"),
    "mcp": ("assistant/",),
    "mcp_types": ("assistant/",),
    "ray": ("cluster/on_ray.py", "cluster/ray_gate.py"),
}
LOADED_ON_DEMAND = (
    "llm/",
    "render/",
    "web/",
    "assistant/",
)  # the modules of these rooms; never the rooms themselves
HEAVY = {"openai", "tiktoken", "jinja2", "ray", "fastapi", "pyarrow", "mcp", "mcp_types", "anyio"}


def place(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def imported(node: ast.AST) -> Iterator[str]:
    """The top-level packages that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module.partition(".")[0]


def run_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is loaded."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            yield from run_at_import(node.body)


def defined(tree: ast.Module) -> Iterator[str]:
    """Names of modules' classes, functions, parameters and variables."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_a_module_has_one_idea_that_its_docstring_tells_and_at_most_300_lines(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_a_function_has_at_most_60_lines_and_outside_the_command_line_8_parameters(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        is_command, is_migration = place(module).startswith("cli/"), place(module).startswith("migrations/")
        first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
        assert is_migration or (node.end_lineno or 0) - first.lineno < 60, node.name
        parameters = [each for each in (*node.args.args, *node.args.kwonlyargs) if each.arg != "self"]
        assert is_command or len(parameters) <= 8, node.name


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_no_name_is_one_that_says_nothing(module: Path) -> None:
    names = {module.stem, *defined(ast.parse(module.read_text(encoding="utf-8")))}
    words = {name: {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} for name in names}
    assert [name for name, parts in words.items() if parts & BANNED and name not in IMPOSED] == []


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_a_library_is_imported_only_where_it_belongs_and_a_heavy_one_only_when_needed(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for name in {name for node in ast.walk(tree) for name in imported(node)} & ONLY_IN.keys():
        assert place(module).startswith(ONLY_IN[name]), f"{name} does not belong here"
    at_import = {name for node in run_at_import(tree.body) for name in imported(node)}
    if not place(module).startswith(LOADED_ON_DEMAND) or module.stem == "__init__":
        assert not at_import & HEAVY


def _source(body: list[ast.stmt]) -> str:
    return "\n".join(map(ast.unparse, body))


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_who_foresees_a_bad_text_foresees_one_that_is_nested_without_end(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Try) or not re.search(r"\b(json|tomllib)\.loads\(", _source(node.body)):
            continue
        foreseen = " ".join(ast.unparse(each.type) for each in node.handlers if each.type)
        for constant in re.findall(r"\b_[A-Z_]+\b", foreseen):
            foreseen += "".join(re.findall(rf"^{constant} = .*$", text, re.MULTILINE))
        assert "RecursionError" in foreseen, ast.unparse(node)


def test_imports_run_downwards_only() -> None:
    if not (CHECKOUT / "pyproject.toml").is_file():
        pytest.skip("the contract stands in pyproject.toml, which an installed package does not have")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(PACKAGE.parent), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def commands() -> dict[str, typer.core.TyperCommand]:
    return typer.main.get_command(app).commands  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_every_option_says_what_it_does(name: str) -> None:
    command = commands()[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_the_package_is_typed_and_its_names_exist() -> None:
    assert (PACKAGE / "py.typed").is_file()
    assert all(hasattr(broadsheet, name) for name in broadsheet.__all__)
