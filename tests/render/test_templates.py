"""Templates of one's own go before the packaged ones, and escape what papers say as those do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import broadsheet
from broadsheet.edition import Edition
from broadsheet.errors import ConfigError
from broadsheet.render import render
from broadsheet.render.environments import PACKAGED
from broadsheet.render.mail import Postmark, render_mail
from broadsheet.render.templates import check_templates, filled
from broadsheet.site import Publication, write_site
from broadsheet.store import Store
from editions import HOSTILE, TAXONOMY, small_edition
from in_process import Command

DOCS = Path(broadsheet.__file__).parents[2] / "docs" / "templates.md"
MARK = Postmark("Broadsheet", "daily", "", "https://example.org/u", "https://example.org/p")
SHOWN = HOSTILE.replace("$\\alpha_i$", "α_i")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Edition]]:
    store, edition = small_edition(tmp_path_factory.mktemp("templates") / "e.db")
    with store:
        yield store, edition


@pytest.fixture
def edition(made: tuple[Store, Edition]) -> Edition:
    return made[1]


def own(**texts: str) -> Path:
    """A folder with these templates; two underscores stand for a slash, the last one for a dot."""
    folder = Path("own").resolve()
    for name, text in texts.items():
        file = folder / ".".join(name.replace("__", "/").rsplit("_", 1))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def unescaped(markdown: str) -> list[str]:
    """The paragraphs of a Markdown page, as CommonMark shows them."""
    inlines = [token for token in MarkdownIt("commonmark").parse(markdown) if token.type == "inline"]
    return ["".join(child.content for child in token.children or []) for token in inlines]


@pytest.mark.skipif(not DOCS.exists(), reason="the page stands in the checkout only")
def test_the_example_of_the_page_on_templates_works_as_it_stands(
    made: tuple[Store, Edition], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = DOCS.read_text(encoding="utf-8")
    blocks = re.findall(r"^```jinja (\S+)\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert {"templates/edition.html", "templates/edition.md"} <= {name for name, _ in blocks}
    for name, text in blocks:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    (toml,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    Path("broadsheet.toml").write_text(toml, encoding="utf-8")
    command = Command(monkeypatch, capsys)
    assert command("run", "sample", "--date", "2026-01-05", "--engine", "extractive") == 0, command.err
    html, markdown = (Path(f"editions/2026-01-05/index.{end}").read_text() for end in ("html", "md"))
    assert '<p class="imprint">Printed on the pier, Monday, 5 January 2026.</p>' in html
    assert "h1 { letter-spacing: -.01em }" in html
    assert "How this page is made" in html
    assert markdown.startswith('---\ntitle: "Broadsheet"\ndate: 2026-01-05\n---\n\n# Broadsheet · Monday')
    mail = render_mail(made[1], TAXONOMY, MARK, templates=Path("templates").resolve())
    assert "\nPrinted on the pier.\n" in mail.text
    assert command("site", "--out", "site") == 0, command.err
    for each in Path("site").rglob("*.html"):
        assert "<p>Printed on the pier.</p>" in each.read_text(), each


@pytest.mark.skipif(not DOCS.exists(), reason="the page stands in the checkout only")
def test_the_page_on_templates_names_every_block_and_no_other() -> None:
    table = dict.fromkeys((), "")
    for names, blocks in re.findall(
        r"^\| (`[^|]+`) \| (`[^|]+`) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE
    ):
        for name in re.findall(r"`([^`]+)`", names):
            table[name] = sorted(re.findall(r"`([^`]+)`", blocks))
    for name, told in table.items():
        there = re.findall(r"\{% block (\w+)", (PACKAGED / name).read_text(encoding="utf-8"))
        assert told == sorted(there), name


def test_without_a_template_of_ones_own_everything_is_as_packaged(edition: Edition) -> None:
    folder = own()
    folder.mkdir()
    check_templates(folder)
    assert render(edition, TAXONOMY, templates=folder) == render(edition, TAXONOMY)


def test_a_replaced_part_is_used_by_the_packaged_page_on_page_and_site(made: tuple[Store, Edition]) -> None:
    store, edition = made
    folder = own(card_html='<article id="{{ card.anchor }}"><h3>{{ card.heading }}</h3>!</article>')
    assert render(edition, TAXONOMY, templates=folder).html.count("</h3>!</article>") == 8
    write_site(store, TAXONOMY, Path("site"), Publication(templates=folder))
    assert Path("site/index.html").read_text().count("</h3>!</article>") == 8


def test_every_packaged_template_can_be_extended_with_nothing_changed(made: tuple[Store, Edition]) -> None:
    store, edition = made
    folder = Path("own").resolve()
    for file in PACKAGED.rglob("*"):
        if file.is_file() and file.name != "rows.html":  # it holds macros, which are imported, not extended
            name = file.relative_to(PACKAGED).as_posix()
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f'{{% extends "packaged/{name}" %}}', encoding="utf-8")
    check_templates(folder)
    assert render(edition, TAXONOMY, templates=folder) == render(edition, TAXONOMY)
    assert render_mail(edition, TAXONOMY, MARK, templates=folder) == render_mail(edition, TAXONOMY, MARK)
    for out, templates in (("site", folder), ("as-packaged", None)):
        published = Publication(base="https://example.org/", domain="example.org", templates=templates)
        write_site(store, TAXONOMY, Path(out), published)
    for file in Path("as-packaged").rglob("*"):
        if file.is_file() and not file.name.startswith("."):
            assert Path("site", file.relative_to("as-packaged")).read_bytes() == file.read_bytes(), file


def test_what_papers_say_is_escaped_in_templates_of_ones_own_once(edition: Edition) -> None:
    macro = "{% macro shout(card) %}MARK{{ card.heading }}MARK{% endmacro %}"
    every = "{% for section in page.sections %}{% for card in section.cards %}"
    end = "{% endfor %}{% endfor %}\n"
    folder = own(
        edition_html=f"{macro.replace('MARK', '|')}{every}<p>{{{{ shout(card) }}}}</p>{end}",
        edition_md=f"{macro.replace('MARK', '**')}{every}\n\n{{{{ shout(card) }}}}{end}",
        edition_txt=every + "{{ card.heading }}\n" + end,
    )
    pages = render(edition, TAXONOMY, templates=folder)
    escaped = SHOWN.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<p>|{escaped}|</p>" in pages.html
    assert any(SHOWN in each for each in unescaped(pages.markdown))
    assert SHOWN in pages.text.splitlines()
    for page in (pages.html, pages.markdown, pages.text):
        assert not {"\x07", "\u202e", "\u200b"} & set(page)


def test_a_block_of_the_packaged_page_is_escaped_once(edition: Edition) -> None:
    child = '{{% extends "packaged/edition.{}" %}}{{% block sections %}}{{{{ super() }}}}{{% endblock %}}'
    stored = "{% set all %}{{ super() }}{% endset %}{{ all }}"
    folder = own(
        edition_html=child.format("html"), edition_md=child.format("md").replace("{{ super() }}", stored)
    )
    assert render(edition, TAXONOMY, templates=folder) == render(edition, TAXONOMY)


@pytest.mark.parametrize(
    ("templates", "said"),
    [
        ({"edition_html": "a\n{% blok x %}"}, "edition.html, line 2: Encountered unknown tag 'blok'"),
        ({"edition_html": "\n\n{{ page.titel }}"}, "edition.html, line 3: 'broadsheet.render."),
        ({"edition_md": "\n{{ paper.title }}"}, "edition.md, line 2: 'paper' is undefined"),
        ({"edition_txt": "{% block a %}"}, "edition.txt, line 1: "),
        ({"edition_html": "{{ page.title | safe }}"}, "edition.html, line 1: there is no filter “safe”"),
        ({"edition_md": "{{ page.title | literal }}"}, "edition.md, line 1: there is no filter “literal”"),
        (
            {"card_html": "\n{% autoescape false %}{{ card.heading }}{% endautoescape %}"},
            "card.html, line 2: “autoescape” cannot be changed",
        ),
        ({"edition_html": '\n{% extends "edition.html" %}'}, "edition.html, line 2: it uses itself"),
        ({"edition_html": '{% include "mis.html" %}'}, "edition.html, line 1: there is no template"),
        ({"edition_html": "{{ 1 // 0 }}"}, "edition.html, line 1: "),
        ({"editon_html": "x"}, "editon.html replaces no packaged template"),
        ({"site__base_html": "\n{{ nothing }}"}, "base.html, line 2: 'nothing' is undefined"),
        ({"site__paper_html": "\n{{ page.nothing }}"}, "paper.html, line 2: "),
    ],
)  # fmt: skip
def test_a_wrong_template_is_one_sentence_with_file_and_line_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    made: tuple[Store, Edition],
    templates: dict[str, str],
    said: str,
) -> None:
    own(**templates)
    Path("broadsheet.toml").write_text("templates = 'own'\n")
    command = Command(monkeypatch, capsys)
    (file,) = made[0]._db.execute("SELECT file FROM pragma_database_list").fetchone()
    site = any(name.startswith("site__") for name in templates)
    words = ["site", "--url", "https://example.org"] if site else ["render"]
    assert command(*words, "--db", file, "--out", "out") == 2
    assert said in command.err
    assert command.err.count("\n") == 1
    assert not any(path.is_file() for path in Path("out").rglob("*"))


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_template_that_cannot_be_read_is_one_sentence(edition: Edition, content: bytes | None) -> None:
    folder = own(edition_html="x")
    if content is None:
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        (folder / "edition.html").chmod(0)
    else:
        (folder / "edition.html").write_bytes(content)
    with pytest.raises(ConfigError, match="a template cannot be read, as"):
        render(edition, TAXONOMY, templates=folder)


def test_a_folder_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="There is no folder nowhere; correct the setting “templates”"):
        check_templates(Path("nowhere"))


def test_a_fault_of_a_packaged_template_is_not_blamed_on_the_user() -> None:
    with pytest.raises(Exception, match="'page' is undefined") as caught:
        filled("edition.html", own(edition_md="x"))
    assert not isinstance(caught.value, ConfigError)


def test_own_templates_that_are_used_by_others_may_have_any_name(edition: Edition) -> None:
    folder = own(edition_txt='{% include "parts/pier.txt" %}', parts__pier_txt="Printed on the pier.")
    check_templates(folder)
    assert render(edition, TAXONOMY, templates=folder).text == "Printed on the pier."


def test_the_site_is_made_anew_after_a_template_has_changed(made: tuple[Store, Edition]) -> None:
    store, _ = made
    folder = own(site__error_html="one")
    first = write_site(store, TAXONOMY, Path("site"), Publication(templates=folder))
    assert write_site(store, TAXONOMY, Path("site"), Publication(templates=folder)).written == 0
    own(
        site__moved_html="two",
        site__tag_html='{% extends "packaged/site/tag.html" %}{% block last %}!{% endblock %}',
    )
    second = write_site(store, TAXONOMY, Path("site"), Publication(templates=folder))
    assert 0 < second.written < first.written
