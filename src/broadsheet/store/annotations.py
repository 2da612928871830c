"""Replies as they came, the annotations read from them, what is wrong with those, and what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, astuple
from typing import Any

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.annotation import Annotation, Finding
from broadsheet.engines import rank
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.schema import from_row, to_row
from broadsheet.store.fields import Fields
from broadsheet.store.named_rows import take_in
from broadsheet.store.reply_rows import KeptReply, NewReply
from broadsheet.store.rows import decodes_rows, insert, now
from broadsheet.store.words import reworded

__all__ = ["Annotations", "KeptReply", "NewReply"]


def finding_from_row(row: Mapping[str, Any]) -> Finding:
    """Return the finding in a row of its table."""
    return Finding(**{name: row[name] for name in Finding.model_fields})


class Annotations:
    """Questions about annotations. Each method is one transaction or belongs into one."""

    def __init__(self, db: Database, fields: Fields) -> None:
        self._db = db
        self._fields = fields

    def keep_reply(self, maker: Maker, reply: NewReply, received_at: str | None = None) -> int:
        """Store a raw answer before anything else is done with it; returns its row id.

        It counts as received now, or at ``received_at`` (ISO 8601) where another process received it.
        """
        papers = {ref: [paper.id, paper.content_hash] for ref, paper in reply.papers.items()}
        row = {
            **{name: getattr(reply, name) for name in NewReply.__slots__},
            **asdict(maker),
            "papers": json.dumps(papers),
            "received_at": received_at or now(),
        }
        return insert(self._db, "replies", row, packed="text")

    def reply_to(self, request_id: str) -> int | None:
        """Return the row id of the answer to a request stored before a kill; None if there is none."""
        row = self._db.execute("SELECT id FROM replies WHERE request_id = ?", [request_id]).fetchone()
        return int(row[0]) if row else None

    def keep(
        self,
        paper: Paper,
        maker: Maker,
        annotation: Annotation,
        findings: Sequence[Finding] = (),
        reply_id: int | None = None,
        annotated_at: str | None = None,
    ) -> bool:
        """Store a validated annotation with its findings, and make it the paper's current one.

        Nothing is stored, and false returned, for a paper that was removed while it was asked about.

        It counts as made now, or at ``annotated_at`` (ISO 8601) where it is read from a reply once more.
        The editor's annotation of the paper as it stands is never displaced by a model's, and a model's never
        by one that rules extracted; an answer that comes after the paper was revised speaks of words that no
        longer stand.
        """
        key = maker.key(paper.content_hash)
        row = {
            "key": key,
            "paper_id": paper.id,
            "content_hash": paper.content_hash,
            **asdict(maker),
            "reply_id": reply_id,
            "annotated_at": annotated_at or now(),
            **to_row(annotation),
        }
        before = self._before(paper, key)
        if before is None:
            return False
        if before["is_annotated"] and self._differs(key, row):
            take_in(self._db, paper.id)
        current = before["current_engine"]
        is_best = not before["is_revised"] and (current is None or rank(maker.engine) >= rank(current))
        with reworded(self._db, paper.id) if is_best or before["current_key"] == key else nullcontext():
            self._write(before, row, findings)
            if is_best:
                self._make_current(before, paper, key, annotation)
        return True

    def _write(self, before: Mapping[str, Any], row: Mapping[str, Any], findings: Sequence[Finding]) -> None:
        key = row["key"]
        # A row that may displace another takes three times as long to write.
        insert(self._db, "annotations", row, "INSERT OR REPLACE" if before["is_annotated"] else "INSERT")
        if before["is_annotated"]:
            self._db.execute("DELETE FROM findings WHERE key = ?", [key])
        if before["has_failed"]:
            self._db.execute("DELETE FROM failures WHERE key = ?", [key])
        if findings:
            self._db.conn.executemany(
                "INSERT INTO findings (key, field, kind, detail, severity) VALUES (?, ?, ?, ?, ?)",
                [(key, each.field, each.kind, each.detail, each.severity) for each in findings],
            )

    def fail(self, paper: Paper, maker: Maker, reason: str, detail: str = "") -> bool:
        """Record that a paper could not be annotated, and count the try; false if it is gone."""
        written = self._db.execute(
            """INSERT INTO failures (key, paper_id, engine, model, reason, detail, tries, failed_at)
               SELECT ?, id, ?, ?, ?, ?, 1, ? FROM papers WHERE id = ?
               ON CONFLICT (key) DO UPDATE SET reason = excluded.reason, detail = excluded.detail,
                   tries = tries + 1, failed_at = excluded.failed_at""",
            [maker.key(paper.content_hash), maker.engine, maker.model, reason, detail, now(), paper.id],
        )
        return written.rowcount > 0

    @decodes_rows
    def replies(
        self, maker: Maker | None = None, *, latest: int | None = None, paper_id: str | None = None
    ) -> Iterator[KeptReply]:
        """Yield stored replies in the order in which they came; vectors, which say nothing, are none.

        Args:
            maker: Only those of this maker.
            latest: Only so many, the last that came.
            paper_id: Only those about this paper.
        """
        conditions = {
            "(engine, model, prompt, schema) = (?, ?, ?, ?)": astuple(maker) if maker else (),
            "EXISTS (SELECT 1 FROM json_each(papers) WHERE json_extract(value, '$[0]') = ?)": (paper_id,)
            if paper_id
            else (),
        }
        chosen = " AND ".join(
            ["purpose != 'embedding'", *(condition for condition, values in conditions.items() if values)]
        )
        rows = self._db.execute(
            f"""SELECT *, unpack(text) AS words FROM
                    (SELECT * FROM replies WHERE {chosen} ORDER BY id DESC LIMIT ?) ORDER BY id""",  # noqa: S608
            [
                *(value for values in conditions.values() for value in values),
                -1 if latest is None else latest,
            ],
        )
        for row in rows.fetchall():
            yield KeptReply(
                id=row["id"],
                maker=Maker(row["engine"], row["model"], row["prompt"], row["schema"]),
                purpose=row["purpose"],
                papers={ref: (id_, hash_) for ref, (id_, hash_) in json.loads(row["papers"]).items()},
                text=row["words"],
                finish_reason=row["finish_reason"],
                refusal=row["refusal"],
                received_at=row["received_at"],
                input_tokens=row["input_tokens"],
                output_tokens=row["output_tokens"],
                cost_usd=row["cost_usd"],
            )

    def forgive(self) -> int:
        """Forget how often papers failed, so that they are asked for again; returns how many there are."""
        return self._db.execute("UPDATE failures SET tries = 0").rowcount

    @decodes_rows
    def kept(self, key: str) -> tuple[Annotation, tuple[Finding, ...]] | None:
        """Return the annotation with this key and its findings, current or not."""
        row = self._db.execute("SELECT * FROM annotations WHERE key = ?", [key]).fetchone()
        if row is None:
            return None
        findings = self._db.execute("SELECT * FROM findings WHERE key = ? ORDER BY rowid", [key])
        return from_row(row, self._fields.model), tuple(map(finding_from_row, findings))

    def origin(self, key: str) -> tuple[int | None, str] | None:
        """Return the reply that the annotation with this key was read from, and when it was made."""
        row = self._db.execute(
            "SELECT reply_id, annotated_at FROM annotations WHERE key = ?", [key]
        ).fetchone()
        return (row["reply_id"], row["annotated_at"]) if row else None

    def has_failed(self, key: str) -> bool:
        """Tell whether a failure under this key stands."""
        return bool(self._db.execute("SELECT 1 FROM failures WHERE key = ?", [key]).fetchone())

    def failures(self) -> list[dict[str, object]]:
        """Return the failures that stand, latest first, as rows."""
        rows = self._db.execute(
            """SELECT f.paper_id, p.title, f.engine, f.model, f.reason, f.detail, f.tries, f.failed_at
               FROM failures f JOIN papers p ON p.id = f.paper_id ORDER BY f.failed_at DESC"""
        )
        return [dict(row) for row in rows]

    def _differs(self, key: str, row: Mapping[str, Any]) -> bool:
        """Tell whether an annotation is stored that says something else, or was made at another time."""
        stored = self._db.execute("SELECT * FROM annotations WHERE key = ?", [key]).fetchone()
        return any(stored[name] != value for name, value in row.items() if name != "reply_id")

    def _before(self, paper: Paper, key: str) -> Mapping[str, Any] | None:
        """Return what there is of the paper before an annotation is stored; most have nothing."""
        row: Mapping[str, Any] = self._db.execute(
            """SELECT p.rowid AS rowid, p.current_key, p.content_hash != :content_hash AS is_revised,
                   EXISTS (SELECT 1 FROM annotations WHERE key = :key) AS is_annotated,
                   EXISTS (SELECT 1 FROM failures WHERE key = :key) AS has_failed,
                   (SELECT engine FROM annotations a WHERE a.key = p.current_key
                       AND a.content_hash = :content_hash) AS current_engine
               FROM papers p WHERE id = :id""",
            {"id": paper.id, "key": key, "content_hash": paper.content_hash},
        ).fetchone()
        return row

    def _make_current(
        self, before: Mapping[str, Any], paper: Paper, key: str, annotation: Annotation
    ) -> None:
        self._db.execute("UPDATE papers SET current_key = ? WHERE rowid = ?", [key, before["rowid"]])
        if before["current_key"]:
            self._db.execute("DELETE FROM tags WHERE paper_id = ?", [paper.id])
        tags = [(topic, "topic", place) for place, topic in enumerate(annotation.topics)]
        self._db.conn.executemany(
            "INSERT OR IGNORE INTO tags (paper_id, tag, facet, position) VALUES (?, ?, ?, ?)",
            [(paper.id, *tag) for tag in (*tags, (annotation.contribution, "contribution", 0))],
        )
