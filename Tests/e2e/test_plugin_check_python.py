"""`plugin check`, `run`, `bench` and `fuzz` of plugins in Python: each planted fault is found by its own rule."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

import hostprocess
from hostprocess import ROOT
from test_plugin_check import WORDS, check, sentences

pytestmark = pytest.mark.timeout(300)  # each rule is a process of its own, and starts another

HOSTILE = ROOT / "Tests/HostilePlugins"
INSECURE = "--plugins-insecure-path"

TRANSFORM_FAULTS = [
    ("refuses_default", "R21", "create refuses 'size' with its default: no size"),
    ("trusts_config", "R21", "KeyError in begin"),
    ("leaks_instances", "R23", "instances leave"),
    ("end_raises", "R30", "LookupError in end, line"),
    ("keeps_sink", "R42", "died with an earlier call"),
    ("leaks_exchanges", "R43", "exchanges leave"),
    ("marks_events", "R50", "all at once"),
    ("trusts_upstream", "R51", "UnicodeDecodeError in take"),
    ("trusts_request", "R51", "in begin, line"),
    ("second_start", "R60", "second START"),
    ("exits", "R60", "in feed its process ended with status 7"),
    ("aborts", "R60", "SIGABRT"),
    ("hangs", "R60", "in feed it hangs"),
    ("devours_memory", "R60", "MemoryError"),
    ("odd_status", "R60", "'yes', which is no status"),
    ("no_utf8", "R61", "UTF-8"),
    ("bad_json", "R62", "not JSON"),
    ("no_messages", "R62", "no 'messages'"),
    ("nan", "R62", "not JSON"),
    ("fails_silently", "R63", "without a reason"),
    ("forgets_finish", "R64", "without FINISH"),
    ("counts_exchanges", "R70", "the one time"),
    ("goes_through_a_set", "R70", "in another process"),
    ("shares", "R71", "among seven others"),
    ("slow", "R90", "are allowed"),
    ("spins", "R91", "of CPU"),
]

PROVIDER_FAULTS = [
    ("keeps_plan", "R42", "this plan died with an earlier call"),
    ("first_frame_only", "R50", "the one time"),
    ("trusts_upstream", "R51", "in feed, line"),
    ("silent_truncation", "R52", "neither FINISH"),
    ("starts_each_time", "R60", "second START"),
    ("no_step", "R62", "no step"),
    ("two_steps", "R62", "twice"),
    ("no_url", "R62", "no URL"),
    ("forbidden_host", "R62", "evil.example.org"),
    ("header_injection", "R62", "control characters"),
    ("bad_patch", "R62", "BODY_PATCH"),
    ("swallows_errors", "R63", "neither an ERROR"),
    ("wrong_category", "R63", "category"),
    ("forgets_finish", "R64", "without FINISH"),
]

NOT_APPLICABLE = {"R02", "R03", "R04", "R13", "R14", "R32", "R40", "R41", "R72", "R80", "R81", "R82", "R83", "R85"}

PLAIN = """import kimi_plugin as kimi
class T(kimi.Transform): pass
"""
DECLARED = 'kimi.plugin(id="test.t", name="T", version="1.0.0", word="t", transform=T{more})\n'

# (text of the file, rule, words, status)
FILES = {
    "syntax": ("def f(:\n", "R10", "SyntaxError in line 1", "fail"),
    "import": ("import numpy_of_nobody\n", "R10", "ModuleNotFoundError in <module>, line 1", "fail"),
    "raises": (PLAIN + "{}['x']\n", "R10", "KeyError in <module>, line 3", "fail"),
    "ends": (PLAIN + "raise SystemExit(3)\n", "R10", "ended while it was loaded", "fail"),
    "declares nothing": (PLAIN, "R10", "declares no plugin", "fail"),
    "word": (PLAIN + DECLARED.format(more="").replace('word="t"', 'word="My T"'), "R11", "My T", "fail"),
    "provides": (
        PLAIN + DECLARED.format(more=', provides=[{"interface": "kimi.provider/1", "name": "t"}]'),
        "R12", "NULL", "fail"),
    "default": (
        PLAIN + DECLARED.format(more=', config_schema={"type": "object", "additionalProperties": False, "properties": '
                                     '{"n": {"type": "integer", "default": "x"}}}'), "R20", "default of 'n'", "fail"),
    "open schema": (PLAIN + DECLARED.format(more=', config_schema={"type": "object"}'), "R20", "unknown key", "warn"),
    "slow import": ("sum(range(10**8))\n" * 8 + PLAIN + DECLARED.format(more=""), "R05", "of processor time", "fail"),
    "thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n" + PLAIN
        + DECLARED.format(more=""), "R05", "1 threads", "warn"),
}  # fmt: skip


def fault(name: str) -> list[str]:
    return ["--config", json.dumps({"fault": name}), "--seconds", "60"]


@pytest.mark.parametrize("kind", ["transform", "provider"])
def test_without_a_fault_they_pass(kind):
    transcripts = ["--transcripts", WORDS] if kind == "provider" else []
    status, results, text = check(HOSTILE / f"hostile_{kind}.py", *fault("none"), *transcripts, "--strict")
    assert status == 0, text
    assert {number for number, one in results.items() if one.get("applicable") is False} == NOT_APPLICABLE
    for number in NOT_APPLICABLE:
        assert results[number]["status"] == "skip" and "not applicable" in sentences(results[number])
    # The rest is tried: what is not passed is for the other kind, or has no transcripts.
    skipped = {number for number, one in results.items() if one["status"] == "skip"} - NOT_APPLICABLE
    assert skipped == ({"R01"} if kind == "provider" else {"R01", "R52", "R95"}), text
    assert f'"skip":{len(NOT_APPLICABLE) + len(skipped)}' in text


def test_the_example_of_the_documentation_passes(tmp_path):
    page = (ROOT / "docs/plugins-isolation.md").read_text()
    (tmp_path / "redact.py").write_text(page.split("```python\n")[1].split("```")[0])
    status, results, text = check(tmp_path / "redact.py", "--strict")
    assert status == 0 and results["R21"]["status"] == results["R50"]["status"] == "pass", text


@pytest.mark.parametrize(("name", "rule", "words"), TRANSFORM_FAULTS)
def test_hostile_transforms(name, rule, words):
    status, results, text = check(HOSTILE / "hostile_transform.py", *fault(name), "--only", rule)
    assert status == 1, text
    assert results[rule]["status"] == "fail" and words in sentences(results[rule]), text
    assert all(finding.get("cure") for finding in results[rule]["findings"] if finding["level"] == "fail")


@pytest.mark.parametrize(("name", "rule", "words"), PROVIDER_FAULTS)
def test_hostile_providers(tmp_path, name, rule, words):
    transcript = (HOSTILE / "Transcripts/words.yaml").read_text()
    (tmp_path / "words.yaml").write_text(transcript.replace("fault: none", f"fault: {name}"))
    status, results, text = check(
        HOSTILE / "hostile_provider.py", *fault(name), "--only", rule, "--transcripts", str(tmp_path))
    assert status == 1, text
    assert results[rule]["status"] == "fail" and words in sentences(results[rule]), text


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_with_a_file(tmp_path, name):
    source, rule, words, expected = FILES[name]
    (tmp_path / "t.py").write_text(source)
    # A failed handshake ends the check, as it does for libraries.
    gate = ["--only", "R01,R10,R11,R12,R60"] if rule in ("R10", "R11", "R12") else ["--only", rule]
    status, results, text = check(tmp_path / "t.py", *gate)
    assert results[rule]["status"] == expected and words in sentences(results[rule]), text
    assert status == (1 if expected == "fail" else 0), text
    if "R60" in results:
        assert results["R60"]["status"] == "skip" and f"{rule} failed" in sentences(results["R60"])
        assert [number for number, one in results.items() if one["status"] == "fail"] == [rule]


def test_owner_mode_sidecar_and_pin_are_r01(tmp_path):
    """What the host would not load is not checked any further."""
    file, sidecar = tmp_path / "t.py", tmp_path / "t.yaml"
    file.write_text(PLAIN + DECLARED.format(more=""))
    for text, words in [("sha256: " + 64 * "a", "sha256 is"), ("isolatoin: process", "isolation"), ("python: /nowhere/python", "")]:
        sidecar.write_text(text + "\n")
        status, results, shown = check(file, "--only", "R01,R10")
        failed = results["R10" if "python" in text else "R01"]
        assert status == 1 and failed["status"] == "fail" and words in sentences(failed), shown
    sidecar.write_text(f"isolation: process\npython: {sys.executable}\n")
    assert check(file, "--only", "R01,R10")[0] == 0
    sidecar.unlink()
    file.chmod(0o666)
    command = [str(hostprocess.BINARY), "plugin", "check", str(file), "--json", "--only", "R01,R10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "can be written by everybody" in done.stdout.splitlines()[0], done.stdout


def kit(*arguments, timeout=240) -> subprocess.CompletedProcess:
    command = [str(hostprocess.BINARY), "plugin", *map(str, arguments), INSECURE]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def test_run_prints_plan_and_events(tmp_path):
    done = kit("run", HOSTILE / "hostile_provider.py", "--in", HOSTILE / "Transcripts/words.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "step: send POST https://api.example.com/v1" in done.stdout
    assert '{"text":{"text":"onetwothree"}}' in done.stdout
    whole = (HOSTILE / "Transcripts/words.yaml").read_text()
    for old, new, words in [("onetwothree", "other", "expected otherwise"), ("fault: none", "fault: two_steps", "twice")]:
        (tmp_path / "words.yaml").write_text(whole.replace(old, new))
        done = kit("run", HOSTILE / "hostile_provider.py", "--in", tmp_path / "words.yaml")
        assert done.returncode == 1 and words in done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["transform", "provider"])
def test_bench_measures_beside_a_plugin_in_python_that_does_nothing(kind):
    transcripts = ["--transcripts", WORDS] if kind == "provider" else []
    done = kit("bench", HOSTILE / f"hostile_{kind}.py", "--config", '{"fault": "none"}', *transcripts)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if " in batches of " in line]
    assert len(lines) >= 2 and all("bytes copied" in line for line in lines), done.stdout
    costs = {line.split(": ")[0]: float(line.split("doing nothing ")[1].split()[0]) for line in lines}
    assert min(costs.values()) > 100, "a message to another process takes more than a call"


@pytest.mark.parametrize(("name", "words"), [("marks_events", "cut elsewhere"), ("knows_no_markup", "LookupError in take")])
def test_fuzz_finds_a_fault_and_makes_it_small(tmp_path, name, words):
    """What it writes is a transcript that fails again; the seed that it prints finds it again."""
    file, small = HOSTILE / "hostile_transform.py", tmp_path / "small.json"
    done = kit("fuzz", file, *fault(name)[:2], "--seconds", "60", "--output", small, timeout=280)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("seed 1, 60 s") and words in done.stderr, done.stdout + done.stderr
    seed = done.stderr.split("seed ")[1].split(":")[0]
    assert 1 <= len(json.loads(small.read_text())["events-in"]) <= 4
    rule = "R50" if name == "marks_events" else "R60"
    status, results, text = check(file, *fault(name), "--only", rule, "--transcripts", str(small))
    assert status == 1 and results[rule]["status"] == "fail", text
    again = kit("fuzz", file, *fault(name)[:2], "--seed", seed, "--seconds", "30", "--output", small, timeout=280)
    assert again.returncode == 1 and f"seed {seed}: " in again.stderr, again.stderr


def test_fuzz_finds_nothing_in_a_good_one():
    done = kit("fuzz", HOSTILE / "hostile_transform.py", "--seconds", "5")
    assert done.returncode == 0 and "nothing found" in done.stdout, done.stdout + done.stderr
    assert int(done.stdout.splitlines()[-1].split()[0]) > 5


def test_nothing_is_left_behind(tmp_path):
    """Neither processes nor files of the no-op that bench measures."""
    from pathlib import Path

    shutil.copy2(HOSTILE / "hostile_transform.py", tmp_path / "left_behind.py")
    assert kit("check", tmp_path / "left_behind.py", "--only", "R60,R70").returncode == 0
    kit("check", tmp_path / "left_behind.py", *fault("hangs")[:2], "--only", "R60")
    assert kit("bench", tmp_path / "left_behind.py").returncode == 0
    assert not list(Path("/tmp").glob("kimi-host-noop-*.py"))
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert str(tmp_path).encode() not in line.read_bytes(), line
        except OSError:
            continue


def test_usage_mistakes_end_with_2(tmp_path):
    for arguments, words in [(["--config", "{"], "--config is not JSON"), (["--only", "R999"], "no rule or group 'R999'")]:
        status, _, text = check(HOSTILE / "hostile_transform.py", *arguments)
        assert status == 2 and words in text, text
    status, _, text = check(tmp_path / "nowhere.py", "--only", "R01")
    assert status == 2 and "there is no such file" in text, text
