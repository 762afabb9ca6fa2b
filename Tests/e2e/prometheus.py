"""Reads /metrics strictly: Prometheus' own parser, and what it does not insist on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

import wire


@dataclass
class Page:
    text: str
    #: Every sample by its name and its labels.
    samples: dict[tuple[str, frozenset], float]
    #: Every family: its type.
    families: dict[str, str]
    #: Every family: the names of the labels that its samples have.
    labels: dict[str, set[str]]

    def value(self, name: str, default: float | None = 0.0, **labels) -> float | None:
        return self.samples.get((name, frozenset(labels.items())), default)

    def sum(self, name: str, **labels) -> float:
        """Of all samples of that name whose labels include these."""
        wanted = set(labels.items())
        return sum(value for (found, own), value in self.samples.items() if found == name and wanted <= own)

    def of(self, name: str) -> list[dict]:
        return [dict(own) for (found, own) in self.samples if found == name]


def parse(text: str) -> Page:
    assert text.endswith("\n")
    page = Page(text, {}, {}, {})
    told = _headers(text)
    for family in text_string_to_metric_families(text):
        # The parser takes "_total" off the names of counters.
        name = family.name + "_total" if family.type == "counter" else family.name
        assert told[name] == family.type and family.documentation, name
        assert name not in page.families, f"{name} comes twice"
        page.families[name] = family.type
        page.labels[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in page.samples, f"{key} comes twice"
            assert all(value != "" for value in sample.labels.values()), key
            assert not math.isnan(sample.value), key
            page.samples[key] = sample.value
        if family.type == "histogram":
            _check_histogram(name, family.samples)
    assert set(told) == set(page.families)
    return page


def _headers(text: str) -> dict[str, str]:
    """HELP, then TYPE, then samples, for each family and once."""
    types: dict[str, str] = {}
    helped = None
    for line in text[:-1].split("\n"):  # Other line ends may be in labels.
        if line.startswith("# HELP "):
            helped, words = line[7:].split(" ", 1)
            assert words.endswith("."), line
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == helped and name not in types, line
            types[name] = kind
        else:
            assert line and not line.startswith("#"), line
            own = line.split("{")[0].split(" ")[0]
            ends = [name + end for end in ("_bucket", "_sum", "_count")] if types[name] == "histogram" else [name]
            assert own in ends, f"{line} is not of {name}"
    return types


def _check_histogram(name, samples):
    series: dict[frozenset, dict] = {}
    for sample in samples:
        own = frozenset((key, value) for key, value in sample.labels.items() if key != "le")
        one = series.setdefault(own, {"buckets": []})
        if sample.name.endswith("_bucket"):
            one["buckets"].append((float(sample.labels["le"]), sample.value))
        else:
            one[sample.name.rsplit("_", 1)[1]] = sample.value
    for own, one in series.items():
        bounds, counts = zip(*one["buckets"])
        assert list(bounds) == sorted(set(bounds)) and bounds[-1] == math.inf, (name, own)
        assert list(counts) == sorted(counts) and counts[-1] == one["count"], (name, own)
        assert one["sum"] >= 0


def page(host, headers: dict | None = None) -> Page:
    answer = wire.exchange(host.port, "GET", "/metrics", headers=headers)
    assert answer.status == 200
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.body.decode())
