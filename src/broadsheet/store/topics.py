"""Which topics papers have, as rankings weigh them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL


def topics(db: Database, rows: Sequence[int]) -> Mapping[int, set[str]]:
    """Return the topics of papers by their row numbers; those without any are left out."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    tagged = db.execute(
        """SELECT p.rowid, t.tag FROM papers p CROSS JOIN tags t ON t.paper_id = p.id
           WHERE t.facet = 'topic' AND p.rowid IN (SELECT value FROM json_each(?))""",
        [json.dumps(rows)],
    )
    for row, topic in tagged:
        found[row].add(topic)
    return found
