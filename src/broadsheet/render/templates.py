"""Fills templates in, the user's before the packaged ones, and tells what is wrong with one of the user's."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from broadsheet.errors import BroadsheetError, ConfigError, why_unreadable
from broadsheet.render.environments import PACKAGED, Format, environment

_FORMATS: dict[str, Format] = {
    ".html": "html",
    ".atom": "html",
    ".css": "html",
    ".js": "html",
    ".svg": "html",
    ".md": "markdown",
    ".txt": "text",
}


def filled(name: str, folder: Path | None = None, /, **values: Any) -> str:
    """Return a template with its values filled in.

    Args:
        name: Its name, such as ``edition.html``; the ending says what format it is.
        folder: Templates of the user's that go before the packaged ones.
        values: What it is given.

    Raises:
        ConfigError: A template of the user's is wrong; the sentence has its file and line.
    """
    with _told(folder):
        made: str = environment(_format_of(name), folder).get_template(name).render(values)
    return made


def check_templates(folder: Path | None) -> None:
    """Check that all templates of a folder can be read, and that each is used; read all anew afterwards.

    Raises:
        ConfigError: There is no such folder, or a template is wrong.
    """
    environment.cache_clear()
    if folder is None:
        return
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}; correct the setting “templates”.")
    from jinja2.meta import find_referenced_templates  # noqa: TID251 - this room renders

    own, used = sorted(_names(folder)), set(_names(PACKAGED))
    with _told(folder):
        for name in own:
            made = environment(_format_of(name), folder)
            made.get_template(name)
            source = (folder / name).read_text(encoding="utf-8")
            used.update(filter(None, find_referenced_templates(made.parse(source))))
    if stray := next((name for name in own if name not in used), None):
        raise ConfigError(
            f"{folder / stray} replaces no packaged template and no other template uses it; correct its name."
        )


def template_texts(folder: Path | None) -> list[str]:
    """Return the text of every template, the user's last: what all pages depend on."""
    files = [place / name for place in (PACKAGED, folder) if place for name in sorted(_names(place))]
    return [file.read_text(encoding="utf-8", errors="replace") for file in files]


def _names(folder: Path) -> Iterator[str]:
    """Yield the names of the templates in a folder; files of other kinds are not ours to judge."""
    for path in folder.rglob("*"):
        if path.suffix in _FORMATS and path.is_file():
            yield path.relative_to(folder).as_posix()


def _format_of(name: str) -> Format:
    return _FORMATS[Path(name).suffix]


@contextmanager
def _told(folder: Path | None) -> Iterator[None]:
    """Tell of what goes wrong in a template of the user's; in a packaged one it is a fault of ours."""
    try:
        yield
    except BroadsheetError:
        raise
    except Exception as error:
        place = _place(error, folder) if folder else None
        if place is None:
            raise
        raise ConfigError(f"{place}: {_reason(error)}; correct the template.") from error


def _place(error: Exception, folder: Path) -> str | None:
    """Return the file and line of the user's at which a template failed, if there is one."""
    from jinja2 import TemplateSyntaxError  # noqa: TID251 - this room renders

    if isinstance(error, TemplateSyntaxError):
        is_own = error.filename and Path(error.filename).is_relative_to(folder)
        return f"{error.filename}, line {error.lineno}" if is_own else None
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    if own:
        return f"{own[-1].filename}, line {own[-1].lineno}"
    return str(folder) if isinstance(error, OSError | UnicodeDecodeError) else None


def _reason(error: Exception) -> str:
    from jinja2 import TemplateNotFound  # noqa: TID251 - this room renders

    if isinstance(error, RecursionError):
        return "it uses itself; start the name with packaged/ to use the one that it replaces"
    if isinstance(error, TemplateNotFound):
        return f"there is no template “{error.name}”"
    if isinstance(error, OSError | UnicodeDecodeError):
        return f"a template cannot be read, as {why_unreadable(error)}"
    words = " ".join(str(getattr(error, "message", None) or error).split())
    return words.rstrip(".") or type(error).__name__
