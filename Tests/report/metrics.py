"""K2-Vendor-Verifier's two metrics, and how many answers are exactly what they should be."""

from __future__ import annotations

import json
from dataclasses import dataclass

import jsonschema

from synthesis import Answer


@dataclass
class Seen:
    """What a client understands: the finish reason and (name, arguments) of each call, arguments as text."""

    finish: str
    calls: list[tuple[str, str]]


@dataclass
class Score:
    """Counts over many answers; see kimi-formats.md §4.1."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    ended_in_calls: int = 0
    valid: int = 0
    #: Answers with calls, and those of them that are exactly right.
    answers: int = 0
    exact: int = 0
    #: Plain answers, and those of them that stay plain.
    plain: int = 0
    harmless: int = 0

    def add(self, answer: Answer, seen: Seen):
        """Counts one answer against what it should have been."""
        triggers = seen.finish == "tool_calls"
        self.true_positives += triggers and bool(answer.calls)
        self.false_positives += triggers and not answer.calls
        self.false_negatives += not triggers and bool(answer.calls)
        self.ended_in_calls += triggers
        self.valid += triggers and bool(seen.calls) and all(_fits(answer, *call) for call in seen.calls)
        wanted = [(call.name, _canonical(json.dumps(call.arguments))) for call in answer.calls]
        right = wanted == [(name, _canonical(text)) for name, text in seen.calls]
        if answer.calls:
            self.answers += 1
            self.exact += right and triggers
        else:
            self.plain += 1
            self.harmless += right and seen.finish == "stop"

    @property
    def f1(self) -> float:
        """tool_call_f1: 1 if nothing should call and nothing does."""
        wrong = self.false_positives + self.false_negatives
        return 2 * self.true_positives / (2 * self.true_positives + wrong) if self.true_positives + wrong else 1.0

    @property
    def schema_accuracy(self) -> float | None:
        """Share of the answers that ended in `tool_calls` whose calls all fit; None if none ended so."""
        return self.valid / self.ended_in_calls if self.ended_in_calls else None

    @property
    def exactness(self) -> float:
        return self.exact / self.answers if self.answers else 1.0


def _fits(answer: Answer, name: str, arguments: str) -> bool:
    schema = answer.schema(name)
    if schema is None:
        return False
    try:
        jsonschema.validate(json.loads(arguments), schema)
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


def _canonical(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, TypeError):
        return f"not JSON: {text}"
