"""Changes to the tables from migration 6 on, in order; append only."""

from __future__ import annotations

import json

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations.steps import migrations


@migrations()
def m006_sources(db: Database) -> None:
    """What live sources were asked, their last whole replies, and when each may be asked again."""
    db.executescript("""
        CREATE TABLE fetches (
            id INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            url TEXT NOT NULL,
            status INTEGER,
            error TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            latency_s REAL NOT NULL,
            fetched_at TEXT NOT NULL
        );
        CREATE TABLE validators (
            url TEXT PRIMARY KEY,
            etag TEXT NOT NULL,
            last_modified TEXT NOT NULL,
            body BLOB NOT NULL,
            kept_at TEXT NOT NULL
        );
        CREATE TABLE paces (
            name TEXT PRIMARY KEY,
            next_at REAL NOT NULL
        ) WITHOUT ROWID;
    """)


@migrations()
def m007_links(db: Database) -> None:
    """What stands behind code links."""
    db.executescript("""
        CREATE TABLE links (
            url TEXT PRIMARY KEY,
            state TEXT NOT NULL,
            detail TEXT NOT NULL,
            checked_at TEXT NOT NULL
        ) WITHOUT ROWID;
    """)


@migrations()
def m008_search(db: Database) -> None:
    """An annotation's words beside the paper's: in one table each annotation had the abstract read again."""
    db.executescript("""
        CREATE VIRTUAL TABLE annotations_fts USING fts5 (
            tldr, keywords, tokenize = 'porter unicode61 remove_diacritics 2'
        );
        INSERT INTO annotations_fts (rowid, tldr, keywords)
            SELECT rowid, tldr, keywords FROM papers_fts WHERE tldr != '' OR keywords != '';
        CREATE VIRTUAL TABLE papers_words USING fts5 (
            title, abstract, authors, tokenize = 'porter unicode61 remove_diacritics 2'
        );
        INSERT INTO papers_words (rowid, title, abstract, authors)
            SELECT rowid, title, abstract, authors FROM papers_fts;
        DROP TABLE papers_fts;
        ALTER TABLE papers_words RENAME TO papers_fts;
    """)


@migrations()
def m009_batch_requests(db: Database) -> None:
    """Requests with the Batch API, whole, so that any later run can go on from their answers.

    What stood in the old tables cannot be taken up: a line was known by a fingerprint alone.
    """
    db.executescript("""
        DROP TABLE batch_lines;
        DROP TABLE batch_jobs;
        CREATE TABLE batch_jobs (
            file_id TEXT PRIMARY KEY,
            job_id TEXT,
            endpoint TEXT NOT NULL,
            model TEXT NOT NULL,
            dialect TEXT NOT NULL,
            status TEXT NOT NULL,
            uploaded_at TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE batch_requests (
            id TEXT PRIMARY KEY,
            endpoint TEXT NOT NULL,
            model TEXT NOT NULL,
            request TEXT NOT NULL,
            file_id TEXT REFERENCES batch_jobs (file_id),
            tries INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX batch_requests_file ON batch_requests (file_id);
        CREATE TABLE batch_papers (
            paper_id TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            request_id TEXT NOT NULL REFERENCES batch_requests (id) ON DELETE CASCADE,
            PRIMARY KEY (paper_id, content_hash, request_id)
        ) WITHOUT ROWID;
        CREATE INDEX batch_papers_request ON batch_papers (request_id);
        CREATE INDEX replies_request ON replies (request_id);
    """)


@migrations()
def m010_waste_by_paper(db: Database) -> None:
    """Whose share of an answer brought nothing; of what was counted before this is not known."""
    db.executescript("""
        ALTER TABLE wasted_tokens ADD COLUMN paper_id TEXT NOT NULL DEFAULT '';
        CREATE INDEX wasted_tokens_paper ON wasted_tokens (paper_id);
    """)


@migrations()
def m011_one_annotate_at_a_time(db: Database) -> None:
    """A file lock replaces claims; tokens are counted by purpose, which each reply states."""
    db.executescript("""
        DROP TABLE claims;
        DROP TABLE asking_processes;
        DROP TABLE wasted_tokens;
    """)


@migrations()
def m012_requests_carry_what_their_answer_needs(db: Database) -> None:
    """Requests with the Batch API hold faults by ref and their maker; a memo held them by place before."""
    rows = db.execute("SELECT id, model, request FROM batch_requests").fetchall()
    for id_, model, text in rows:
        request = json.loads(text)
        memo = json.loads(request.pop("memo"))
        request |= {
            "tokens": {},
            "faults": dict(zip(request["papers"], memo["faults"], strict=False)),
            "times": memo["again"],
            "maker": {
                "engine": "openai-batch",
                "model": model,
                "prompt": memo["prompt"],
                "schema": memo["schema"],
            },
        }
        db.execute("UPDATE batch_requests SET request = ? WHERE id = ?", [json.dumps(request), id_])


@migrations()
def m013_fields(db: Database) -> None:
    """The fields that users declare, each as JSON."""
    db.executescript("CREATE TABLE fields (name TEXT PRIMARY KEY, declaration TEXT NOT NULL);")


@migrations()
def m014_edition_of_a_paper(db: Database) -> None:
    """A paper's edition as a column with an index: the join for papers in none read all ever seen."""
    db.executescript("""
        ALTER TABLE papers ADD COLUMN edition_day TEXT REFERENCES editions (day);
        UPDATE papers SET edition_day = (SELECT day FROM edition_papers WHERE paper_id = papers.id);
        DROP TABLE edition_papers;
        CREATE INDEX papers_edition ON papers (edition_day, first_seen);
    """)
