"""Changes to the tables from migration 11 on, in order; append only."""

from __future__ import annotations

import json

from sqlite_utils import Database  # noqa: TID251 - this room owns the tables

from broadsheet.migrations.steps import migrations


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
