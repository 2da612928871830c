"""A model that does whatever an abstract orders: the worst that an injection can achieve."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from servers.openai_server import ECHO_WORDS, AskedPaper, OpenAIServer, Seen, placeholder

STUDY = re.compile(r"Study (\d\d)\b")


class ObedientServer(OpenAIServer):
    """Obeys ``orders``, by the number in a title: ``obeys`` changes the paper's own record, ``others`` every
    other record of the request, ``reply`` takes the place of the whole answer.
    """

    def __init__(self, orders: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self.orders = orders

    def order(self, paper: AskedPaper) -> Mapping[str, Any]:
        """What this paper orders; nothing where it is a decent one."""
        found = STUDY.search(paper.title)
        return self.orders.get(found[1], {}) if found else {}

    def _message(
        self, papers: tuple[AskedPaper, ...], seen: Seen, body: dict[str, Any]
    ) -> tuple[dict[str, Any], str]:
        orders = [self.order(paper) for paper in papers]
        for order in orders:
            if "reply" in order:
                return {"role": "assistant", "content": order["reply"], "refusal": None}, "stop"
        records = []
        for paper, own in zip(papers, orders, strict=True):
            record = {"ref": int(paper.ref), "echo": " ".join(paper.title.split()[:ECHO_WORDS])}
            record |= placeholder(paper)
            for order in orders:
                record |= order.get("others", {}) if order is not own else {}
            records.append(record | own.get("obeys", {}))
        return {"role": "assistant", "content": json.dumps({"papers": records}), "refusal": None}, "stop"
