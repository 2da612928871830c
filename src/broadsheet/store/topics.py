"""Which topics papers have, as rankings weigh them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL


def topics(db: Database, rows: Sequence[int]) -> Mapping[int, set[str]]:
    """Return the topics of papers by their row numbers; those without any are left out."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    # SQLite joins them: a row each would give Python's lock away for each.
    joined = db.execute(
        """SELECT json_group_array(json_array(p.rowid, t.tag))
           FROM json_each(?) asked CROSS JOIN papers p ON p.rowid = asked.value
           CROSS JOIN tags t ON t.paper_id = p.id WHERE t.facet = 'topic'""",
        [json.dumps(rows)],
    ).fetchone()[0]
    for row, topic in json.loads(joined):
        found[row].add(topic)
    return found
