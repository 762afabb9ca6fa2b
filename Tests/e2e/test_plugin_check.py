"""`kimi-host plugin check`: shipped plugins pass, each hostile plugin fails the rule that names its fault."""

from __future__ import annotations

import json
import subprocess

import pytest

import hostprocess

ROOT = hostprocess.ROOT
WORDS = str(ROOT / "Tests/HostilePlugins/Transcripts")

# (configured fault, rule, a word of the sentence)
TRANSFORM_FAULTS = [
    ("reads_behind", "R40", "behind the end"),
    ("reads_before", "R40", "in front"),
    ("reads_behind_array", "R40", "behind the end"),
    ("reads_behind_request", "R40", "in begin"),
    ("keeps_text", "R41", "lent to an earlier call"),
    ("keeps_request", "R41", "lent to an earlier call"),
    ("keeps_sink", "R42", "died with an earlier call"),
    ("looks_into_sink", "R42", "opaque object"),
    ("invents_sink", "R42", "never handed out"),
    ("leaks_exchange", "R43", "bytes behind"),
    ("leaks_instance", "R23", "bytes behind"),
    ("needs_flush", "R30", "crashed in end"),
    ("counts_in_thread", "R32", "on one thread and on many"),
    ("counts_in_global", "R70", "the one time"),
    ("counts_in_instance", "R70", "the one time"),
    ("uses_latest_exchange", "R71", "among seven others"),
    ("marks_batches", "R50", "the one time"),
    ("marks_events", "R50", "the one time"),
    ("uses_wall_clock", "R70", "the one time"),
    ("trusts_text", "R51", "crashed in feed"),
    ("recurses", "R51", "crashed in feed"),
    ("emits_twice", "R60", "after FINISH"),
    ("text_after_finish", "R60", "after FINISH"),
    ("drops_call_end", "R60", "is open"),
    ("drops_start", "R60", "before START"),
    ("drops_finish", "R64", "without FINISH"),
    ("finish_without_reason", "R61", "no reason"),
    ("negative_usage", "R61", "-5"),
    ("flags_set", "R61", "flags"),
    ("latin1", "R61", "UTF-8"),
    ("cuts_code_points", "R61", "code point"),
    ("patch_not_json", "R62", "not JSON"),
    ("request_is_list", "R62", "not an object"),
    ("request_without_messages", "R62", "messages"),
    ("unchanged_after_put", "R62", "KIMI_UNCHANGED"),
    ("puts_in_two_ways", "R62", "within one call"),
    ("fails_silently", "R63", "without a reason"),
    ("says_another_status", "R63", "host->fail said"),
    ("ignores_stop", "R80", "S16"),
    ("ignores_failure", "R81", "did not fail"),
    ("ignores_put", "R82", "refused"),
    ("memory_unchecked", "R83", "crashed in begin"),
    ("short_table_unchecked", "R83", "struct_size ends before it"),
    ("random_unchecked", "R84", "crashed in begin"),
    ("malloc_unchecked", "R85", "crashed in begin"),
    ("sleeps", "R90", "are allowed"),
    ("spins", "R91", "of CPU"),
    ("aborts", "R60", "SIGABRT"),
    ("exits", "R60", "ended the process"),
    ("hangs", "R60", "hangs"),
    ("hangs_in_destroy", "R60", "hangs"),
    ("devours_memory", "R60", "of memory"),
]

PROVIDER_FAULTS = [
    ("no_step", "R62", "no step"),
    ("two_steps", "R62", "twice"),
    ("no_url", "R62", "no URL"),
    ("forbidden_host", "R62", "evil.example.org"),
    ("hosts_header", "R62", "is the host's"),
    ("header_injection", "R62", "control characters"),
    ("bad_header_name", "R62", "no name of a header"),
    ("bad_patch", "R62", "BODY_PATCH"),
    ("unknown_field", "R62", "none of ABI 1.0"),
    ("grants", "R62", "auth machines"),
    ("endless_steps", "R62", "no SEND"),
    ("endless_reply", "R30", "must end"),
    ("begin_sets_exchange", "R30", "S03"),
    ("begin_without_exchange", "R30", "NULL"),
    ("keeps_plan", "R42", "died with an earlier call"),
    ("keeps_header", "R41", "lent to an earlier call"),
    ("reads_behind_headers", "R40", "crashed in result"),
    ("reads_behind_frame", "R40", "crashed in feed"),
    ("first_frame_only", "R50", "the one time"),
    ("trusts_upstream", "R51", "crashed in feed"),
    ("silent_truncation", "R52", "neither FINISH"),
    ("starts_each_time", "R60", "second START"),
    ("swallows_errors", "R63", "neither an ERROR"),
    ("wrong_category", "R63", "category"),
    ("error_without_category", "R63", "category is none"),
    ("forgets_finish", "R64", "without FINISH"),
    ("ignores_plan", "R82", "nothing failed"),
]

# (library, rule, a word of the sentence, status)
LIBRARIES = [
    ("create_fails_silently", "R22", "without a reason", "fail"),
    ("create_sets_instance", "R22", "S02", "fail"),
    ("create_crashes", "R22", "crashed in create", "fail"),
    ("entry_exec_stack", "R04", "executable stack", "fail"),
    ("entry_static_tls", "R04", "static TLS", "fail"),
    ("entry_exports_more", "R02", "helper_of_the_plugin", "warn"),
    ("entry_takes_signal", "R05", "SIGTERM", "fail"),
    ("entry_changes_folder", "R05", "working directory", "fail"),
    ("entry_slow_constructor", "R05", "loading takes", "fail"),
    ("entry_slow", "R05", "the entry takes", "fail"),
    ("entry_crashes", "R03", "crashed", "fail"),
    ("entry_any_size", "R14", "behind the end", "fail"),
    ("entry_fills_512", "R14", "writes behind", "fail"),
    ("entry_one_minor", "R14", "ABI 1.99", "fail"),
    ("entry_unstable", "R13", "another one", "fail"),
    ("entry_any_interface", "R13", "must be NULL", "fail"),
    ("entry_default_refused", "R20", "default of 'n'", "fail"),
    ("entry_open_schema", "R20", "unknown key", "warn"),
]

# Tests/BadPlugins: what the loader refuses.
BAD = [
    ("not_elf", "R01", "script"),
    ("empty", "R01", "empty"),
    ("executable", "R01", "program"),
    ("pie", "R01", "program"),
    ("wrong_arch", "R01", "built for"),
    ("bits_32", "R01", "32-bit"),
    ("big_endian", "R01", "big-endian"),
    ("truncated", "R01", "cut off"),
    ("truncated_head", "R01", "bytes"),
    ("object_file", "R01", "object file"),
    ("mach_o", "R01", "Mach-O"),
    ("no_entry", "R01", "no kimi_plugin_entry_v1"),
    ("abi_2", "R01", "ABI 2"),
    ("undefined_symbol", "R03", "undefined symbol"),
    ("entry_error", "R10", "licence"),
    ("entry_error_silent", "R10", "no reason"),
    ("entry_weird", "R10", "12345"),
    ("needs_newer", "R10", "1.5"),
    ("manifest_null", "R11", "no manifest"),
    ("manifest_not_json", "R11", "not JSON"),
    ("manifest_no_id", "R11", "id"),
    ("manifest_no_provides", "R11", "provides"),
    ("manifest_bad_name", "R11", "My Transform"),
    ("manifest_bad_schema", "R11", "proprties"),
    ("manifest_huge", "R11", "bytes"),
    ("abi_disagrees", "R11", "handshake says"),
    ("only_unknown_interface", "R11", "knows"),
    ("missing_interface", "R12", "NULL"),
    ("no_get_interface", "R12", "get_interface"),
    ("null_provider_member", "R12", "flush"),
    ("null_transform_member", "R12", "NULL"),
    ("size_small", "R12", "struct_size"),
    ("size_zero", "R12", "struct_size"),
    ("data_pointer", "R12", "data"),
    ("foreign_pointer", "R12", "outside"),
]

pytestmark = pytest.mark.timeout(150)  # each rule is a process of its own

SHIPPED = [
    "AnthropicProvider", "OpenAIProvider", "OpenRouterProvider", "VertexProvider", "KimiK2Transform", "DemoProvider",
]  # fmt: skip


def check(library, *arguments: str) -> tuple[int, dict[str, dict], str]:
    """Exit status, results by rule, and everything printed."""
    command = [
        str(hostprocess.BINARY), "plugin", "check", str(library), "--json", "--plugins-insecure-path",
        *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {line["rule"]: line for line in lines if "rule" in line}, done.stdout + done.stderr


def sentences(result: dict) -> str:
    return " | ".join(finding["message"] for finding in result["findings"])


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Folders with the libraries of Tests/HostilePlugins and Tests/BadPlugins."""
    folder = tmp_path_factory.mktemp("hostile")
    for name in ("HostilePlugins", "BadPlugins"):
        command = ["make", "--silent", "-C", str(ROOT / "Tests" / name), f"OUT={folder / name}"]
        subprocess.run(command, check=True)
    return folder


def fault(name: str) -> list[str]:
    return ["--config", json.dumps({"fault": name}), "--seconds", "3" if name.startswith("hangs") else "25"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_plugins_pass(name):
    status, results, text = check(
        hostprocess.PLUGINS / f"lib{name}.so", "--strict", "--transcripts", str(ROOT / f"Plugins/{name}/Transcripts"))
    assert status == 0, text
    assert results["R95"]["status"] == "pass"
    assert {result["status"] for result in results.values()} <= {"pass", "skip"}


@pytest.mark.parametrize("library", ["hostile_transform", "hostile_provider"])
def test_without_a_fault_they_pass(built, library):
    transcripts = ["--transcripts", WORDS] if "provider" in library else []
    status, _, text = check(built / f"HostilePlugins/{library}.so", *fault("none"), *transcripts)
    assert status == 0, text


@pytest.mark.parametrize(("name", "rule", "words"), TRANSFORM_FAULTS)
def test_hostile_transforms(built, name, rule, words):
    status, results, text = check(built / "HostilePlugins/hostile_transform.so", *fault(name), "--only", rule)
    assert status == 1, text
    assert results[rule]["status"] == "fail"
    assert words in sentences(results[rule])


@pytest.mark.parametrize(("name", "rule", "words"), PROVIDER_FAULTS)
def test_hostile_providers(built, tmp_path, name, rule, words):
    transcript = (ROOT / "Tests/HostilePlugins/Transcripts/words.yaml").read_text()
    (tmp_path / "words.yaml").write_text(transcript.replace("fault: none", f"fault: {name}"))
    status, results, text = check(
        built / "HostilePlugins/hostile_provider.so", *fault(name), "--only", rule, "--transcripts", str(tmp_path))
    assert status == 1, text
    assert results[rule]["status"] == "fail"
    assert words in sentences(results[rule])


@pytest.mark.parametrize(("library", "rule", "words", "expected"), LIBRARIES)
def test_hostile_libraries(built, library, rule, words, expected):
    config = fault("none") if library.startswith("create") else []
    status, results, text = check(built / f"HostilePlugins/{library}.so", *config, "--only", rule)
    assert status == (1 if expected == "fail" else 0), text
    assert results[rule]["status"] == expected
    assert words in sentences(results[rule])


@pytest.mark.parametrize(("name", "rule", "words"), BAD)
def test_what_the_loader_refuses(built, name, rule, words):
    """The gates name it, and nothing after them is tried."""
    status, results, text = check(built / f"BadPlugins/{name}.so")
    assert status == 1, text
    assert [number for number, result in results.items() if result["status"] == "fail"] == [rule]
    assert words in sentences(results[rule])
    assert results["R60"]["status"] == "skip"


def test_usage_mistakes_end_with_2(built, tmp_path):
    library = built / "HostilePlugins/hostile_transform.so"
    broken = tmp_path / "broken.yaml"
    broken.write_text("kimi-transcript: 1\nkind: provider\nrequest: {}\nsteps:\n  - sendd: {}\n")
    for arguments, words in [
        (["--config", "{"], "--config is not JSON"),
        (["--config", "nowhere.json"], "no such file"),
        (["--transcripts", "nowhere"], "no such folder"),
        (["--transcripts", str(broken)], "broken.yaml:5"),
        (["--only", "R999"], "no rule or group 'R999'"),
    ]:
        status, _, text = check(library, *arguments)
        assert status == 2, text
        assert words in text


def test_a_wrong_transcript_is_found(tmp_path):
    """Each kind of expectation, spoilt, is told apart."""
    whole = (ROOT / "Plugins/OpenAIProvider/Transcripts/text.yaml").read_text()
    for old, new, words in [
        ("text: \"Grüße, Welt 😀.\"", "text: other", "event 2 'text' has text"),
        ("Bearer sk-test-key", "Bearer other", "secret header Authorization"),
        ("/v1/chat/completions", "/v2/chat/completions", "the URL is"),
        ("include_usage: true", "include_usage: false", "/stream_options/include_usage"),
        ("reason: stop, raw: stop", "reason: length", "reason"),
        ("usage: {input: 9, output: 5}", "usage: {input: 8}", "input"),
        ("events:\n", "fails: {in: next}\nevents:\n", "does not fail"),
    ]:
        assert old in whole
        (tmp_path / "text.yaml").write_text(whole.replace(old, new))
        status, results, text = check(
            hostprocess.PLUGINS / "libOpenAIProvider.so", "--only", "R95", "--transcripts", str(tmp_path))
        assert status == 1, text
        assert words in sentences(results["R95"])


def test_fuzz_finds_a_fault_and_makes_it_small(built, tmp_path):
    """What it writes is a transcript that fails again."""
    library, small = built / "HostilePlugins/hostile_transform.so", tmp_path / "small.json"
    command = [
        str(hostprocess.BINARY), "plugin", "fuzz", str(library), *fault("marks_events")[:2], "--seconds", "20",
        "--output", str(small), "--plugins-insecure-path",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "seed 1: cut elsewhere" in done.stderr
    assert 1 <= len(json.loads(small.read_text())["events-in"]) <= 4
    status, results, text = check(library, *fault("marks_events"), "--only", "R50", "--transcripts", str(small))
    assert status == 1, text


def test_fuzz_and_bench_of_a_good_plugin():
    for command, words in [("fuzz", "nothing found"), ("bench", "bytes copied per event")]:
        arguments = [
            str(hostprocess.BINARY), "plugin", command, str(hostprocess.PLUGINS / "libKimiK2Transform.so"),
            "--plugins-insecure-path", *(["--seconds", "3"] if command == "fuzz" else []),
        ]  # fmt: skip
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert words in done.stdout


def test_run_prints_plan_and_events():
    command = [
        str(hostprocess.BINARY), "plugin", "run", str(hostprocess.PLUGINS / "libOpenAIProvider.so"), "--in",
        str(ROOT / "Plugins/OpenAIProvider/Transcripts/text.yaml"), "--plugins-insecure-path",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "step: send POST https://api.example.com/v1/chat/completions" in done.stdout
    assert "sk-test-key" not in done.stdout
    assert '{"text":{"text":"Grüße, Welt 😀."}}' in done.stdout
