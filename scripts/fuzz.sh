#!/usr/bin/env bash
# libFuzzer against the Kimi transform (its reading of replies, its rewriting of requests) and against the dialects (each
# decoder, and all encoders with events that no plugin should send).
#   scripts/fuzz.sh [SECONDS [TARGET...]]   for each target (60); inputs that it likes are kept in .build/fuzz/corpus
# A finding stays in .build/fuzz/found; `.build/fuzz/release/FuzzReply FILE` shows it again. Make it a case of
# Tests/KimiK2TransformTests/Cases/found.json, or a test of Tests/DialectsTests, before you heal it.
set -eu
. "$(dirname "$0")/common.sh"

seconds=${1:-60}
shift || true
targets=${*:-FuzzReply FuzzRequest FuzzEncoders FuzzChatRequest FuzzMessagesRequest FuzzResponsesRequest}
work=$ROOT/.build/fuzz

# libFuzzer's runtime without a `main`, from the Swift toolchain or from Debian's libclang-rt-NN-dev.
find_runtime() {
    local toolchain
    toolchain=$(dirname "$(dirname "$(realpath "$(command -v swift)")")")
    find "$toolchain/lib" /usr/lib/llvm-* -name "libclang_rt.fuzzer_no_main-$(uname -m).a" 2>/dev/null | head -n 1
}

# Words that libFuzzer puts together: every marker, and what stands between them.
write_dictionary() {
    python3 - "$ROOT/Tests/e2e" >"$work/words.dict" <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import kimi_cases
words = [*kimi_cases.MARKERS, "functions.read:0", "functions.", ":0", '{"path":"/srv/a.txt"}', '{"q":"rain"}', '\\"', "```json\n",
    "`", "(no content)", "<tool_call>", "</tool_call>", '<invoke name="read">', "</invoke>", "<function=read>", "\f", "read:0",
    "think", "response", "tools", 'call tool="read" index="1"', 'argument key="path" type="string"', "argument", "message",
    '"messages":[', '{"role":"assistant",', '"tool_calls":[', '"tool_call_id":"functions.read:0"', '"content":', '"tools":[',
    '"tool_choice":"required"', '"reasoning_content":""', '"parameters":{', '"$ref":"#/$defs/a"', '"anyOf":[', '"type":"object"']
# The words of the three APIs' requests.
words += ['"type":"' + word + '"' for word in ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking",
    "search_result", "base64", "url", "message", "reasoning", "function_call", "function_call_output", "custom_tool_call",
    "custom_tool_call_output", "apply_patch_call", "local_shell_call", "shell_call", "item_reference", "input_text", "output_text",
    "input_image", "input_file", "refusal", "reasoning_text", "summary_text", "function", "custom", "namespace", "json_schema", "grammar",
    "allowed_tools", "enabled", "ephemeral")]
words += [f'"{word}":' for word in ("model", "system", "input", "instructions", "source", "tool_use_id", "is_error", "cache_control",
    "call_id", "arguments", "output", "encrypted_content", "signature", "thinking", "stop_sequences", "output_config", "text", "reasoning",
    "include", "metadata", "previous_response_id", "n", "logit_bias", "stream_options", "max_tokens", "input_schema", "id", "items",
    "response")] + ["kimi-host.1.", '"role":"user"', '"stream":true', "null", "[]", "{}"]
for word in words:
    print('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"')
PYTHON
}

# The cases and vectors as first inputs, in several readings.
write_seeds() {
    python3 - "$ROOT/Tests/e2e" "$work/corpus" <<'PYTHON'
import json, pathlib, random, sys
sys.path.insert(0, sys.argv[1])
import kimi_cases
folder, source = pathlib.Path(sys.argv[2]), random.Random(1)
for name in ("FuzzReply", "FuzzRequest", "FuzzEncoders", "FuzzChatRequest", "FuzzMessagesRequest", "FuzzResponsesRequest"):
    (folder / name).mkdir(parents=True, exist_ok=True)
texts = kimi_cases.own() + kimi_cases.vectors()
for number, case in enumerate(texts):
    text = "".join(kimi_cases.pieces(case)).encode()[:4000]
    flags = 2 if case.get("field") else 0
    models = {"k2-thinking": 2, "k2.5": 3, "k2.6": 7, "k3": 4}
    head = bytes([models.get(case["model"], 0), 0, source.randrange(4), source.randrange(256), flags])
    (folder / "FuzzReply" / f"seed{number}").write_bytes(head + text)
requests = [one["client_request"] for one in kimi_cases.wire_vectors() if one["kind"] == "request"]
requests += [{"model": "kimi", "messages": [{"role": "user", "content": "hi"}], "tools": kimi_cases.tools(case)} for case in texts[::20]]
requests += [{"model": "kimi", "messages": [{"role": "user", "content": "hi"},
    {"role": "assistant", "content": "".join(kimi_cases.pieces(case))[:2000]}, {"role": "user", "content": "go on"}]} for case in texts[::9]]
for number, body in enumerate(requests):
    for config in range(11):
        data = bytes([config, number % 4]) + json.dumps(body, ensure_ascii=False).encode()
        (folder / "FuzzRequest" / f"seed{number}-{config}").write_bytes(data)
    (folder / "FuzzChatRequest" / f"seed{number}").write_bytes(json.dumps(body, ensure_ascii=False).encode())
# One request of each of the other two APIs with a bit of everything, and one without.
text, schema = {"type": "text", "text": "hi\u00e9"}, {"type": "object", "properties": {"q": {"type": "string"}}}
image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
messages = {"model": "m", "max_tokens": 9, "system": [text], "stream": True, "stop_sequences": ["x"], "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 2048}, "tools": [{"name": "f", "input_schema": schema}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True}, "messages": [{"role": "user", "content": [text, image]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, text,
        {"type": "tool_use", "id": "i", "name": "f", "input": {"q": 1}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "i", "content": [text, image], "is_error": True}]}]}
responses = {"model": "m", "instructions": "be", "stream": True, "include": ["reasoning.encrypted_content"], "text": {"format":
    {"type": "json_schema", "name": "n", "schema": schema}}, "tools": [{"type": "function", "name": "f", "parameters": schema},
    {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}, {"type": "apply_patch"}],
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}, {"type": "input_image", "image_url": "data:,x"}]},
    {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "kimi-host.1.eyJ0aGlua2luZyI6InQifQ"},
    {"type": "function_call", "call_id": "i", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": "i",
        "output": "o"}, {"type": "custom_tool_call", "call_id": "k", "name": "c", "input": "x"}, {"type": "item_reference", "id": "z"}]}
for target, full in (("FuzzMessagesRequest", messages), ("FuzzResponsesRequest", responses)):
    few = {key: full[key] for key in full if key in ("model", "max_tokens")} | {"input": "x", "messages": [{"role": "user", "content": "x"}]}
    for number, body in enumerate((full, few, {"response": {"id": "x", "output": []}, "items": []})):
        (folder / target / f"seed{number}").write_bytes(json.dumps(body, ensure_ascii=False).encode())
for number in range(200):
    data = bytes([number % 7, source.randrange(256)]) + source.randbytes(source.randrange(8, 200))
    (folder / "FuzzEncoders" / f"seed{number}").write_bytes(data)
PYTHON
}

# Fuzzes one target; its findings are files in $work/found.
fuzz() {
    local name=$1
    say "$name for $seconds s"
    "$work/release/$name" -max_total_time="$seconds" -dict="$work/words.dict" -artifact_prefix="$work/found/$name-" \
        -max_len=4096 -len_control=20 -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
        "$work/corpus/$name" >"$work/$name.log" 2>&1 || {
        grep -E -A4 'FOUND|ERROR|Fatal|Test unit written' "$work/$name.log" | cut -c 1-2000 >&2
        die "$name found something: $work/found. The log is $work/$name.log."
    }
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$work/$name.log"
}

# A trap belongs to libFuzzer, which writes down the input; Swift's own backtrace would come first.
export SWIFT_BACKTRACE=enable=no
export FUZZER_RUNTIME=${FUZZER_RUNTIME:-$(find_runtime)}
[ -n "$FUZZER_RUNTIME" ] || die "libFuzzer's runtime is nowhere: install Debian's libclang-rt-dev, or set FUZZER_RUNTIME."
mkdir -p "$work/found"
swift build -c release --package-path Tests/Fuzz --scratch-path "$work"
write_dictionary
write_seeds
for target in $targets; do fuzz "$target"; done
say "nothing found"
