"""The first five changes to the tables, in order; never edited."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables
from sqlite_utils.migrations import Migrations  # noqa: TID251 - the same

migrations = Migrations("broadsheet")


@migrations()
def m001_papers(db: Database) -> None:
    """Papers, what they are also called, how they changed, and where they were listed."""
    db.executescript("""
        CREATE TABLE papers (
            id TEXT PRIMARY KEY,
            title TEXT NOT NULL,
            title_key TEXT NOT NULL,
            abstract TEXT NOT NULL,
            authors TEXT NOT NULL DEFAULT '[]',
            url TEXT NOT NULL DEFAULT '',
            published TEXT,
            comment TEXT NOT NULL DEFAULT '',
            arxiv_id TEXT NOT NULL DEFAULT '',
            version INTEGER,
            doi TEXT NOT NULL DEFAULT '',
            local_id TEXT NOT NULL DEFAULT '',
            source TEXT NOT NULL,
            first_seen TEXT NOT NULL,
            admitted_at TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            revised_at TEXT,
            votes INTEGER,
            current_key TEXT
        );
        CREATE INDEX papers_title_key ON papers (title_key);
        CREATE INDEX papers_first_seen ON papers (first_seen);
        CREATE INDEX papers_local_id ON papers (local_id) WHERE local_id != '';

        CREATE TABLE aliases (
            alias TEXT PRIMARY KEY,
            paper_id TEXT NOT NULL REFERENCES papers (id)
        ) WITHOUT ROWID;

        CREATE TABLE versions (
            paper_id TEXT NOT NULL REFERENCES papers (id),
            content_hash TEXT NOT NULL,
            version INTEGER,
            title TEXT NOT NULL,
            abstract TEXT NOT NULL,
            comment TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            PRIMARY KEY (paper_id, content_hash)
        ) WITHOUT ROWID;

        CREATE TABLE sightings (
            paper_id TEXT NOT NULL REFERENCES papers (id),
            source TEXT NOT NULL,
            origin TEXT NOT NULL,
            day TEXT NOT NULL,
            rank INTEGER,
            votes INTEGER,
            stars INTEGER,
            words TEXT NOT NULL DEFAULT '{}',
            seen_at TEXT NOT NULL,
            content_hash TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (paper_id, source, origin, day)
        ) WITHOUT ROWID;
        CREATE INDEX sightings_day ON sightings (day);

        CREATE VIRTUAL TABLE papers_fts USING fts5 (
            title, abstract, tldr, keywords, authors, tokenize = 'porter unicode61 remove_diacritics 2'
        );
    """)


@migrations()
def m002_annotations(db: Database) -> None:
    """Raw replies, kept for ever; what was read from them; what is wrong with it; what failed."""
    db.executescript("""
        CREATE TABLE replies (
            id INTEGER PRIMARY KEY,
            request_id TEXT NOT NULL,
            engine TEXT NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            schema TEXT NOT NULL,
            purpose TEXT NOT NULL,
            papers TEXT NOT NULL,
            text TEXT NOT NULL,
            finish_reason TEXT NOT NULL,
            refusal TEXT NOT NULL,
            answered_by TEXT NOT NULL,
            input_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            latency_s REAL NOT NULL,
            cost_usd REAL,
            received_at TEXT NOT NULL
        );
        CREATE TRIGGER replies_are_never_changed BEFORE UPDATE ON replies
            BEGIN SELECT RAISE(ABORT, 'replies are append-only'); END;
        CREATE TRIGGER replies_are_never_deleted BEFORE DELETE ON replies
            BEGIN SELECT RAISE(ABORT, 'replies are append-only'); END;

        CREATE TABLE annotations (
            key TEXT PRIMARY KEY,
            paper_id TEXT NOT NULL REFERENCES papers (id),
            content_hash TEXT NOT NULL,
            engine TEXT NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            schema TEXT NOT NULL,
            reply_id INTEGER REFERENCES replies (id),
            annotated_at TEXT NOT NULL
        );
        CREATE INDEX annotations_paper ON annotations (paper_id);

        CREATE TABLE findings (
            key TEXT NOT NULL REFERENCES annotations (key),
            field TEXT NOT NULL,
            kind TEXT NOT NULL,
            detail TEXT NOT NULL,
            severity TEXT NOT NULL
        );
        CREATE INDEX findings_key ON findings (key);

        CREATE TABLE tags (
            paper_id TEXT NOT NULL REFERENCES papers (id),
            tag TEXT NOT NULL,
            facet TEXT NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (tag, paper_id)
        ) WITHOUT ROWID;
        CREATE INDEX tags_paper ON tags (paper_id);

        CREATE TABLE failures (
            key TEXT PRIMARY KEY,
            paper_id TEXT NOT NULL REFERENCES papers (id),
            engine TEXT NOT NULL,
            model TEXT NOT NULL,
            reason TEXT NOT NULL,
            detail TEXT NOT NULL,
            tries INTEGER NOT NULL,
            failed_at TEXT NOT NULL
        );
        CREATE INDEX failures_paper ON failures (paper_id);
    """)


@migrations()
def m003_editions(db: Database) -> None:
    """Editions, and which papers stand in which."""
    db.executescript("""
        CREATE TABLE editions (
            day TEXT PRIMARY KEY,
            edition TEXT NOT NULL,
            composed_at TEXT NOT NULL,
            published_at TEXT
        );
        CREATE TABLE edition_papers (
            paper_id TEXT PRIMARY KEY REFERENCES papers (id),
            day TEXT NOT NULL REFERENCES editions (day)
        ) WITHOUT ROWID;
        CREATE INDEX edition_papers_day ON edition_papers (day);
    """)


@migrations()
def m004_worker(db: Database) -> None:
    """Runs, what their tokens went into, and which process is asking for which paper."""
    db.executescript("""
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            engine TEXT NOT NULL,
            model TEXT NOT NULL,
            papers INTEGER NOT NULL,
            annotated INTEGER,
            failed INTEGER,
            ending TEXT,
            started_at TEXT NOT NULL,
            ended_at TEXT
        );
        CREATE TABLE wasted_tokens (
            run_id INTEGER NOT NULL REFERENCES runs (id),
            reply_id INTEGER NOT NULL REFERENCES replies (id),
            cause TEXT NOT NULL,
            tokens INTEGER NOT NULL
        );
        CREATE INDEX wasted_tokens_run ON wasted_tokens (run_id);
        ALTER TABLE replies ADD COLUMN run_id INTEGER REFERENCES runs (id);
        CREATE INDEX replies_run ON replies (run_id);

        CREATE TABLE claims (
            key TEXT PRIMARY KEY,
            paper_id TEXT NOT NULL,
            owner TEXT NOT NULL,
            expires_at REAL NOT NULL
        ) WITHOUT ROWID;
    """)


@migrations()
def m005_endpoints(db: Database) -> None:
    """What servers understand, who is asking them, and the jobs that the Batch API works on."""
    db.executescript("""
        CREATE TABLE dialects (
            endpoint TEXT NOT NULL,
            model TEXT NOT NULL,
            dialect TEXT NOT NULL,
            learnt_at TEXT NOT NULL,
            PRIMARY KEY (endpoint, model)
        ) WITHOUT ROWID;

        CREATE TABLE asking_processes (
            endpoint TEXT NOT NULL,
            model TEXT NOT NULL,
            process TEXT NOT NULL,
            seen_at REAL NOT NULL,
            PRIMARY KEY (endpoint, model, process)
        ) WITHOUT ROWID;

        CREATE TABLE batch_jobs (
            id TEXT PRIMARY KEY,
            endpoint TEXT NOT NULL,
            model TEXT NOT NULL,
            status TEXT NOT NULL,
            created_at TEXT NOT NULL,
            collected_at TEXT
        ) WITHOUT ROWID;
        CREATE TABLE batch_lines (
            job_id TEXT NOT NULL REFERENCES batch_jobs (id),
            fingerprint TEXT NOT NULL,
            PRIMARY KEY (job_id, fingerprint)
        ) WITHOUT ROWID;
        CREATE INDEX batch_lines_fingerprint ON batch_lines (fingerprint);
    """)
