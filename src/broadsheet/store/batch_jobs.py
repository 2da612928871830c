"""Requests that are with the Batch API, and the jobs that they are in.

A request is kept whole from before it is sent until its answer has been dealt with, so that a process that
knows nothing of the one that asked can go on from the answer. It is in one job at a time, or in none yet. A
job is known by its input file from before it is created: the service lists jobs with their files, so one that
was created by a process that was killed before it knew can be found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.rows import now


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request without an outcome.

    Attributes:
        id: Its ``custom_id``, unique in the database.
        text: The request as its engine wrote it down.
        file_id: Input file of the job that it is in; None where it is in none.
        tries: How often the service has failed to answer it.
    """

    id: str
    text: str
    file_id: str | None
    tries: int


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job that requests without an outcome are in.

    Attributes:
        file_id: Its input file.
        job_id: The service's name of it; None where the process that created it did not live to know.
        dialect: What its requests were worded in.
        uploaded_at: When its file was there, ISO 8601.
    """

    file_id: str
    job_id: str | None
    dialect: str
    uploaded_at: str


class BatchJobs:
    """Questions about what one model behind one address is asked. Call writes inside `Store.transaction`."""

    def __init__(self, db: Database, address: str, model: str) -> None:
        self._db = db
        self._names = [address, model]

    def keep(self, request_id: str, text: str, papers: Iterable[tuple[str, str]]) -> None:
        """Keep a request before it is sent; one that is kept already stays as it is.

        Args:
            request_id: Its ``custom_id``.
            text: The request, written down.
            papers: Id and content hash of each paper that it asks about.
        """
        self._db.execute(
            "INSERT OR IGNORE INTO batch_requests (id, endpoint, model, request) VALUES (?, ?, ?, ?)",
            [request_id, *self._names, text],
        )
        self._db.conn.executemany(
            "INSERT OR IGNORE INTO batch_papers (paper_id, content_hash, request_id) VALUES (?, ?, ?)",
            [(*paper, request_id) for paper in papers],
        )

    def open_requests(self) -> list[OpenRequest]:
        """Return requests without an outcome, in the order in which they were first asked."""
        rows = self._db.execute(
            """SELECT id, request, file_id, tries FROM batch_requests WHERE (endpoint, model) = (?, ?)
               ORDER BY rowid""",
            self._names,
        )
        return [OpenRequest(*row) for row in rows]

    def whereabouts(self) -> dict[str, str | None]:
        """Return the input file of every open request's job; None for one that is in no job."""
        rows = self._db.execute(
            "SELECT id, file_id FROM batch_requests WHERE (endpoint, model) = (?, ?)", self._names
        )
        return {row[0]: row[1] for row in rows}

    def holds(self, paper_id: str, content_hash: str) -> bool:
        """Tell whether a request without an outcome asks about a paper in these words."""
        row = self._db.execute(
            """SELECT 1 FROM batch_papers JOIN batch_requests ON batch_requests.id = request_id
               WHERE (paper_id, content_hash, endpoint, model) = (?, ?, ?, ?)""",
            [paper_id, content_hash, *self._names],
        ).fetchone()
        return row is not None

    def papers(self) -> int:
        """Count the papers that open requests ask about; one in other words is another."""
        row = self._db.execute(
            """SELECT count(*) FROM batch_papers
               JOIN batch_requests ON batch_requests.id = request_id WHERE (endpoint, model) = (?, ?)""",
            self._names,
        ).fetchone()
        return int(row[0])

    def uploaded(self, file_id: str, dialect: str, request_ids: Iterable[str]) -> None:
        """Keep a job that is about to be created from a file of these requests."""
        self._db.execute(
            """INSERT INTO batch_jobs (file_id, endpoint, model, dialect, status, uploaded_at)
               VALUES (?, ?, ?, ?, 'uploaded', ?)""",
            [file_id, *self._names, dialect, now()],
        )
        self._db.conn.executemany(
            "UPDATE batch_requests SET file_id = ? WHERE id = ?",
            [(file_id, request_id) for request_id in request_ids],
        )

    def seen(self, file_id: str, job_id: str, status: str) -> None:
        """Keep the service's name of a job and how it stands."""
        self._db.execute(
            "UPDATE batch_jobs SET job_id = ?, status = ? WHERE file_id = ?", [job_id, status, file_id]
        )

    def jobs(self, file_ids: Collection[str]) -> list[OpenJob]:
        """Return the jobs of these input files, oldest first."""
        rows = self._db.execute(
            """SELECT file_id, job_id, dialect, uploaded_at FROM batch_jobs WHERE (endpoint, model) = (?, ?)
               ORDER BY uploaded_at, file_id""",
            self._names,
        )
        return [OpenJob(*row) for row in rows if row["file_id"] in file_ids]

    def take_out(self, tries: Mapping[str, int]) -> None:
        """Take requests out of their jobs, to be sent again; each with how often it has failed so far."""
        self._db.conn.executemany(
            "UPDATE batch_requests SET file_id = NULL, tries = ? WHERE id = ?",
            [(number, request_id) for request_id, number in tries.items()],
        )

    def close(self, request_ids: Iterable[str]) -> None:
        """Forget requests: their outcomes have been dealt with, or they were never asked."""
        self._db.conn.executemany("DELETE FROM batch_requests WHERE id = ?", [(id_,) for id_ in request_ids])
