"""Writes the invented papers as services and tools do, with the fields that we do not read.

A writer returns the text of a file.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from foreign_papers import PAPERS, Invented


def milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)


def _sentence(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _lines(objects: Sequence[Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def arxiv_snapshot() -> str:
    return _lines(
        [
            {
                "id": one.arxiv,
                "submitter": one.authors[0],
                "authors": _sentence(one.authors),
                "title": one.title.replace(": ", ":\n  "),
                "comments": one.comment or None,
                "journal-ref": "J. Fog 3 (2025) 1-9" if one.key == "k05" else None,
                "doi": one.doi or None,
                "report-no": None,
                "categories": "cs.RO cs.LG",
                "license": None,
                "abstract": f"  {one.abstract.replace('. ', '.' + chr(10))}\n",
                "versions": [
                    {
                        "version": f"v{n}",
                        "created": f"{one.published:%a, %d %b %Y} 19:18:42 GMT".replace(", 0", ", "),
                    }
                    for n in range(1, (one.version or 1) + 1)
                ],
                "update_date": "2026-02-01",
                "authors_parsed": [[family, given, suffix] for given, family, suffix in one.people],
            }
            for one in PAPERS
            if one.arxiv
        ]
    )


def _external(one: Invented, *, lower: bool) -> dict[str, Any]:
    ids = {
        "MAG": None,
        "ACL": None,
        "DBLP": "journals/fog/1",
        "ArXiv": one.arxiv or None,
        "DOI": one.doi or None,
        "CorpusId": 7 if lower else "7",
    }
    return {name.lower() if lower else name: value for name, value in ids.items()}


def s2_bulk() -> str:
    return _lines(
        [
            {
                "corpusid": 250000 + number,
                "externalids": _external(one, lower=True),
                "url": f"https://www.semanticscholar.org/paper/{one.key}",
                "title": one.title,
                "abstract": one.abstract or None,
                "authors": [{"authorId": "1", "name": name} for name in one.authors],
                "venue": "Fog",
                "publicationvenueid": None,
                "year": one.published.year,
                "referencecount": 3,
                "citationcount": 0,
                "isopenaccess": True,
                "s2fieldsofstudy": [{"category": "Computer Science", "source": "external"}],
                "publicationtypes": None,
                "publicationdate": f"{one.published}",
                "journal": {"name": "ArXiv", "volume": "abs"},
            }
            for number, one in enumerate(PAPERS)
        ]
    )


def s2_search() -> str:
    data = [
        {
            "paperId": one.key * 13,
            "externalIds": _external(one, lower=False),
            "title": one.title,
            "abstract": one.abstract or None,
            "year": one.published.year,
            "publicationDate": f"{one.published}",
            "openAccessPdf": {
                "url": f"https://fog.example.org/{one.key}.pdf",
                "status": "GREEN",
                "license": None,
            },
            "tldr": {"model": "tldr@v2.0.0", "text": f"A model's words on {one.key}."},
            "authors": [{"authorId": "1", "name": name} for name in one.authors],
        }
        for one in PAPERS
    ]
    return json.dumps({"total": 12, "offset": 0, "next": 12, "data": data})


def _inverted(abstract: str) -> dict[str, list[int]] | None:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(abstract.split()):
        index.setdefault(word, []).append(place)
    return dict(sorted(index.items())) or None


def _work(one: Invented) -> dict[str, Any]:
    doi = f"https://doi.org/{one.doi}" if one.doi else None
    if not one.doi and one.key in {"k02", "k12"}:
        doi = f"https://doi.org/10.48550/arxiv.{one.arxiv}"
    landing = f"http://arxiv.org/abs/{one.arxiv}" if one.arxiv else doi
    place = {"is_oa": True, "landing_page_url": landing, "pdf_url": None, "source": {"display_name": "arXiv"}}
    return {
        "id": f"https://openalex.org/W{one.key}",
        "doi": doi,
        "title": one.title,
        "display_name": one.title,
        "publication_year": one.published.year,
        "publication_date": f"{one.published}",
        "ids": {"openalex": f"https://openalex.org/W{one.key}", "doi": doi},
        "language": "en",
        "primary_location": {"landing_page_url": f"https://fog.example.org/{one.key}", "source": None},
        "locations": [{"landing_page_url": "https://fog.example.org/x", "source": None}, place],
        "authorships": [
            {
                "author_position": "first",
                "author": {"id": "https://openalex.org/A1", "display_name": name, "orcid": None},
                "institutions": [{"display_name": "Dock"}],
                "raw_author_name": name.upper(),
            }
            for name in one.authors
        ],
        "abstract_inverted_index": _inverted(one.abstract),
        "cited_by_count": 0,
        "related_works": [],
        "counts_by_year": [{"year": 2025, "cited_by_count": n} for n in range(30)],
    }


def openalex_api() -> str:
    meta = {"count": 12, "db_response_time_ms": 9, "page": 1, "per_page": 25, "groups_count": None}
    return json.dumps({"meta": meta, "results": [_work(one) for one in PAPERS], "group_by": []})


def openalex_jsonl() -> str:
    return _lines([_work(one) for one in PAPERS])


def _note(one: Invented, *, second: bool) -> dict[str, Any]:
    def wrapped(value: Any) -> Any:
        return {"value": value} if second else value

    content = {
        "title": wrapped(one.title),
        "authors": wrapped(list(one.authors)),
        "authorids": wrapped([f"~{one.key}1"]),
        "keywords": wrapped(["fog"]),
        "pdf": wrapped("/pdf/1.pdf"),
        "venue": wrapped("FogConf 2025"),
        "venueid": wrapped("FogConf.cc/2025/Conference"),
        "TLDR" if second else "one-sentence_summary": wrapped(f"In short, {one.key}."),
        **({"abstract": wrapped(one.abstract)} if one.abstract else {}),
    }
    noted = {
        "id": one.key,
        "forum": one.key,
        "number": 7,
        "cdate": milliseconds(one.published),
        "tcdate": 1,
        "tmdate": 2,
        "mdate": None,
        "ddate": None,
        "replyto": None,
        "readers": ["everyone"],
        "signatures": ["FogConf.cc"],
        "content": content,
    }
    day = milliseconds(one.published)
    if one.key == "k01":  # created long before it was made public
        noted |= {"cdate": day - 10**10, "pdate": day}
    return noted | (
        {"invitations": ["FogConf.cc/-/Submission"]} if second else {"invitation": "FogConf.cc/-/Blind"}
    )


def openreview_v1() -> str:
    return json.dumps({"notes": [_note(one, second=False) for one in PAPERS], "count": 12})


def openreview_v2() -> str:
    review = {
        "id": "r1",
        "forum": "k01",
        "replyto": "k01",
        "invitations": ["FogConf.cc/Submission7/-/Official_Review"],
        "content": {"title": {"value": "Official Review"}, "rating": {"value": 3}},
    }
    return json.dumps(
        {"notes": [*(_note(one, second=True) for one in PAPERS), review], "count": 13}, indent=2
    )


def _jats(abstract: str) -> str:
    paragraphs = (
        html.escape(abstract, quote=False).replace("fog", "<jats:italic>fog</jats:italic>").split("\n\n")
    )
    return "<jats:title>Abstract</jats:title>" + "".join(
        f"\n   <jats:p>{part}</jats:p>" for part in paragraphs
    )


def crossref() -> str:
    works = [
        {
            "indexed": {"date-parts": [[2026, 1, 2]], "timestamp": 1},
            "reference-count": 3,
            "publisher": "Fog Press",
            "DOI": one.doi.upper() or f"10.48550/arXiv.{one.arxiv}",
            "type": "journal-article",
            "source": "Crossref",
            "created": {"date-parts": [[2026, 1, 1]], "date-time": "2026-01-01T00:00:00Z"},
            "title": [html.escape(one.title, quote=False)],
            "container-title": ["Journal of Fog"],
            "short-title": [],
            **({"abstract": _jats(one.abstract)} if one.abstract else {}),
            "author": [
                {
                    "given": given,
                    "family": family,
                    **({"suffix": suffix} if suffix else {}),
                    "sequence": "first",
                    "affiliation": [],
                }
                for given, family, suffix in one.people
            ],
            "issued": {"date-parts": [[one.published.year, one.published.month, one.published.day]]},
            "URL": f"https://doi.org/{one.doi or '10.48550/arXiv.' + one.arxiv}",
            "reference": [{"key": "1", "unstructured": "A paper."}] * 20,
        }
        for one in PAPERS
    ]
    message = {
        "facets": {},
        "total-results": 12,
        "items": works,
        "items-per-page": 20,
        "query": {"start-index": 0, "search-terms": "fog"},
    }
    return json.dumps(
        {"status": "ok", "message-type": "work-list", "message-version": "1.0.0", "message": message}
    )


def csl_json() -> str:
    return json.dumps(
        [
            {
                "id": f"http://zotero.org/users/1/items/{one.key}",
                "type": "article-journal",
                "title": one.title,
                "container-title": "Journal of Fog",
                "language": "en",
                "source": "arXiv.org",
                **({"abstract": one.abstract} if one.abstract else {}),
                **({"DOI": one.doi} if one.doi else {}),
                **({"number": f"arXiv:{one.arxiv}"} if one.arxiv and not one.comment else {}),
                **({"note": f"arXiv:{one.arxiv} [cs]\n{one.comment}"} if one.comment else {}),
                "URL": f"https://fog.example.org/{one.key}",
                "author": [
                    {"family": family, "given": given, **({"suffix": suffix} if suffix else {})}
                    for given, family, suffix in one.people
                ],
                "accessed": {"date-parts": [["2026", 1, 2]]},
                "issued": {"date-parts": [[str(one.published.year), one.published.month, one.published.day]]},
            }
            for one in PAPERS
        ],
        indent="\t",
        ensure_ascii=False,
    )


_ZOTERO = [
    "Key",
    "Item Type",
    "Publication Year",
    "Author",
    "Title",
    "Publication Title",
    "ISBN",
    "ISSN",
    "DOI",
    "Url",
    "Abstract Note",
    "Date",
    "Date Added",
    "Date Modified",
    "Access Date",
    "Pages",
    "Num Pages",
    "Issue",
    "Volume",
    "Number Of Volumes",
    "Journal Abbreviation",
    "Short Title",
    "Series",
    "Series Number",
    "Series Text",
    "Series Title",
    "Publisher",
    "Place",
    "Language",
    "Rights",
    "Type",
    "Archive",
    "Archive Location",
    "Library Catalog",
    "Call Number",
    "Extra",
    "Notes",
    "File Attachments",
    "Link Attachments",
    "Manual Tags",
    "Automatic Tags",
    "Editor",
    "Version",
    "Conference Name",
]


def _table(header: Sequence[str], rows: Sequence[dict[str, str]], **options: Any) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header, restval="", **options)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def zotero_csv() -> str:
    rows = [
        {
            "Key": one.key,
            "Item Type": "preprint" if one.arxiv else "journalArticle",
            "Publication Year": str(one.published.year),
            "Title": one.title,
            "Publication Title": "Journal of Fog",
            "Author": "; ".join(
                f"{family}, {given}{', ' + suffix if suffix else ''}" for given, family, suffix in one.people
            ),
            "DOI": one.doi,
            "Url": f"https://fog.example.org/{one.key}",
            "Abstract Note": one.abstract,
            "Date": f"{one.published}",
            "Date Added": "2026-02-03 04:05:06",
            "Language": "en",
            "Library Catalog": "arXiv.org",
            "Extra": f"arXiv:{one.arxiv} [cs]\nCitation Key: {one.key}2025" if one.arxiv else "",
            "Notes": "<p>Read again; on Monday</p>"
            + (f"; <p>Comment: {html.escape(one.comment)}</p>" if one.comment else ""),
            "File Attachments": f"/home/ada/Zotero/{one.key}.pdf",
            "Manual Tags": "fog; harbour",
        }
        for one in PAPERS
    ]
    return "\ufeff" + _table(_ZOTERO, rows, quoting=csv.QUOTE_ALL)


def zotero_ris() -> str:
    records = []
    for one in PAPERS:
        lines = [
            "TY  - JOUR",
            f"TI  - {one.title}",
            *(
                f"AU  - {family}, {given}{', ' + suffix if suffix else ''}"
                for given, family, suffix in one.people
            ),
            "T2  - Journal of Fog",
            *([f"AB  - {' '.join(one.abstract.split())}"] if one.abstract else []),
            f"DA  - {one.published:%Y/%m/%d}/",
            f"PY  - {one.published.year}",
            *([f"DO  - {one.doi}"] if one.doi else []),
            *([f"N1  - {one.comment}"] if one.comment else []),
            f"UR  - https://{f'arxiv.org/abs/{one.arxiv}' if one.arxiv else 'fog.example.org/' + one.key}",
            "UR  - https://mirror.example.org/x",
            "Y2  - 2026/01/02/12:00:00",
            "KW  - fog",
            "KW  - harbour",
            "ER  - ",
        ]
        records.append("\r\n".join(lines) + "\r\n\r\n")
    return "".join(records)


def bibtex() -> str:
    def entry(number: int, one: Invented) -> str:
        names = [
            f"{family}, {f'{suffix}, ' if suffix else ''}{given}" for given, family, suffix in one.people
        ]
        month = f"{one.published:%b}".lower() if number % 2 else f"{{{one.published:%B}}}"
        fields = {
            "title": f"{{{one.title.replace('&', chr(92) + '&')}}}",
            "author": f"{{{' and '.join(names)}}}",
            **({"abstract": f"{{{one.abstract.replace('&', chr(92) + '&')}}}"} if one.abstract else {}),
            "journal": "fogj",
            "year": str(one.published.year),
            "month": month,
            **({"eprint": f"{{{one.arxiv}}}", "archiveprefix": "{arXiv}"} if one.arxiv else {}),
            **({"doi": f"{{{one.doi}}}"} if one.doi else {}),
            **({"note": f"{{{one.comment}}}"} if one.comment else {}),
        }
        return (
            f"@article{{{one.key},\n"
            + ",\n".join(f"  {name} = {value}" for name, value in fields.items())
            + "\n}\n"
        )

    head = '@string{fogj = "Journal of Fog"}\n@comment{jabref-meta: databaseType:bibtex;}\n'
    volume = "@proceedings{fogconf, title = {Proceedings of FogConf}, year = 2025}\n"
    return head + volume + "\n".join(entry(number, one) for number, one in enumerate(PAPERS))


def conference_csv(title_column: str) -> str:
    rows = [
        {
            "paper_id": one.key,
            "session": "Fog, and more",
            "type": "Oral",
            title_column: one.title,
            "Authors": ", ".join(one.authors),
            "Abstract": one.abstract,
        }
        for one in PAPERS
    ]
    return _table(["paper_id", "session", "type", title_column, "Authors", "Abstract"], rows)


WRITERS: dict[str, Callable[[], str]] = {
    one.__name__: one
    for one in (
        arxiv_snapshot,
        s2_bulk,
        s2_search,
        openalex_api,
        openalex_jsonl,
        openreview_v1,
        openreview_v2,
        crossref,
        csl_json,
        zotero_csv,
        zotero_ris,
        bibtex,
    )
}
