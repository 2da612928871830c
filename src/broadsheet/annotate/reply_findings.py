"""What went wrong on the way to an annotation, as findings: the same live and when it is rebuilt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from broadsheet.annotate.replies import Reading
from broadsheet.annotation import Finding
from broadsheet.fencing import FencedPaper


class ReplyFindings:
    """Findings about replies, by paper and each once, until its annotation is stored with them."""

    def __init__(self) -> None:
        self._by_paper: dict[str, list[Finding]] = {}

    def add_reading(self, reading: Reading, sent: Mapping[str, FencedPaper]) -> None:
        """Add which papers a reply held no believable record of, and the refs that it made up."""
        for ref, cause in reading.causes.items():
            self._add(sent[ref].paper.id, cause)
        for paper in sent.values() if reading.invented else ():
            self._add(paper.paper.id, "invented", f"refs {', '.join(reading.invented)}")

    def add_repair(self, paper_id: str, problems: Iterable[str]) -> None:
        """Add what the model was asked to put right."""
        self._add(paper_id, "repaired", "; ".join(problems))

    def add_apart(self, paper_id: str) -> None:
        """Add that the paper was asked about again alone, because its tags looked dictated."""
        self._add(paper_id, "apart")

    def add_overruled(self, paper_id: str, findings: Iterable[Finding]) -> None:
        """Add what the rules overruled in the paper's record."""
        self._by_paper.setdefault(paper_id, []).extend(findings)

    def pop(self, paper_id: str) -> tuple[Finding, ...]:
        """Return the paper's findings, and forget them."""
        return tuple(self._by_paper.pop(paper_id, ()))

    def _add(self, paper_id: str, kind: str, detail: str = "") -> None:
        finding = Finding(field="reply", kind=kind, detail=detail)
        if finding not in self._by_paper.setdefault(paper_id, []):
            self._by_paper[paper_id].append(finding)
