"""Writes docs/kimi-report.md: what the transform repairs, fault by fault.   report.py [--count N] [--seed N] [--out FILE]"""

from __future__ import annotations

import argparse
import copy
import datetime
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import native
import synthesis
from faults import FAULTS, Fault
from metrics import Score
from replay import Proxy, straight
import faults_more  # noqa: F401  (enters its faults)

#: Plain answers beside the faulty ones, so that a call too many counts.
PLAIN = 24


@dataclass
class Row:
    """One fault's scores over all its families."""

    fault: Fault
    without: Score = field(default_factory=Score)
    body: Score = field(default_factory=Score)
    stream: Score = field(default_factory=Score)


class Report:
    def __init__(self, count: int, seed: int):
        self.seed = seed
        self.answers = synthesis.answers(count, seed)
        self.plain = synthesis.plain_answers(PLAIN, seed)
        self.proxy = Proxy()
        self.requests = 0

    def run(self) -> tuple[Row, list[Row]]:
        try:
            return self._negatives(), [self._row(fault) for fault in FAULTS]
        finally:
            self.proxy.close()

    def _row(self, fault: Fault) -> Row:
        row = Row(fault)
        for number, answer in enumerate(self.answers):
            family = fault.families[number % len(fault.families)]
            source = random.Random(f"{self.seed} {fault.row} {fault.name} {number}")
            answer = copy.deepcopy(answer)  # Some faults change the answer with its text.
            reply = fault.make(answer, native.parts(family, answer, source), source)
            if reply is not None:
                self._replay(row, family, answer, reply, source)
        for number, answer in enumerate(self.plain):
            self._replay_plain(row, fault.families[number % len(fault.families)], answer, number)
        return row

    def _negatives(self) -> Row:
        row = Row(Fault("–", "plain answers that no fault touches", tuple(native.FAMILIES), lambda *_: None))
        for number, answer in enumerate(self.plain * 4):
            self._replay_plain(row, list(native.FAMILIES)[number // PLAIN], answer, number)
        return row

    def _replay_plain(self, row: Row, family: str, answer: synthesis.Answer, number: int):
        source = random.Random(f"{self.seed} plain {number}")
        self._replay(row, family, answer, native.Reply(native.render(native.parts(family, answer, source))), source)

    def _replay(self, row: Row, family: str, answer: synthesis.Answer, reply: native.Reply, source: random.Random):
        row.without.add(answer, straight(reply))
        row.body.add(answer, self.proxy.ask(family, answer.tools, reply, source, False))
        row.stream.add(answer, self.proxy.ask(family, answer.tools, reply, source, True))
        self.requests += 2


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}".removesuffix(".0")


def line(row: Row) -> str:
    scores = (row.without, row.body, row.stream)
    cells = [row.fault.row, row.fault.name, ", ".join(row.fault.families), str(row.body.answers)]
    for metric in (lambda s: s.f1, lambda s: s.schema_accuracy, lambda s: s.exactness):
        cells += [percent(metric(score)) for score in scores]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def missed(rows: list[Row]) -> list[Row]:
    """Rows where something is not recovered."""
    return [row for row in rows if min(row.body.exactness, row.stream.exactness) < 1]


def harmed(rows: list[Row]) -> int:
    """Plain answers that did not stay plain."""
    return sum(score.plain - score.harmless for row in rows for score in (row.body, row.stream))


def write(path: Path, negatives: Row, rows: list[Row], arguments, requests: int, seconds: float):
    text = Path(__file__).with_name("report.md.in").read_text(encoding="utf-8")
    totals = {name: sum_of([getattr(row, name) for row in rows]) for name in ("without", "body", "stream")}
    fields = {
        "date": datetime.date.today().isoformat(), "seed": arguments.seed, "count": arguments.count,
        "faults": len(rows), "requests": requests, "plain": PLAIN,
        "totals": "\n".join(total_line(title, totals[name]) for name, title in TITLES.items()),
        "negatives": f"{negatives.body.harmless} of {negatives.body.plain} as one body, "
                     f"{negatives.stream.harmless} of {negatives.stream.plain} streamed",
        "rows": "\n".join(map(line, rows)),
        "missed": "\n".join(f"- {row.fault.row}, {row.fault.name}: exact {percent(row.body.exactness)} % as one body, "
                            f"{percent(row.stream.exactness)} % streamed" for row in missed(rows)) or "Nothing.",
    }  # fmt: skip
    path.write_text(text.format(**fields), encoding="utf-8")
    print(f"{path}: {len(rows)} faults, {requests} requests in {seconds:.0f} s; not always exact: {len(missed(rows))}")
    if harmed([negatives, *rows]):
        raise SystemExit(f"{harmed([negatives, *rows])} plain answers did not stay plain")


TITLES = {"without": "straight to the client", "body": "through kimi-host, as one body", "stream": "through kimi-host, streamed"}


def sum_of(scores: list[Score]) -> Score:
    return Score(*(sum(getattr(score, name) for score in scores) for name in Score.__dataclass_fields__))


def total_line(title: str, score: Score) -> str:
    return f"| {title} | {percent(score.f1)} | {percent(score.schema_accuracy)} | {percent(score.exactness)} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--out", type=Path, default=Path("docs/kimi-report.md"))
    arguments = parser.parse_args()
    started = time.monotonic()
    report = Report(arguments.count, arguments.seed)
    negatives, rows = report.run()
    write(arguments.out, negatives, rows, arguments, report.requests, time.monotonic() - started)


if __name__ == "__main__":
    main()
