"""The tables of subscribers and deliveries; never edited once released."""

from __future__ import annotations

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations import later_steps  # noqa: F401 - its steps come before this one
from broadsheet.migrations.steps import migrations


@migrations()
def m018_subscribers_and_deliveries(db: Database) -> None:
    """Readers, their tokens, what was sent to whom, what came back, and whom never to write to.

    What a message holds is a row of its own: thousands of readers with one filter share it. The trigger is
    the promise that nobody is sent a paper twice.
    """
    db.executescript("""
        CREATE TABLE subscribers (
            id INTEGER PRIMARY KEY,
            uid TEXT NOT NULL UNIQUE,
            address TEXT NOT NULL,
            address_hash BLOB NOT NULL,
            newsletter TEXT NOT NULL,
            filter TEXT NOT NULL,
            rhythm TEXT NOT NULL,
            state TEXT NOT NULL,
            consent TEXT NOT NULL DEFAULT '{}',
            created_at TEXT NOT NULL,
            confirmed_at TEXT,
            ended_at TEXT,
            UNIQUE (address_hash, newsletter)
        );
        CREATE INDEX subscribers_due ON subscribers (newsletter, state, rhythm, filter, id);

        CREATE TABLE tokens (
            hash BLOB PRIMARY KEY,
            subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
            purpose TEXT NOT NULL,
            wanted TEXT NOT NULL DEFAULT '',
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX tokens_subscriber ON tokens (subscriber_id);
        CREATE INDEX tokens_expiry ON tokens (expires_at);

        CREATE TABLE suppressions (
            address_hash BLOB PRIMARY KEY,
            reason TEXT NOT NULL,
            words TEXT NOT NULL DEFAULT '',
            since TEXT NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE contents (
            id INTEGER PRIMARY KEY,
            newsletter TEXT NOT NULL,
            issue TEXT NOT NULL,
            filter TEXT NOT NULL,
            papers_hash TEXT NOT NULL,
            UNIQUE (newsletter, issue, filter, papers_hash)
        );
        CREATE TABLE content_papers (
            paper_id TEXT NOT NULL,
            newsletter TEXT NOT NULL,
            issue TEXT NOT NULL,
            content_id INTEGER NOT NULL REFERENCES contents (id),
            PRIMARY KEY (paper_id, newsletter, issue, content_id)
        ) WITHOUT ROWID;
        CREATE INDEX content_papers_content ON content_papers (content_id);

        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY,
            channel TEXT NOT NULL,
            recipient TEXT NOT NULL,
            subscriber_id INTEGER REFERENCES subscribers (id) ON DELETE CASCADE,
            newsletter TEXT NOT NULL,
            issue TEXT NOT NULL,
            content_id INTEGER NOT NULL REFERENCES contents (id),
            key TEXT NOT NULL UNIQUE,
            state TEXT NOT NULL,
            tries INTEGER NOT NULL DEFAULT 0,
            reply TEXT NOT NULL DEFAULT '',
            changed_at TEXT NOT NULL,
            next_try_at TEXT,
            UNIQUE (channel, recipient, newsletter, issue)
        );
        CREATE INDEX deliveries_issue ON deliveries (newsletter, issue, channel, state);
        CREATE INDEX deliveries_content ON deliveries (content_id);
        CREATE INDEX deliveries_open ON deliveries (channel, newsletter)
            WHERE state IN ('reserved', 'deferred');
        CREATE INDEX deliveries_unfinished ON deliveries (id) WHERE state = 'handing-over';
        CREATE INDEX deliveries_subscriber ON deliveries (subscriber_id);

        CREATE TRIGGER deliveries_once_a_paper BEFORE INSERT ON deliveries WHEN EXISTS (
            SELECT 1 FROM content_papers wanted
            CROSS JOIN content_papers held
                ON held.paper_id = wanted.paper_id AND held.newsletter = new.newsletter
                AND held.issue != new.issue
            CROSS JOIN deliveries d
                ON d.channel = new.channel AND d.recipient = new.recipient
                AND d.newsletter = held.newsletter AND d.issue = held.issue
                AND d.content_id = held.content_id
            WHERE wanted.content_id = new.content_id
        )
        BEGIN SELECT RAISE (ABORT, 'a paper would be sent to a reader twice'); END;

        CREATE TABLE bounces (
            id INTEGER PRIMARY KEY,
            subscriber_id INTEGER NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            status TEXT NOT NULL,
            words TEXT NOT NULL,
            source TEXT NOT NULL UNIQUE,
            happened_at TEXT NOT NULL
        );
        CREATE INDEX bounces_subscriber ON bounces (subscriber_id, kind, happened_at);
    """)
