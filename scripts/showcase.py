"""Traffic to look at: a host with a day behind it, then real requests of every kind through it.

For scripts/screenshots.py and for working on the dashboard. The upstreams are one mock on this machine.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/e2e"))

import hostprocess  # noqa: E402
import replies  # noqa: E402
import wire  # noqa: E402
from mock_upstream import MockUpstream, Reset, Wait  # noqa: E402

DEV = hostprocess.BINARY.parent / "DashboardDev"
ADMIN = "kh-showcase-admin-0123456789"
TOOLS = [("read_file", "Reads a file of the workspace.", "path"), ("grep", "Searches files with a regular expression.", "pattern"),
         ("bash", "Runs a command in a shell, for at most two minutes.", "command")]  # fmt: skip
SYSTEM = """You are a coding agent. You work in a repository on the user's machine.

1. Read before you change anything.
2. Prefer small edits; never rewrite a file that you have not read.
3. Run the tests after each change and say what failed.
4. Say plainly what is missing or weaker than asked."""
TASK = "The retry test fails about once in twenty runs. Find out why and fix it."
THOUGHT = "The path was wrong, so I should search for the file instead of guessing again. The jitter must come from the back-off; " \
    "a bound of 800 ms cannot hold if the third delay is drawn from a full second. "  # fmt: skip
SAID = "The file has moved. The jitter is most likely made where the delays are, so I will look for that function before I touch " \
    "anything:\n\n- find `func backoff`\n- read what bounds it\n- then mend the **test**, not the code\n\n"  # fmt: skip
MARKUP = ["<|tool_calls_section_begin|>", "<|tool_call_begin|>functions.grep:2", "<|tool_call_argument_begin|>",
          '{"path": "Sources", ', '"pattern": "func backoff"}', "<|tool_call_end|>", "<|tool_calls_section_end|>"]  # fmt: skip


def words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def usage(prompt: int, cached: int, output: int, reasoning: int = 0) -> dict:
    return {
        "prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached}, "completion_tokens_details": {"reasoning_tokens": reasoning},
    }  # fmt: skip


def chat_stream(deltas: list[dict], finish: str, counts: dict, wait: float, gap: float) -> list:
    chunks = [replies.chunk({"role": "assistant", "content": ""}), *map(replies.chunk, deltas), replies.chunk({}, finish)]
    steps: list = [Wait(wait), replies.HEAD]
    for number, one in enumerate([*chunks, {**replies.chunk({}), "choices": [], "usage": counts}]):
        # Tokens come in bursts, as they do.
        steps += [replies.http_chunk(replies.event(one)), Wait(gap * (0.3 + number * 7 % 5 / 2.5))]
    return [*steps, replies.http_chunk(replies.DONE), replies.LAST_CHUNK]


def kimi(request) -> list:
    """Kimi as a bare server has it: the call stands in the text."""
    reasoning = [{"reasoning_content": word} for word in words(THOUGHT)]
    content = [{"content": word} for word in [*words(SAID), *MARKUP]]
    return chat_stream(reasoning + content, "stop", usage(5210, 4096, 264, 120), 0.35, 0.012)


def claude(request) -> list:
    def event(kind: str, **members) -> bytes:
        return replies.http_chunk(f"event: {kind}\ndata: {replies.dumps({'type': kind, **members})}\n\n".encode())

    counts = {"input_tokens": 412, "cache_read_input_tokens": 18_040, "cache_creation_input_tokens": 960, "output_tokens": 1}
    message = {"id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [], "usage": counts}
    steps = [Wait(0.2), replies.HEAD, event("message_start", message=message),
             event("content_block_start", index=0, content_block={"type": "text", "text": ""})]  # fmt: skip
    for word in words("The change is sound, with one remark: `limit` is read twice, so a reload between the two reads sees both values. "):
        steps += [event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}), Wait(0.01)]
    return [*steps, event("content_block_stop", index=0),
            event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 48}),
            event("message_stop"), replies.LAST_CHUNK]  # fmt: skip


def plain(request) -> list:
    asked = json.loads(request.body)
    if not asked.get("stream"):
        answer = {**replies.completion("Done: the table has three columns now."), "usage": usage(930, 512, 21)}
        return [Wait(0.08), replies.response(answer)]
    return chat_stream([{"content": word} for word in words("Done: the table has three columns now, and the test passes.")],
                       "stop", usage(1_840, 1_024, 34), 0.1, 0.008)  # fmt: skip


def too_many(request) -> list:
    error = {"error": {"message": "Rate limit reached: 3 requests per minute", "type": "rate_limit_error"}}
    return [Wait(0.3), replies.response(error, 429, "Too Many Requests")]


def gone(request) -> list:
    return [Wait(0.4), Reset()]


def answer(request) -> list:
    """By the path's first part, which names the provider in the configuration."""
    kind = request.target.split("/")[1]
    return {"limited": too_many, "kimi": kimi, "claude": claude, "gone": gone}.get(kind, plain)(request)


def route(name: str, provider: str, model: str, base: str, **more) -> dict:
    config = {"baseUrl": base, "apiKey": "sk-showcase-secret", **more.pop("config", {})}
    return {"name": name, "provider": provider, "model": model, "provider_config": config, **more}


class Showcase:
    """A running host; `stop` ends it and its upstream."""

    def __init__(self, folder: Path, rows: int = 9_000):
        self.upstream = MockUpstream()
        self.upstream.always(answer)
        folder.mkdir(parents=True, exist_ok=True)
        database = folder / "data/logs.db"
        database.parent.mkdir(mode=0o700)
        subprocess.run([DEV, "fill", database, str(rows), "day"], check=True, capture_output=True, timeout=300)
        base = f"http://127.0.0.1:{self.upstream.port}/"
        models = [
            route("kimi-k2", "openai", "kimi-k2-turbo-preview", base + "limited/v1"),
            route("kimi-k2", "openrouter", "moonshotai/kimi-k2-0905", base + "kimi/v1", transforms=["kimi-k2"]),
            route("claude-sonnet", "anthropic", "claude-sonnet-4-5", base + "claude"),
            route("gpt-5", "openai", "gpt-5", base + "plain/v1"),
            route("gemini-pro", "openai", "gemini-2.5-pro", base + "gone/v1"),
        ]  # fmt: skip
        prices = [{"model": "*", "input": 0.6, "output": 2.5, "cache_read": 0.15, "cache_write": 0.75}]
        keys = [{"name": name, "hash": "$" + name.upper() + "_HASH"} for name in ("alice", "bob")]
        hashes = {f"{name.upper()}_HASH": self._hash(f"kh-{name}-0123456789abcdef") for name in ("alice", "bob")}
        config = {"models": models, "log": {"prices": prices}, "routing": {"retries": 1, "cooldown_after": 1, "cooldown": 300},
                  "auth": {"admin_key": self._hash(ADMIN), "keys": [{**key, "hash": hashes[key["hash"][1:]]} for key in keys]}}  # fmt: skip
        self.host = hostprocess.Host(folder, config, environment={"KIMI_STATE_DIR": str(folder / "data")}).wait_ready()
        self.url = f"http://127.0.0.1:{self.host.port}/"

    @staticmethod
    def _hash(key: str) -> str:
        import hashlib

        return "sha256:" + hashlib.sha256(key.encode()).hexdigest()

    def send(self, path: str, body: dict, who: str = "alice", identifier: str | None = None) -> wire.Response:
        headers = {"authorization": f"Bearer kh-{who}-0123456789abcdef"}
        if identifier:
            headers["x-request-id"] = identifier
        return wire.exchange(self.host.port, "POST", path, body, headers)

    def play(self):
        """One of each kind, and some more."""
        schema = lambda name: {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}  # noqa: E731
        tools = [{"name": name, "description": text, "input_schema": schema(member)} for name, text, member in TOOLS]
        agent = {
            "model": "kimi-k2", "max_tokens": 8192, "stream": True, "temperature": 0.6, "top_k": 40,
            "thinking": {"type": "enabled", "budget_tokens": 4096}, "metadata": {"user_id": "u_1"}, "tools": tools,
            "system": [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": TASK},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "The user wants the flaky test found. I look at the test first, then at the back-off.",
                     "signature": "EqQBCkYIAx"},
                    {"type": "text", "text": "I'll start with the test itself."},
                    {"type": "tool_use", "id": "toolu_01A", "name": "grep", "input": {"pattern": "backoff"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01A", "content":
                    "Tests/RetryTests.swift:41:    let delay = policy.backoff(attempt: 3)\n"
                    "Tests/RetryTests.swift:42:    #expect(delay < .milliseconds(800))"}]},
                {"role": "assistant", "content": [
                    {"type": "text", "text": "The test compares a random delay with a bound that jitter can exceed:\n\n```swift\n"
                        "let delay = policy.backoff(attempt: 3)\n#expect(delay < .milliseconds(800))\n```\n\nLet me see how it is made."},
                    {"type": "tool_use", "id": "toolu_01B", "name": "read_file", "input": {"path": "Sources/Retry/Backoff.swift"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01B", "is_error": True,
                    "content": "ENOENT: no such file: Sources/Retry/Backoff.swift"}]}],
        }  # fmt: skip
        chat = lambda model, text, **more: {"model": model, "messages": [{"role": "user", "content": text}], **more}  # noqa: E731
        self.send("/v1/chat/completions", chat("gpt-5", "Add a column to the table.", stream=True), "bob")
        self.send("/v1/messages", {**agent}, identifier="req_agent_run")
        self.send("/v1/messages", {"model": "claude-sonnet", "max_tokens": 1024, "stream": True, "system": "Review in two sentences.",
                                   "messages": [{"role": "user", "content": "diff --git a/limits.swift b/limits.swift …"}]}, "bob")  # fmt: skip
        self.send("/v1/chat/completions", chat("gemini-pro", "Summarise the release notes."), "bob")
        self.send("/v1/responses", {"model": "gpt-5", "input": "Name the three largest files.", "stream": True})
        for number in range(3):
            self.send("/v1/chat/completions", chat("gpt-5", f"Question {number}: what does this function return?"), "bob")
        self.send("/v1/chat/completions", chat("nobody", "Is anybody there?"))
        time.sleep(1.5)

    def trickle(self) -> threading.Event:
        """Goes on with small requests until the event is set."""
        end = threading.Event()

        def run():
            number = 0
            while not end.wait(0.6):
                number += 1
                body = {"model": "gpt-5", "messages": [{"role": "user", "content": f"Small question {number}"}], "stream": number % 2 == 0}
                self.send("/v1/chat/completions", body, ["alice", "bob"][number % 2])

        threading.Thread(target=run, daemon=True).start()
        return end

    def stop(self):
        self.host.stop()
        self.upstream.stop()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        show = Showcase(Path(folder) / "host")
        show.play()
        print(f"{show.url}  (sign in with {ADMIN}); Ctrl-C ends it")
        show.trickle()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            show.stop()
