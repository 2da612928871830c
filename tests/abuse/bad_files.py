"""Sixty bad files, made from a seed: what an unlucky operator has and an adversary sends."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SEED = 12
_WORDS = [
    "barge",
    "fog",
    "harbour",
    "heron",
    "kelp",
    "lighthouse",
    "marsh",
    "quay",
    "reed",
    "sand",
    "sluice",
    "tide",
    "tug",
    "weir",
]


@dataclass(frozen=True)
class BadFile:
    """A file, and what the command must say of it.

    Attributes:
        name: What is wrong with it.
        content: Its bytes.
        status: The exit status of ``fetch``.
        papers: How many papers it has that can be read.
        says: What stands on standard error.
    """

    name: str
    content: bytes
    status: int
    papers: int
    says: str


def bad_files() -> Iterator[BadFile]:
    """Yield the files, the same each time."""
    chance = random.Random(SEED)
    records = [
        {
            "title": f"{chance.choice(_WORDS).title()} {number}",
            "abstract": " ".join(chance.choices(_WORDS, k=30)),
        }
        for number in range(40)
    ]
    for make in (_lines, _tables, _references, _entries, _trees, _encodings, _bytes):
        yield from make(records)


Records = list[dict[str, str]]


def _file(name: str, content: str | bytes, status: int, papers: int, says: str) -> BadFile:
    return BadFile(name, content.encode() if isinstance(content, str) else content, status, papers, says)


def _jsonl(records: Records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def _lines(records: Records) -> Iterator[BadFile]:
    good = _jsonl(records)
    no_json = "is skipped: it is not valid JSON"
    yield _file("first line broken", '{"title": "cut\n' + good, 1, 40, f"line 1 {no_json}")
    yield _file("first line a broken list", '[{"title": "cut\n' + good, 1, 40, f"line 1 {no_json}")
    yield _file("first line no JSON", "oops\n" + good, 1, 40, f"line 1 {no_json}")
    yield _file("last line cut", good + '{"title": "cu', 1, 40, f"line 41 {no_json}")
    yield _file("a number among objects", good + "7\n", 1, 40, "line 41 is skipped: it is not a JSON object")
    yield _file("null", good + "null\n", 1, 40, "line 41 is skipped: it is not a JSON object")
    yield _file("no title", good + '{"abstract": "x"}\n', 1, 40, "line 41 is skipped: it has no title")
    yield _file("a title that is an object", good + '{"title": {"a": 1}}\n', 1, 40, "where text was expected")
    yield _file("deep lists in a line", good + "[" * 90_000 + "\n", 1, 40, f"line 41 {no_json}")
    yield _file("an endless number", good + '{"title": ' + "9" * 9000 + "}\n", 1, 40, f"line 41 {no_json}")
    yield _file("a title of a book", good + json.dumps({"title": "x" * 5000}), 1, 40, "its title has 5,000")
    yield _file(
        "an abstract of a library",
        good + json.dumps({"title": "x", "abstract": "y" * 1_000_001}),
        1,
        40,
        "its abstract has 1,000,001 characters",
    )
    yield _file("a hundred broken lines", good + "{\n" * 100, 1, 40, "80 more have such problems")
    yield _file("a lone surrogate", good + '{"title": "Lone \\ud800"}\n', 0, 41, "1 of 41 has no abstract")
    yield _file(
        "a day beyond the calendar", good + '{"title": "x", "date": "2025-02-31", "abstract": "y"}', 0, 41, ""
    )
    yield _file(
        "an escape sequence", good + '{"\\u001b[31m": 1}\n', 1, 40, "line 41 is skipped: it has no title"
    )
    yield _file("deep JSON", "[" * 100_000, 1, 0, "is not valid JSON")
    yield _file("JSON cut off", json.dumps(records, indent=1)[:-5], 1, 0, "is not valid JSON")
    yield _file("JSON with a number", json.dumps([*records, 7]), 1, 40, "record 41 is skipped")
    yield _file("JSON of two lists", json.dumps({"a": records[:20], "b": records[20:]}), 0, 40, "")
    yield _file("an empty list", "[]", 1, 0, "has no papers")
    yield _file("JSON of many values", "[" + "[]," * 2_100_000 + "[]]", 1, 0, "more than 4,000,000 values")


def _csv(records: Records) -> list[str]:
    return [
        "title,abstract,day",
        *(f'{each["title"]},"{each["abstract"]}, and more",2025' for each in records),
    ]


def _tables(records: Records) -> Iterator[BadFile]:
    good = _csv(records)
    torn = [*good[:10], 'Torn,"never closed,2025', *good[10:]]
    quote = "line 11 is skipped: it has a quote without its counterpart"
    yield _file("a quote never closed", "\n".join(torn), 1, 40, quote)
    plain = [line.replace('"', "").replace(", and", " and") for line in torn]
    plain[10] = torn[10]
    yield _file("the only quote never closed", "\n".join(plain), 1, 40, quote)
    yield _file("the last quote never closed", "\n".join([*good, 'Torn,"cut']), 1, 40, "line 42 is skipped")
    yield _file(
        "too many columns", "\n".join([*good, "a,b,c,d"]), 1, 40, "line 42 is skipped: it has 4 columns"
    )
    yield _file("sloppy quotes", "\n".join([*good, 'S,"it says "hi" here",2025']), 0, 41, "")
    yield _file("line ends of old Macs", "\r".join(good), 0, 40, "")
    yield _file("quotes that stay open", "title,abstract\n" + ',"""\n' * 3000, 1, 0, "it has no title")
    yield _file("only a header", good[0], 1, 0, "has no papers")
    yield _file("no title column", "when,where,who\n1,2,3\n", 1, 0, "is a table without a title column")
    yield _file("empty titles", "title,abstract\n,b\n,c\n", 1, 0, "it has no title")
    yield _file(
        "no separators", "title,abstract\n" + "x" * 5000 + ",y", 1, 0, "its title has 5,000 characters"
    )


def _references(records: Records) -> Iterator[BadFile]:
    def ris(end: str) -> str:
        return "".join(f"TY  - JOUR\nTI  - {r['title']}\nAB  - {r['abstract']}\n{end}" for r in records)

    yield _file("RIS without ER", ris(""), 0, 40, "")
    yield _file(
        "RIS with lines between", "Provider: x\n" + ris("ER  - \n"), 0, 40, "left out 1 lines outside"
    )
    yield _file("RIS without TY", ris("ER  - \n") + "TI  - Lost\nER  - \n", 1, 40, "does not begin with TY")
    yield _file("RIS without a title", ris("ER  - \n") + "TY  - JOUR\nER  - \n", 1, 40, "it has no title")
    yield _file("RIS with one space", ris("ER  - \n").replace("  - ", " - "), 0, 40, "")


def _entries(records: Records) -> Iterator[BadFile]:
    good = "".join(
        f"@misc{{k{n}, title={{{r['title']}}}, abstract={{{r['abstract']}}}}}\n"
        for n, r in enumerate(records)
    )
    broken = "is skipped: it is not valid BibTeX"
    yield _file("BibTeX never closed", good + "@misc{x, title={Cut\n" + good, 1, 40, f"line 41 {broken}")
    yield _file("BibTeX without a key", good + "@misc{title={X}, year=1}", 1, 40, f"line 41 {broken}")
    yield _file("BibTeX without @", good + "\nmisc{b,\ntitle = {B}}\n", 1, 40, "no @type{key")
    yield _file("BibTeX cut off", good[:-10], 1, 39, f"line 40 {broken}")
    yield _file("BibTeX of braces", "@misc{a,title=" + "{" * 50_000, 1, 0, "has no papers")


def _trees(records: Records) -> Iterator[BadFile]:
    entries = "".join(
        f"<entry><title>{r['title']}</title><summary>{r['abstract']}</summary></entry>" for r in records
    )
    yield _file("a feed cut off", f"<feed>{entries}<entry>", 1, 40, "is not well-formed XML")
    yield _file("an empty entry", f"<feed>{entries}<entry/></feed>", 1, 40, "entry 41 is skipped")
    yield _file("deep XML", "<feed>" + "<a>" * 100_000, 1, 0, "nests more than 200 elements")
    yield _file(
        "XML entities", '<!DOCTYPE f [<!ENTITY a "b">]><feed>&a;</feed>', 1, 0, "declares XML entities"
    )
    yield _file(
        "an endless entry", "<feed><entry><title>" + "x" * 9_000_000, 1, 0, "an entry has more than 8 MiB"
    )
    yield _file("HTML of comments", "<!-- -->" * 60_000, 1, 0, "has no format")
    yield _file("HTML of open comments", "<html>" + "<!--" * 120_000, 1, 0, "is an HTML page without")
    yield _file(
        "HTML of open properties", "<html><p data-props='\"" * 20_000, 1, 0, "is an HTML page without"
    )
    yield _file("HTML of open brackets", "<" * 480_000, 1, 0, "has no format")


def _encodings(records: Records) -> Iterator[BadFile]:
    good = _jsonl(records)
    yield _file("UTF-16 without a mark", good.encode("utf-16-le"), 0, 40, "")
    yield _file("UTF-16, big end first", good.encode("utf-16-be"), 0, 40, "")
    yield _file("UTF-32", good.encode("utf-32"), 0, 40, "")
    yield _file("UTF-32 without a mark", good.encode("utf-32-le"), 1, 0, "save it as UTF-8")
    yield _file("bytes that are no text in a line", good.encode() + b'{"title": "\xff\x81 \xc3\xa9"}', 1, 41,
                "line 41 has bytes that are not valid UTF-8")  # fmt: skip


def _bytes(records: Records) -> Iterator[BadFile]:
    good = _jsonl(records * 50).encode()
    packed = gzip.compress(good, mtime=0)
    yield _file("gzip cut off", packed[: len(packed) * 3 // 4], 1, 40, "cannot be read after line")
    yield _file("gzip of zeros", gzip.compress(bytes(50_000_000), mtime=0), 1, 0, "is neither text")
    yield _file(
        "a gzip bomb", gzip.compress(good + b"x" * 90_000_000, mtime=0), 1, 40, "more than 100 times its"
    )
    yield _file("gzip's first bytes", b"\x1f\x8b", 1, 0, "cannot be read")
    yield _file("nothing", b"", 1, 0, "is empty")
    yield _file("blanks", b" \n" * 50_000, 1, 0, "begins with 64 KiB of blanks")
    yield _file("Parquet's first bytes", b"PAR1" + b"x" * 60, 1, 0, "cannot be read after row 0")
    yield _file("noise", random.Random(SEED).randbytes(5000), 1, 0, "is neither text")
    yield _file("a line of 40 MB", good + b'{"title": "' + b"y" * 40_000_000 + b'"}\n', 1, 40,
                "line 2001 is skipped: it has more than 32 MiB")  # fmt: skip


Make = Callable[[Records], Iterator[BadFile]]
