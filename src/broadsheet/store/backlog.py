"""Which papers are to be annotated, and which stand as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.engines import EDITOR, rules
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store.papers import paper_from_row

MAX_TRIES = 3
_RULES = json.dumps(rules())
_WITH_CURRENT = "FROM papers LEFT JOIN annotations cur ON cur.key = papers.current_key"
_BY_ANOTHER_MODEL = """(cur.content_hash = papers.content_hash
    AND (cur.engine, cur.model) != (:engine, :model)
    AND cur.engine NOT IN (SELECT value FROM json_each(:rules)))"""


def _chosen(paper_ids: Iterable[str] | None) -> str:
    return "" if paper_ids is None else "JOIN json_each(:ids) AS chosen ON chosen.value = papers.id"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which papers are to be annotated.

    Attributes:
        paper_ids: Only these; None for all.
        others: Also papers that another model, or the editor, has annotated.
        stale: Also papers that this model annotated under another prompt or schema.
        failed_too: Also papers that failed too often.
        again: Also papers that have their annotation; they are asked about again.
        limit: Papers, at most.
    """

    paper_ids: Sequence[str] | None = None
    others: bool = False
    stale: bool = False
    failed_too: bool = False
    again: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many papers a run leaves out although it could annotate them, or not at all.

    Attributes:
        by_others: Papers that another model has annotated, by the model.
        stale: Papers that the same model annotated under another prompt or schema.
        without_abstract: Papers without an abstract.
        failed: Papers that failed too often under the same prompt and schema.
    """

    by_others: Mapping[str, int] = field(default_factory=dict)
    stale: int = 0
    without_abstract: int = 0
    failed: int = 0


class Backlog:
    """Queries for what is left to annotate."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def wanting(self, maker: Maker, wanted: Wanted = Wanted()) -> list[Paper]:
        """Return the papers that `each_wanting` yields."""
        return list(self.each_wanting(maker, wanted))

    def each_wanting(self, maker: Maker, wanted: Wanted = Wanted()) -> Iterator[Paper]:
        """Yield the papers that this engine and model are to annotate: those without a current annotation.

        One that rules made is current for rules only: a model's is better. A paper without an abstract has
        nothing to be read. One that was revised back to words it had before is asked about again. Papers that
        failed `MAX_TRIES` times under the same key are left out, unless no answer came at all. Oldest first,
        then by rank. `Wanted.limit` is left to the caller, who may leave out more.
        """
        same = " AND a.prompt = :prompt AND a.schema = :schema" if wanted.stale else ""
        others = "" if wanted.others else f" AND NOT {_BY_ANOTHER_MODEL}"
        rows = self._db.execute(
            f"""SELECT papers.* {_WITH_CURRENT} {_chosen(wanted.paper_ids)}
                WHERE papers.abstract != '' AND (:again OR current_key IS NULL OR (NOT EXISTS (
                    SELECT 1 FROM annotations a WHERE a.paper_id = papers.id
                    AND a.content_hash = papers.content_hash
                    AND a.engine = :engine AND a.model = :model{same}){others}))
                ORDER BY first_seen, papers.rowid""",  # noqa: S608 - the insertions are ours
            {**self._values(maker, wanted.paper_ids), "again": wanted.again},
        )
        spent = self._given_up()
        for paper in map(paper_from_row, rows):
            if wanted.failed_too or wanted.again or maker.key(paper.content_hash) not in spent:
                yield paper

    def _given_up(self) -> set[str]:
        """Return the keys under which papers failed too often."""
        rows = self._db.execute(
            "SELECT key FROM failures WHERE tries >= ? AND reason != 'no-answer'", [MAX_TRIES]
        )
        return {row["key"] for row in rows}

    def failed(self, maker: Maker, paper_ids: Iterable[str] | None = None) -> int:
        """Count the papers that `wanting` leaves out because they failed too often."""
        given_up = self._given_up()
        if not given_up:
            return 0
        hashes = self._db.execute(
            f"""SELECT papers.content_hash {_WITH_CURRENT} {_chosen(paper_ids)} WHERE papers.abstract != ''
                AND (current_key IS NULL OR cur.engine IN (SELECT value FROM json_each(:rules)))""",  # noqa: S608
            self._values(maker, paper_ids),
        )
        return sum(maker.key(row["content_hash"]) in given_up for row in hashes)

    def unannotated(self, paper_ids: Iterable[str]) -> list[str]:
        """Return which of these papers have an abstract and nobody's annotation of it."""
        rows = self._db.execute(
            """SELECT papers.id FROM papers JOIN json_each(?) AS chosen ON chosen.value = papers.id
               WHERE current_key IS NULL AND abstract != '' ORDER BY chosen.key""",
            [json.dumps(list(paper_ids))],
        )
        return [row[0] for row in rows]

    def unanswered(self, maker: Maker) -> list[str]:
        """Return the ids of the papers about which this engine and model once gave no answer."""
        rows = self._db.execute(
            "SELECT paper_id FROM failures WHERE (engine, model, reason) = (?, ?, 'no-answer')",
            [maker.engine, maker.model],
        )
        return [row[0] for row in rows]

    def standing(self, maker: Maker, paper_ids: Iterable[str] | None = None) -> Standing:
        """Count the papers that `wanting` leaves out, by the reason."""
        rows = self._db.execute(
            f"""SELECT CASE WHEN papers.abstract = '' THEN 'bare'
                    WHEN {_BY_ANOTHER_MODEL} AND cur.engine != '{EDITOR}' THEN 'other'
                    WHEN (cur.engine, cur.model) = (:engine, :model)
                        AND (cur.prompt, cur.schema) != (:prompt, :schema) THEN 'stale' END AS why,
                    cur.model AS model, count(*) AS papers
                {_WITH_CURRENT} {_chosen(paper_ids)} GROUP BY 1, CASE why WHEN 'other' THEN model END""",
            self._values(maker, paper_ids),
        ).fetchall()
        return Standing(
            by_others={row["model"]: row["papers"] for row in rows if row["why"] == "other"},
            stale=sum(row["papers"] for row in rows if row["why"] == "stale"),
            without_abstract=sum(row["papers"] for row in rows if row["why"] == "bare"),
            failed=self.failed(maker, paper_ids),
        )

    def _values(self, maker: Maker, paper_ids: Iterable[str] | None) -> dict[str, str]:
        ids = {} if paper_ids is None else {"ids": json.dumps(list(dict.fromkeys(paper_ids)))}
        return asdict(maker) | {"rules": _RULES} | ids
