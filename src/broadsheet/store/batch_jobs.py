"""Jobs that the Batch API works on: which requests are in them, and which are still to be collected."""

from __future__ import annotations

from collections.abc import Iterable

from sqlite_utils import Database  # noqa: TID251 - this room owns the SQL

from broadsheet.store.papers import now


class BatchJobs:
    """Questions about the jobs of one model behind one address."""

    def __init__(self, db: Database, address: str, model: str) -> None:
        self._db = db
        self._names = [address, model]

    def submitted(self, job_id: str, lines: Iterable[str]) -> None:
        """Keep a job that was just created; call it within a transaction.

        Args:
            job_id: The provider's name of it.
            lines: The ``custom_id`` of each line.
        """
        self._db.execute(
            """INSERT INTO batch_jobs (id, endpoint, model, status, created_at)
               VALUES (?, ?, ?, 'submitted', ?)""",
            [job_id, *self._names, now()],
        )
        self._db.conn.executemany(
            "INSERT INTO batch_lines (job_id, fingerprint) VALUES (?, ?)", [(job_id, line) for line in lines]
        )

    def open(self) -> list[str]:
        """Jobs that are not collected yet, oldest first."""
        rows = self._db.execute(
            """SELECT id FROM batch_jobs WHERE endpoint = ? AND model = ? AND collected_at IS NULL
               ORDER BY created_at, id""",
            self._names,
        )
        return [row[0] for row in rows]

    def open_lines(self) -> set[str]:
        """The ``custom_id`` of every line of the open jobs."""
        rows = self._db.execute(
            """SELECT fingerprint FROM batch_lines JOIN batch_jobs ON batch_jobs.id = job_id
               WHERE endpoint = ? AND model = ? AND collected_at IS NULL""",
            self._names,
        )
        return {row[0] for row in rows}

    def collected(self, job_id: str, status: str) -> None:
        """Every line of the job has been read and what it answers has been committed."""
        self._db.execute(
            "UPDATE batch_jobs SET status = ?, collected_at = ? WHERE id = ?", [status, now(), job_id]
        )
