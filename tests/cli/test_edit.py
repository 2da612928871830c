"""Editing: before an edition is published its content changes; afterwards it takes dated corrections only."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import feedparser
import pytest
from markdown_it import MarkdownIt

import broadsheet as package
from broadsheet import Store
from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.deliver.selection import merged
from broadsheet.edition import Edition
from broadsheet.newsletter import Newsletter
from broadsheet.render import Rendered, render
from broadsheet.render.mail import Postmark, render_mail
from broadsheet.site import Publication, write_site
from broadsheet.store.overview import EditionKey
from builders import DAY, add, annotate, annotation, paper, rows, sighting
from editions import TAXONOMY
from in_process import Command

TOMORROW = DAY + timedelta(days=1)
HOSTILE = "<script>alert(1)</script> *bold* [x](javascript:y) \x1b[31m\u202ered\x07\n# {{ 7*7 }} مد"
SHOWN = "<script>alert(1)</script> *bold* [x](javascript:y) [31mred # {{ 7*7 }} مد"
DOCS = Path(package.__file__).parents[2] / "docs" / "newsletters.md"
MARK = Postmark("Broadsheet", "daily", "", "https://example.org/u", "https://example.org/p")
IDS: dict[str, str] = {}


@pytest.fixture
def cache() -> Iterator[Path]:
    """A cache in this folder with ten papers of a day: Paper 9 has the most votes."""
    with Store.open("broadsheet.db") as store:
        fill(store, DAY, "Paper")
    return Path("broadsheet.db")


def fill(store: Store, day: date, name: str) -> None:
    for number in range(10):
        one = paper(f"{name} {number}", sighting=sighting(day, votes=number, rank=10 - number))
        add(store, one)
        annotate(store, one, said=annotation(topics=("graphs" if number % 2 else "robotics",)))
        IDS[one.title] = one.id


def edition_of(cache: Path, day: date = DAY, newsletter: str = "daily") -> Edition:
    with Store.open(cache) as store:
        found = store.editions.get(day, newsletter)
    assert found
    return found


def picked(edition: Edition) -> list[str]:
    return [edition.record_of(pick).title for pick in edition.sections[0].picks]


def publish(cache: Path, day: date = DAY) -> None:
    with Store.open(cache) as store, store.transaction():
        store.editions.publish(day)


def every_format(edition: Edition) -> list[str]:
    """The five renderings of an edition, escapes and line ends taken away."""
    pages, mail = render(edition, TAXONOMY), render_mail(edition, TAXONOMY, MARK)
    unescaped = re.sub(r"\\(?=[^\w\s])", "", pages.markdown)
    return [pages.html, unescaped, " ".join(pages.text.split()), mail.html, " ".join(mail.text.split())]


def test_pinned_papers_come_first_in_the_order_of_their_pins_and_say_why(
    broadsheet: Command, cache: Path
) -> None:
    assert broadsheet("edit", DAY, "--pin", "Paper 2", "--pin", IDS["Paper 1"]) == 0
    assert broadsheet("compose", "--date", DAY) == 0
    edition = edition_of(cache)
    assert picked(edition) == ["Paper 2", "Paper 1"]  # no two by rule share a topic with a pinned one
    assert edition.cards[0].record.title in {"Paper 1", "Paper 2"}
    assert edition.sections[0].picks[0].why == (
        "pinned by the editor",
        "2 votes",
        "code available",
        "no. 3 on the list",
    )
    for page in every_format(edition):
        assert "pinned by the editor, 2 votes, code available, no. 3 on the list" in page
        assert "Papers that the editor pinned come first." in page
    assert broadsheet("edit", DAY, "--unpin", "Paper 2", "--unpin", "Paper 1") == 0
    assert picked(edition_of(cache)) == ["Paper 9", "Paper 8"]


def test_a_pinned_paper_is_told_in_full_however_short_the_newsletter(cache: Path) -> None:
    with Store.open(cache) as store:
        with store.transaction():
            store.edits.pin(EditionKey("daily", DAY), IDS["Paper 0"])
        edition = compose(store, DAY, taxonomy=TAXONOMY, newsletter=Newsletter(top=2)).edition
    assert edition
    assert [card.record.title for card in edition.cards if not card.is_brief] == ["Paper 0", "Paper 9"]
    assert picked(edition) == ["Paper 0"]


def test_a_hidden_paper_is_in_no_edition_of_the_newsletter_until_it_is_shown_again(
    broadsheet: Command, cache: Path
) -> None:
    broadsheet("compose", "--date", DAY)
    assert broadsheet("edit", DAY, "--hide", "Paper 9") == 0
    assert f"broadsheet render --date {DAY}" in broadsheet.err
    assert "Paper 9" not in [card.record.title for card in edition_of(cache).cards]
    with Store.open(cache) as store:
        assert compose(store, TOMORROW, taxonomy=TAXONOMY).edition is None
        other = compose(store, DAY, taxonomy=TAXONOMY, newsletter=Newsletter(name="other")).edition
        assert other
        assert len(other.cards) == 10
        assert store.overview.edition_sizes()[EditionKey("daily", DAY)] == 9
    assert broadsheet("edit", DAY, "--unhide", "Paper 9") == 0
    assert "Paper 9" in [card.record.title for card in edition_of(cache).cards]


def test_a_hidden_paper_makes_later_editions_no_slower(cache: Path) -> None:
    with Store.open(cache) as store:
        with store.transaction():
            store.edits.hide(EditionKey("daily", DAY), IDS["Paper 0"])
        compose(store, DAY, taxonomy=TAXONOMY)
        assert rows(store, "SELECT mark = (SELECT max(rowid) FROM papers) FROM editions") == [(1,)]
        with store.transaction():
            store.edits.unhide(EditionKey("daily", DAY), IDS["Paper 0"])
        assert store.editions.candidates(TOMORROW) == [IDS["Paper 0"]]


def test_an_edition_without_papers_is_gone(broadsheet: Command, cache: Path) -> None:
    broadsheet("compose", "--date", DAY)
    hide = [word for number in range(10) for word in ("--hide", f"Paper {number}")]
    assert broadsheet("edit", DAY, *hide) == 0
    assert "has no paper left" in broadsheet.err
    with Store.open(cache) as store:
        assert store.editions.days() == []


def test_a_note_stands_above_pick_and_card_harmless_and_readable_in_every_format(
    broadsheet: Command, cache: Path
) -> None:
    assert broadsheet("edit", DAY, "--note", "Paper 9", HOSTILE) == 0
    assert broadsheet("edit", DAY, "--note", "Paper 0", "Beside its card.") == 0
    broadsheet("compose", "--date", DAY)
    edition = edition_of(cache)
    pages, mail = render(edition, TAXONOMY), render_mail(edition, TAXONOMY, MARK)
    escaped = SHOWN.replace("<", "&lt;").replace(">", "&gt;")
    assert pages.html.count(f"<b>Editor’s note:</b> <bdi>{escaped}</bdi>") == 2
    assert mail.html.count("Editor’s note:") == 3
    for text in (pages.text, mail.text):
        assert " ".join(text.split()).count(f"Editor’s note: {SHOWN}") == 2
    inlines = [token for token in MarkdownIt("commonmark").parse(pages.markdown) if token.type == "inline"]
    told = ["".join(child.content for child in token.children or []) for token in inlines]
    assert sum(f"Editor’s note: {SHOWN}" in each for each in told) == 2
    for page in (pages.html, pages.markdown, pages.text, mail.html, mail.text):
        assert not {"\x1b", "\x07", "\u202e"} & set(page)
        assert "Beside its card." in page
        assert "<script" not in re.sub(r"\\.", "", page) or page in {pages.text, mail.text}
    assert broadsheet("edit", DAY, "--no-note", "Paper 9") == 0
    assert "alert" not in render(edition_of(cache), TAXONOMY).text


def test_the_list_shows_what_was_asked_for_each_paper(broadsheet: Command, cache: Path) -> None:
    broadsheet("edit", DAY, "--list")
    assert broadsheet.out == f"The edition of {DAY} has no edits.\n"
    broadsheet("edit", DAY, "--pin", "Paper 1", "--hide", "Paper 2", "--note", "Paper 1", "Read this.")
    broadsheet("edit", DAY, "--list", "--json")
    assert json.loads(broadsheet.out) == [
        {"id": IDS["Paper 1"], "title": "Paper 1", "pin": 1, "hidden": False, "note": "Read this."},
        {"id": IDS["Paper 2"], "title": "Paper 2", "pin": None, "hidden": True, "note": ""},
    ]
    broadsheet("edit", DAY, "--list")
    assert broadsheet.out == (
        f"{IDS['Paper 1']}  Paper 1  [pinned 1]\n    Read this.\n{IDS['Paper 2']}  Paper 2  [hidden]\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "There is nothing to edit"),
        (["--pin", "Nowhere"], "No paper in the cache answers"),
        (["--pin", "Later 1"], "“Later 1” is not in the edition of 2026-01-05; name one of its papers."),
        (["--note", "Paper 1", " \x1b "], "--note takes 1 to 1,000 characters"),
        (["--note", "Paper 1", "x" * 1_001], "--note takes 1 to 1,000 characters"),
        (["--paper", "Paper 1"], "add --correction"),
        (["--correction", "Sorry."], "There is no published edition of 2026-01-05"),
        (["--newsletter", "none"], "There is no newsletter “none”"),
    ],
)
def test_what_cannot_be_edited_is_one_sentence_and_changes_nothing(
    broadsheet: Command, cache: Path, words: list[str], said: str
) -> None:
    with Store.open(cache) as store:
        fill(store, TOMORROW, "Later")
    hide = ["--hide", "Paper 3"] if words[:1] in (["--pin"], ["--note"]) else []
    assert broadsheet("edit", DAY, *hide, *words) == 2
    assert said in broadsheet.err
    assert broadsheet.err.count("\n") == 1
    with Store.open(cache) as store:
        assert rows(store, "SELECT * FROM edits") == []


def test_a_published_edition_takes_no_edit(broadsheet: Command, cache: Path) -> None:
    broadsheet("compose", "--date", DAY, "--publish")
    for words in (["--pin", "Paper 1"], ["--hide", "Paper 1"], ["--note", "Paper 1", "x"]):
        assert broadsheet("edit", DAY, *words) == 2
        assert f"broadsheet edit {DAY} --correction" in broadsheet.err


def without(page: str, line: str) -> str:
    """A page without the lines that hold some words, and the empty one before each."""
    return re.sub(rf"\n*[^\n]*{re.escape(line)}[^\n]*", "", page)


def lines_added(before: Rendered, after: Rendered, words: str) -> None:
    """Check that three pages are as they were but for a line with these words."""
    assert without(after.html, words) == before.html
    assert re.sub(r"\n+", "\n", without(after.markdown, words)) == re.sub(r"\n+", "\n", before.markdown)
    assert re.sub(r"\n+", "\n", without(after.text, words)) == re.sub(r"\n+", "\n", before.text)


def test_a_correction_is_a_dated_line_in_every_format_and_the_rest_stays_byte_for_byte(
    broadsheet: Command, cache: Path
) -> None:
    broadsheet("compose", "--date", DAY, "--publish")
    before = render(edition_of(cache), TAXONOMY)
    with Store.open(cache) as store:
        row = rows(store, "SELECT * FROM editions")
    assert broadsheet("edit", DAY, "--correction", "Tides!", "--paper", "Paper 9") == 0
    of_paper = edition_of(cache)
    lines_added(before, render(of_paper, TAXONOMY), "Tides!")
    assert broadsheet("edit", DAY, "--correction", "Ebbs!") == 0
    of_all = edition_of(cache)
    lines_added(render(of_paper, TAXONOMY), render(of_all, TAXONOMY), "Ebbs!")
    for page in every_format(of_all):
        assert len(re.findall(r"Corrected on \w+, \d+ \w+ \d{4}: (?:Tides|Ebbs)!", page)) == 2
    with Store.open(cache) as store:
        assert rows(store, "SELECT * FROM editions") == row
        assert compose(store, DAY, taxonomy=TAXONOMY).edition == of_all


def test_a_hostile_correction_is_text_in_every_format(broadsheet: Command, cache: Path) -> None:
    broadsheet("compose", "--date", DAY, "--publish")
    for about in ([], ["--paper", "Paper 9"]):
        assert broadsheet("edit", DAY, "--correction", HOSTILE, *about) == 0
    html, markdown, text, mail_html, mail_text = every_format(edition_of(cache))
    for page in (html, mail_html):
        assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; *bold* [x](javascript:y) [31mred") == 2
        assert "<script" not in page
    for page in (markdown, text, mail_text):
        assert page.count(SHOWN) == 2


def test_the_next_edition_tells_corrections_once_and_stays_as_it_is(broadsheet: Command, cache: Path) -> None:
    broadsheet("compose", "--date", DAY, "--publish")
    broadsheet("edit", DAY, "--correction", "It is five.", "--paper", "Paper 9")
    with Store.open(cache) as store:
        fill(store, TOMORROW, "Later")
        first = compose(store, TOMORROW, taxonomy=TAXONOMY)
        assert not compose(store, TOMORROW, taxonomy=TAXONOMY).changed
        fill(store, TOMORROW + timedelta(days=1), "Latest")
        second = compose(store, TOMORROW + timedelta(days=1), taxonomy=TAXONOMY)
        assert store.editions.get(TOMORROW) == first.edition
    assert first.edition
    assert second.edition
    for page in every_format(first.edition):
        assert "Correction. “Paper 9” in the edition of Monday, 5 January 2026: It is five." in page
    assert "It is five." not in render(second.edition, TAXONOMY).html


def test_readers_of_a_week_get_each_correction_once(broadsheet: Command, cache: Path) -> None:
    broadsheet("compose", "--date", DAY, "--publish")
    broadsheet("edit", DAY, "--correction", "It is five.", "--paper", "Paper 9")
    broadsheet("edit", DAY, "--correction", "It is six.")
    with Store.open(cache) as store:
        fill(store, TOMORROW, "Later")
        compose(store, TOMORROW, taxonomy=TAXONOMY)
    both = [edition_of(cache, day) for day in (DAY, TOMORROW)]
    for page in every_format(merged(both)):
        assert page.count("It is five.") == page.count("It is six.") == 1
    for page in every_format(merged(both[1:])):
        assert page.count("It is five.") == page.count("It is six.") == 1


def test_a_correction_reaches_the_papers_page_and_the_feeds_of_the_site(
    broadsheet: Command, cache: Path
) -> None:
    published = Publication(base="https://example.org/", domain="example.org")
    broadsheet("compose", "--date", DAY, "--publish")
    with Store.open(cache) as store:
        write_site(store, TAXONOMY, Path("site"), published)
    broadsheet("edit", DAY, "--correction", "It is <five>.", "--paper", "Paper 9")
    with Store.open(cache) as store:
        report = write_site(store, TAXONOMY, Path("site"), published)
    assert 0 < report.written <= 10
    for page in ("index.html", f"issue/{DAY}.html", f"p/{IDS['Paper 9']}.html"):
        assert "It is &lt;five&gt;." in Path("site", page).read_text()
    for feed in ("feed.atom", "feed.json", "tag/graphs/feed.atom"):
        assert "It is" in Path("site", feed).read_text()
    entries = feedparser.parse(Path("site/feed.atom").read_text()).entries
    (entry,) = [each for each in entries if each.title == "Paper 9"]
    assert "It is &lt;five&gt;." in entry.content[0].value


@pytest.mark.skipif(not DOCS.exists(), reason="the page stands in the checkout only")
def test_the_page_on_newsletters_works_as_it_stands(broadsheet: Command) -> None:
    page = DOCS.read_text(encoding="utf-8")
    assert broadsheet("run", "sample", "--date", DAY, "--engine", "extractive", "--quiet") == 0
    edits, corrections = re.findall(r"^```sh\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    for block in (edits, "broadsheet compose --date 2026-01-05 --publish", corrections):
        for line in block.splitlines():
            assert broadsheet(*shlex.split(line)[1:]) == 0, (line, broadsheet.err)
    assert len(edition_of(Path("broadsheet.db")).cards) == 27
    told = render(edition_of(Path("broadsheet.db")), TAXONOMY).markdown
    assert told.count("Corrected on ") == 3
    assert "Code: none." in told
    (toml,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    Path("broadsheet.toml").write_text(toml)
    (newsletter,) = Settings.load().newsletters
    assert newsletter.title == "Robots on Monday"


def test_edits_go_to_the_newsletter_that_is_named(broadsheet: Command, cache: Path) -> None:
    Path("broadsheet.toml").write_text("[newsletter.graphs]\ntag = 'graphs'\n[newsletter.all]\n")
    assert broadsheet("edit", DAY, "--hide", "Paper 9") == 2
    assert "--newsletter; there is graphs, all." in broadsheet.err
    assert broadsheet("edit", DAY, "--newsletter", "graphs", "--hide", "Paper 9") == 0
    assert broadsheet("edit", DAY, "--newsletter", "graphs", "--pin", "Paper 8") == 2
    broadsheet("compose", "--date", DAY)
    sizes = [len(edition_of(cache, DAY, name).cards) for name in ("graphs", "all")]
    assert sizes == [4, 10]


def test_nothing_is_edited_where_the_edition_cannot_be_read(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Command(monkeypatch, capsys)
    assert command("compose", "--date", str(DAY)) == 0
    with closing(sqlite3.connect(cache, isolation_level=None)) as db:
        db.execute("UPDATE editions SET edition = '{'")
    assert command("edit", str(DAY), "--pin", "Paper 3") == 2
    with Store.open(cache) as store:
        assert not store.edits.of(EditionKey("daily", DAY))
