"""An edition becomes HTML, Markdown and text that agree paper for paper; owns Jinja2 and escaping."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from broadsheet.edition import Edition
from broadsheet.errors import UserError
from broadsheet.newsletter import DEFAULT, Newsletter
from broadsheet.render.page import Page
from broadsheet.render.templates import filled
from broadsheet.replacing import replacing
from broadsheet.taxonomy import Taxonomy

__all__ = ["Rendered", "folder_of", "render", "write"]

ENDINGS = ("html", "md", "txt")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One edition in the three formats."""

    html: str
    markdown: str
    text: str


def render(
    edition: Edition,
    taxonomy: Taxonomy,
    language: str = "en",
    *,
    newsletter: Newsletter | None = None,
    templates: Path | None = None,
) -> Rendered:
    """Return the pages of an edition: a pure function of the edition, the names of the tags and the look.

    Args:
        edition: What is printed; the cache is not asked.
        taxonomy: Gives the tags their names; a tag that it does not know is printed as its id.
        language: BCP 47 tag of the summaries; the newsletter's own goes before it.
        newsletter: How the page looks; by default, as the edition's newsletter without settings.
        templates: A folder of templates that go before the packaged ones.

    Raises:
        ConfigError: One of those templates is wrong.
    """
    page = Page.of(edition, taxonomy, language, newsletter)
    html, markdown, text = (filled(f"edition.{ending}", templates, page=page) for ending in ENDINGS)
    return Rendered(html, markdown, text)


def folder_of(edition: Edition, out_dir: Path) -> Path:
    """Return where an edition's pages are: ``YYYY-MM-DD``, in a folder of its newsletter unless daily."""
    below = out_dir if edition.newsletter == DEFAULT else out_dir / edition.newsletter
    return below / edition.day.isoformat()


def write(rendered: Rendered, out_dir: Path, edition: Edition) -> Path:
    """Write ``index.html``, ``index.md`` and ``index.txt`` into the edition's own folder.

    Each file is replaced as a whole, so that a reader never meets half of one, and left alone where it would
    not change.

    Returns:
        The path of ``index.html``.

    Raises:
        UserError: The folder cannot be made or written.
    """
    folder = folder_of(edition, out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in (("txt", rendered.text), ("md", rendered.markdown), ("html", rendered.html)):
            _replace(folder / f"index.{ending}", content.encode())
    except OSError as error:
        raise UserError(
            f"The edition cannot be written to {folder} ({error.strerror}); name another folder with --out."
        ) from error
    return folder / "index.html"


def _replace(path: Path, content: bytes) -> None:
    if path.is_file() and path.read_bytes() == content:
        return
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
