"""What went wrong on the way to an annotation, for its findings: the same live and when it is rebuilt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from broadsheet.annotate.replies import Reading
from broadsheet.annotation import Finding
from broadsheet.fencing import FencedPaper


class Notes:
    """Findings in waiting, by paper, each once; their field is ``reply``."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Finding]] = {}

    def of_reading(self, reading: Reading, asked: Mapping[str, FencedPaper]) -> None:
        """Note which papers an answer gave no believable record, and refs that it made up."""
        for ref, cause in reading.causes.items():
            self._add(asked[ref].paper.id, cause)
        for sent in asked.values() if reading.invented else ():
            self._add(sent.paper.id, "invented", f"refs {', '.join(reading.invented)}")

    def of_repair(self, paper_id: str, problems: Iterable[str]) -> None:
        """Note what the model was told to put right."""
        self._add(paper_id, "repaired", "; ".join(problems))

    def take(self, paper_id: str) -> tuple[Finding, ...]:
        """The paper's findings, which wait no longer."""
        return tuple(self._waiting.pop(paper_id, ()))

    def _add(self, paper_id: str, kind: str, detail: str = "") -> None:
        finding = Finding(field="reply", kind=kind, detail=detail)
        if finding not in self._waiting.setdefault(paper_id, []):
            self._waiting[paper_id].append(finding)
