"""A model that lies in every way: nothing false is printed, each lie is a finding, no paper is lost."""

import json
from pathlib import Path

import pytest

from in_process import broadsheet
from servers.openai_server import ECHO_WORDS, OpenAIServer, answer_from, table_of

GOLD = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "fixtures/gold/reference.jsonl").read_text().splitlines()
]
EVIL = "https://invented.example.net/x"
FALSE_TLDR = "A method that nobody has tried before beats the others by 77.7% and is 88 times faster."


class LyingServer(OpenAIServer):
    """Spoils honest records with one kind of lie."""

    def __init__(self, lie) -> None:
        super().__init__(answer_from(table_of(GOLD)))
        self.lie = lie

    def _message(self, papers, seen, body):
        honest = [
            {"ref": int(paper.ref), "echo": " ".join(paper.title.split()[:ECHO_WORDS]), **self.answer(paper)}
            for paper in papers
        ]
        told = json.dumps({"papers": self.lie(honest)})
        return {"role": "assistant", "content": told, "refusal": None}, "stop"


def invents_urls(records):
    return [{**r, "code": {**r["code"], "urls": [EVIL]}} for r in records]


def invents_code(records):
    code = {"status": "available", "evidence": "Everything is on the invented site", "urls": [EVIL]}
    return [{**record, "code": code} for record in records]


def adds_numbers(records):
    return [{**record, "tldr": FALSE_TLDR} for record in records]


def swaps_answers(records):
    """Each paper gets the answer of the next, under its own ref."""
    said = [{k: v for k, v in r.items() if k not in {"ref", "echo"}} for r in records]
    turned = said[1:] + said[:1]
    return [{"ref": r["ref"], "echo": r["echo"], **other} for r, other in zip(records, turned, strict=True)]


def swaps_refs(records):
    refs = [record["ref"] for record in records]
    return [{**r, "ref": ref} for r, ref in zip(records, refs[1:] + refs[:1], strict=True)]


def answers_what_was_not_asked(records):
    stranger = {**records[0], "ref": "P99", "echo": "Nobody asked this", "tldr": FALSE_TLDR}
    return [*records, stranger]


def leaves_papers_out(records):
    return records[1:]


def says_nothing(records):
    return []


LIES = (
    invents_urls,
    invents_code,
    adds_numbers,
    swaps_answers,
    swaps_refs,
    answers_what_was_not_asked,
    leaves_papers_out,
    says_nothing,
)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_nothing_false_is_printed_and_no_paper_is_lost(lie, monkeypatch, tmp_path) -> None:
    papers = [{name: each[name] for name in ("id", "title", "abstract")} for each in GOLD]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, papers)))
    with LyingServer(lie) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        code, _ = broadsheet("run", "in.jsonl", "--engine", "openai", "--date", "2026-01-05", "--quiet")
    day = tmp_path / "editions" / "2026-01-05"
    records = [json.loads(line) for line in broadsheet("list", "--json")[1].splitlines()]
    failures = json.loads(broadsheet("stats", "--json")[1])["failures"]
    assert len(records) == len(GOLD)
    assert all(record["tldr"] for record in records)  # what the model did not annotate, rules did
    annotated = [record for record in records if record["engine"] == "openai"]
    assert len(annotated) + sum(failures.values()) == len(GOLD)
    assert code == (1 if failures else 0)

    abstracts = {each["title"]: each["abstract"] for each in GOLD}
    for record in annotated:
        own = abstracts[record["title"]]
        assert all(url.partition("://")[2] in own for url in record["code"]["urls"])
        assert record["code"]["evidence"] in own
        assert "77.7" not in record["tldr"]
    without_findings = json.dumps([{**record, "findings": []} for record in records])
    for page in (without_findings, *(page.read_text() for page in day.glob("index.*"))):
        assert "invented" not in page
        assert "77.7" not in page
        assert "88 times" not in page
    if lie in {invents_urls, invents_code, adds_numbers}:
        assert all(record["findings"] for record in annotated)
    if lie is says_nothing:
        assert sum(failures.values()) == len(GOLD)
        assert all(reason for reason in failures)
    else:
        assert annotated
