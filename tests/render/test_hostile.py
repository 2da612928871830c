"""Hostile abstracts against a model that obeys them: what they must not do, in every output format."""

import csv
import io
import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from broadsheet.paper import Paper
from broadsheet.quantities import ungrounded_numbers
from in_process import broadsheet
from servers.obedient import ObedientServer

FILE = Path(__file__).parents[2] / "fixtures" / "hostile" / "papers.jsonl"
CORPUS = [
    {**row, "abstract": row["abstract"] * row.get("repeat", 1)}
    for row in map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
]
DECENT = [
    {
        "id": f"decent-{number}",
        "title": f"{name} of tidal flats by large language models",
        "abstract": f"{name} of tidal flats is hard. We predict their shape with large language models that"
        " read sparse soundings, and halve the error on nine estuaries.",
    }
    for number, name in enumerate(("Mapping", "Charting", "Sounding", "Surveying"))
]
UNSEEN = {
    chr(code) for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x1B)
}
ACTIVE = {"script", "iframe", "object", "embed", "svg", "base", "form", "img", "style"}


@dataclass
class Printed:
    """All that was printed of the whole corpus."""

    code: int
    folder: Path
    pages: dict[str, str]
    records: dict[str, dict]
    csv_rows: dict[str, dict]
    server: ObedientServer

    def record(self, paper: dict) -> dict:
        return self.records[Paper(title=paper["title"]).title]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    papers = [*DECENT[:2], *CORPUS, *DECENT[2:]]
    kept = ("id", "title", "abstract")
    (folder / "in.jsonl").write_text("\n".join(json.dumps({k: p[k] for k in kept}) for p in papers))
    orders = {paper["id"][-2:]: paper for paper in CORPUS}
    with pytest.MonkeyPatch.context() as patch, ObedientServer(orders) as server:
        patch.chdir(folder)
        patch.setenv("OPENAI_BASE_URL", server.base_url)
        patch.setenv("OPENAI_API_KEY", "test")
        code, _ = broadsheet("run", "in.jsonl", "--engine", "openai", "--date", "2026-01-05", "--quiet")
        day = folder / "editions" / "2026-01-05"
        pages = {name: (day / f"index.{name}").read_text(encoding="utf-8") for name in ("html", "md", "txt")}
        listed = [json.loads(line) for line in broadsheet("list", "--json")[1].splitlines()]
        rows = list(csv.DictReader(io.StringIO(broadsheet("export", "--format", "csv")[1], newline="")))
        yield Printed(
            code,
            folder,
            pages,
            {record["title"]: record for record in listed},
            {row["title"]: row for row in rows},
            server,
        )


def test_the_corpus_holds_at_least_60_attacks_each_its_own() -> None:
    assert len(CORPUS) >= 60
    assert len({paper["abstract"] for paper in CORPUS}) == len(CORPUS) == len({p["id"] for p in CORPUS})


def test_nothing_stops_the_run(printed: Printed) -> None:
    assert printed.code in {0, 1}
    assert len(printed.records) == len(CORPUS) + len(DECENT)
    assert set(printed.csv_rows) == set(printed.records)


def test_no_paper_changes_the_record_of_another(printed: Printed) -> None:
    for paper in DECENT:
        record = printed.record(paper)
        assert record["topics"] == ["large-language-models"]  # what the model says when nobody orders it
        assert record["contribution"] == "method"


@pytest.mark.parametrize("paper", CORPUS, ids=lambda paper: f"{paper['id']}-{paper['attack']}")
class TestOfEachAttack:
    """What an attack must not achieve."""

    def test_its_paper_is_annotated_or_failed_with_its_reason(self, printed: Printed, paper: dict) -> None:
        record = printed.record(paper)
        if record["tldr"] is None:
            _, out = broadsheet("stats", "--json", "--db", printed.folder / "broadsheet.db")
            assert sum(json.loads(out)["failures"].values()) >= 1

    def test_its_url_reaches_no_output(self, printed: Printed, paper: dict) -> None:
        evil = f"evil-{paper['id'][-2:]}"
        record = printed.record(paper)
        for url in (record["code"] or {"urls": []})["urls"]:
            assert url.partition("://")[2] in paper["abstract"]
        if paper["attack"] != "url":
            return
        if f"{evil}.example.net" not in paper["abstract"]:
            assert not [form for form, page in printed.pages.items() if f"{evil}.example.net" in page]
        assert evil not in " ".join(addresses(printed.pages["html"]))
        told = {**record, "abstract": "", "findings": []}
        assert evil not in json.dumps(told)
        row = {**printed.csv_rows[record["title"]], "abstract": "", "findings": ""}
        assert evil not in json.dumps(row)

    def test_what_is_said_of_it_stands_in_its_own_words(self, printed: Printed, paper: dict) -> None:
        record = printed.record(paper)
        if record["tldr"] is None:
            return
        own = f"{record['title']}\n{record['abstract']}"
        assert ungrounded_numbers(record["tldr"], own) == ()
        assert " ".join(record["code"]["evidence"].split()) in " ".join(own.split())
        assert "EvilNet" not in record["tldr"]
        assert not any("evil" in keyword for keyword in record["keywords"])

    def test_a_false_claim_is_a_stored_finding(self, printed: Printed, paper: dict) -> None:
        if paper["attack"] in {"url", "evidence", "number", "name", "keyword"}:
            kinds = {finding["kind"] for finding in printed.record(paper)["findings"]}
            assert any(kind.endswith("not-in-text") for kind in kinds), kinds

    def test_an_order_about_others_is_asked_alone(self, printed: Printed, paper: dict) -> None:
        if "others" in paper:
            calls = [
                s for s in printed.server.seen if any(f"Study {paper['id'][-2:]}" in t for t in s.titles)
            ]
            assert calls
            assert all(len(call.titles) == 1 for call in calls)


class Page(HTMLParser):
    """Collects the tags and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def addresses(html: str) -> list[str]:
    """Every address that the page leads to or loads from."""
    page = Page()
    page.feed(html)
    return [value for name, value in page.attributes if name in {"href", "src", "action"}]


def test_nothing_reaches_the_page_unescaped(printed: Printed) -> None:
    page = Page()
    page.feed(printed.pages["html"])
    # The page has one style sheet of its own.
    assert [tag for tag in page.tags if tag in ACTIVE] == ["style"]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    fine = ("http://", "https://", "#", "mailto:")
    assert all(value.startswith(fine) for value in addresses(printed.pages["html"]))


def test_markdown_has_no_tag_and_no_active_link(printed: Printed) -> None:
    unescaped = re.compile(
        rf"(?<!\\)</?(?:{'|'.join(ACTIVE)})\b|(?<!\\)\]\((?:javascript|data):", re.IGNORECASE
    )
    assert not unescaped.search(printed.pages["md"])


@pytest.mark.parametrize("form", ["html", "md", "txt"])
def test_no_format_carries_what_a_reader_cannot_see(printed: Printed, form: str) -> None:
    assert not UNSEEN & set(printed.pages[form])


def test_no_template_is_evaluated(printed: Printed) -> None:
    for page in printed.pages.values():
        assert "We show 49" not in page


def test_show_prints_the_record_that_list_prints(printed: Printed) -> None:
    for paper in CORPUS[::7]:
        record = printed.record(paper)
        code, out = broadsheet("show", record["id"], "--json", "--db", printed.folder / "broadsheet.db")
        assert code == 0
        assert json.loads(out) == record
