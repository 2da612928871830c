"""A record becomes an annotation: its shape is checked, then its truth.

First a record is judged as it came; what is wrong goes back to the model once. What is still wrong then is
replaced, a field at a time, by what the rules of the extractive engine read off the abstract, and a finding
says so: a paper is never dropped for a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError

from broadsheet import grounding
from broadsheet.annotation import CORE, Annotation, Finding
from broadsheet.english import share_of_words
from broadsheet.errors import plain_reason
from broadsheet.grounding import LEAST_SHARED
from broadsheet.paper import Paper
from broadsheet.taxonomy import Taxonomy

_MOST = {"topics": 4, "keywords": 6}
_MOST_FAULTS = 6
_DETAIL_CHARACTERS = 200
_PLACE_CHARACTERS = 40
_SURVEY, _SURVEYS = "survey", "benchmarks-and-surveys"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a record is worth.

    Attributes:
        annotation: The annotation, or None where the shape is wrong.
        findings: What was withheld from it or is worth a look.
        problems: What to have the model put right; empty for a record that can be kept as it is.
        fields: The record's fields, tidied.
        wrong: What is wrong with the shape, by field.
        untrue: What the check against the abstract found.
    """

    annotation: Annotation | None
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    untrue: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges records against one taxonomy and one class of annotations.

    Attributes:
        taxonomy: The tags that there are.
        model: The fields that there are.
        suspicious: Whether tags that the rules all but rule out count as dictated by another paper.
    """

    taxonomy: Taxonomy
    model: type[Annotation] = Annotation
    suspicious: bool = False

    def judge(self, paper: Paper, record: Mapping[str, Any]) -> Verdict:
        """Judge a record as it came."""
        fields, tidied = self._tidied(record)
        tidied += self._with_topics_of_a_survey(paper, fields)
        annotation, wrong = self._shaped(fields)
        if annotation is None and not wrong.keys() & CORE:  # what may stay unsaid is not worth a question
            fields = {name: value for name, value in fields.items() if name not in wrong}
            tidied += _malformed(wrong)
            annotation, wrong = self._shaped(fields)
        if annotation is None:
            return Verdict(None, tidied, _sentences(wrong), fields, wrong)
        untrue = grounding.check(paper, annotation)
        problems = tuple(
            f"{finding.field}: {finding.kind.replace('-', ' ')}: {finding.detail[:_DETAIL_CHARACTERS]}"
            for finding in untrue
            if finding.severity == "withheld"
        )
        return Verdict(annotation, (*tidied, *untrue), problems, fields, untrue=untrue)

    def settle(self, paper: Paper, verdict: Verdict) -> Verdict:
        """Withhold what is wrong in a record that will not be asked about again.

        Only a paper that the rules can say nothing of either, such as one without words, gets no annotation.
        """
        if not verdict.problems:
            return verdict
        annotation, findings, untrue = verdict.annotation, verdict.findings, verdict.untrue
        if annotation is None:
            fields = {name: value for name, value in verdict.fields.items() if name not in verdict.wrong}
            fields |= {name: self.by_rules(paper, name) for name in verdict.wrong if name in CORE}
            findings += _malformed(verdict.wrong)
            annotation, wrong = self._shaped(fields)
            if annotation is None:
                return Verdict(None, findings, _sentences(wrong))
            untrue = grounding.check(paper, annotation)
            findings += untrue
        kept = grounding.withhold(paper, annotation, untrue, lambda name: self.by_rules(paper, name))
        annotation, wrong = self._shaped(dict(kept)) if kept is not annotation else (annotation, {})
        return Verdict(annotation, findings, _sentences(wrong))

    def is_false(self, paper: Paper, verdict: Verdict) -> bool:
        """Tell whether nothing in a record that can be checked stands: neither its TL;DR nor a keyword."""
        said, wrong = verdict.annotation, verdict.wrong
        if said is None:
            return "tldr" in wrong and "keywords" in wrong
        withheld = [finding.field for finding in verdict.untrue if finding.severity == "withheld"]
        if withheld.count("keywords") < len(said.keywords):
            return False
        short = any(finding.kind == "too-short" for finding in verdict.untrue)
        return short or "tldr" in withheld or share_of_words(said.tldr, paper.own_text) < LEAST_SHARED

    def by_rules(self, paper: Paper, name: str) -> Any:
        """Return what the rules of the extractive engine read for a core field."""
        from broadsheet.llm.extractive import extract  # loads fitted weights, which few runs need

        return extract(paper, self.taxonomy, [name])[name]

    def _tidied(self, record: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Finding, ...]]:
        """Return the record's fields without unknown topics and entries beyond the most."""
        fields = {name: record[name] for name in self.model.model_fields if name in record}
        findings = list(self._without_unknown_topics(fields))
        for name, most in _MOST.items():
            values = fields.get(name)
            if isinstance(values, list) and len(values) > most:
                beyond = ", ".join(map(str, values[most:]))
                findings.append(Finding(field=name, kind="too-many", detail=beyond, severity="withheld"))
                fields[name] = values[:most]
        return fields, tuple(findings)

    def _without_unknown_topics(self, fields: dict[str, Any]) -> Iterator[Finding]:
        topics = fields.get("topics")
        if not isinstance(topics, list):
            return
        known = [topic for topic in topics if topic in self.taxonomy.topic_ids]
        if not known or len(known) == len(topics):
            return
        fields["topics"] = known
        for topic in topics:
            if topic not in known:
                yield Finding(field="topics", kind="unknown-topic", detail=str(topic), severity="withheld")

    def _with_topics_of_a_survey(self, paper: Paper, fields: dict[str, Any]) -> tuple[Finding, ...]:
        """Give a survey the topic of surveys, and never that one alone: it costs no question to the model."""
        topics = fields.get("topics")
        if fields.get("contribution") != _SURVEY or not isinstance(topics, list) or not topics:
            return ()
        if _SURVEYS not in self.taxonomy.topic_ids:
            return ()
        if _SURVEYS not in topics:
            missing, wanted = _SURVEYS, [*topics[: _MOST["topics"] - 1], _SURVEYS]
        elif len(topics) == 1:
            from broadsheet.llm.extractive.topics import classify_topics  # as in by_rules

            read = classify_topics(paper.title, paper.abstract, self.taxonomy, surveys=True)
            missing = next((topic for topic in read if topic != _SURVEYS), "")
            wanted = [missing, _SURVEYS] if missing else topics
        else:
            return ()
        fields["topics"] = wanted
        return (Finding(field="topics", kind="completed", detail=missing),) if missing else ()

    def _shaped(self, fields: Mapping[str, Any]) -> tuple[Annotation | None, dict[str, str]]:
        """Return the annotation, or what is wrong by field."""
        try:
            return self.model.model_validate(fields, context={"taxonomy": self.taxonomy}), {}
        except ValidationError as error:
            return None, _wrong_fields(error)


def _malformed(wrong: Mapping[str, str]) -> tuple[Finding, ...]:
    return tuple(
        Finding(field=name, kind="malformed", detail=why, severity="withheld") for name, why in wrong.items()
    )


def _sentences(wrong: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: {why}" for name, why in wrong.items())


def _wrong_fields(error: ValidationError) -> dict[str, str]:
    """Return what is wrong by field, each fault with its place in the field.

    A list all of whose entries are wrong counts as empty too; that would only mislead.
    """
    wrong: dict[str, dict[str, str]] = {}
    for part in error.errors():
        name, *within = map(str, part["loc"])
        message = plain_reason(part)[:_DETAIL_CHARACTERS]
        wrong.setdefault(name, {})[".".join(within)] = message
    for faults in wrong.values():
        if len(faults) > 1:
            faults.pop("", None)
    return {
        name: "; ".join(
            f"{where[:_PLACE_CHARACTERS]}: {message}" if where else message
            for where, message in islice(faults.items(), _MOST_FAULTS)
        )
        for name, faults in wrong.items()
    }
