"""The request log: what it holds of an exchange, what it hides, and what it does when its disk fails."""

import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

import hostprocess
import logfiles
import replies
import wire
from conftest import entry
from hostprocess import Host
from mock_upstream import Reset, Wait

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello there"}]}


def post(host, body, path="/v1/chat/completions", headers=None, **more):
    headers = {**(headers or {}), **{name.replace("_", "-"): value for name, value in more.items()}}
    return wire.exchange(host.port, "POST", path, body, headers)


def test_a_streamed_exchange_is_there_from_end_to_end(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url, transforms=["kimi-k2"])]})
    upstream.reply(*replies.stream([*replies.text_chunks("Hel", "lo"), replies.usage_chunk()]))
    answer = post(host, {**ASK, "stream": True, "stream_options": {"include_usage": True}}, x_request_id="the-one")
    assert answer.status == 200
    [row] = logfiles.wait_rows(host, 1)
    assert (row["id"], row["model"], row["provider"], row["upstream_model"]) == ("the-one", "m", "openai", "upstream-model")
    assert (row["outcome"], row["status"], row["stream"], row["dialect"]) == ("ok", 200, True, "openai.chat")
    assert 0 <= row["first_token_ms"] <= row["duration_ms"] and row["overhead_us"] >= 0 and row["finish"] == "stop"
    assert row["usage"]["input"] > 0 and row["usage"]["output"] > 0
    assert [p["name"] for p in row["plugins"]] == ["openai", "kimi-k2"]
    assert all(len(p["sha256"]) == 64 and p["version"] and p["id"] for p in row["plugins"])
    whole = logfiles.show(host, "the-one")
    assert json.loads(logfiles.body(whole, "request"))["messages"] == ASK["messages"]
    assert logfiles.body(whole, "reply").encode() == answer.body
    [attempt] = row["attempts"]
    assert attempt["url"].endswith("/v1/chat/completions") and attempt["status"] == 200 and attempt["end_ms"] >= 0
    sent = {h["name"].lower(): h["value"] for h in attempt["headers"]}
    assert sent["authorization"] == "***"
    assert json.loads(logfiles.body(whole, "upstream_request", 1)) == json.loads(upstream.requests[0].body)
    raw = logfiles.body(whole, "upstream_reply", 1)
    assert "Hel" in raw and raw.rstrip().endswith("[DONE]")
    assert sum(attempt["arrivals"][1::2]) == len(raw.encode()) and len(attempt["arrivals"]) >= 2
    assert any(h["name"].lower() == "content-type" for h in attempt["answer_headers"])


def test_failures_before_an_exchange_are_there(start_host, upstream):
    host = start_host(
        {
            "models": [entry("m", upstream.url)],
            "auth": {"keys": [{"name": "alice", "key": "$ALICE"}]},
        },
        environment={"ALICE": "client-key-0123456789"},
    )
    good = {"authorization": "Bearer client-key-0123456789"}
    assert post(host, ASK).status == 401
    assert post(host, b"{broken", headers=good).status == 400
    assert post(host, {**ASK, "model": "nobody"}, headers=good).status == 404
    upstream.reply(replies.response(replies.completion()))
    assert post(host, ASK, headers=good).status == 200
    upstream.always(Reset())
    assert post(host, ASK, headers=good).status == 502
    found = list(reversed(logfiles.wait_rows(host, 5)))
    assert [row["status"] for row in found] == [401, 400, 404, 200, 502]
    assert [row["outcome"] for row in found] == ["failed", "failed", "failed", "ok", "failed"]
    assert found[2]["model"] == "nobody" and found[3]["client"] == "alice"
    assert all(row["error"]["message"] for row in found if row["outcome"] == "failed")
    assert [row["status"] for row in logfiles.rows(host, "--errors")] == [502, 404, 400, 401]
    assert found[4]["attempts"][0]["error"]["category"] == "network"


def test_each_attempt_is_there(start_host, upstream, second_upstream):
    host = start_host({"models": [entry("m", upstream.url), entry("m", second_upstream.url)]})
    upstream.reply(replies.response({"error": {"message": "out of order"}}, status=503))
    second_upstream.reply(replies.response(replies.completion("from the second")))
    answer = post(host, ASK, x_request_id="two")
    assert answer.status == 200
    logfiles.wait_rows(host, 1)
    whole = logfiles.show(host, "two")
    assert [(a["number"], a["status"]) for a in whole["attempts"]] == [(1, 503), (2, 200)]
    assert whole["attempts"][0]["error"]["message"]
    assert "out of order" in logfiles.body(whole, "upstream_reply", 1)
    assert "from the second" in logfiles.body(whole, "upstream_reply", 2)


def test_the_native_route_is_there_too(start_host, upstream):
    host = start_host({"models": [
        {"name": "m", "provider": "openai", "model": "up", "provider_config": {
            "apiKey": "sk-upstream", "baseUrl": upstream.url, "native": True}}]})  # fmt: skip
    upstream.reply(*replies.stream([*replies.text_chunks("Hel", "lo"), replies.usage_chunk()]))
    answer = post(host, {**ASK, "stream": True}, x_request_id="native")
    [row] = logfiles.wait_rows(host, 1)
    assert row["native"] and row["outcome"] == "ok" and row["usage"]["output"] > 0
    whole = logfiles.show(host, "native")
    assert logfiles.body(whole, "reply").encode() == answer.body
    assert "Hel" in logfiles.body(whole, "upstream_reply", 1)


def test_a_client_that_goes_is_there(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)]})
    upstream.reply(*replies.stream(replies.text_chunks("Hel", "lo"))[:3], Wait(30))
    with wire.Connection(host.port) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps({**ASK, "stream": True}).encode())
        connection.read_until(b"Hel")
    [row] = logfiles.wait_rows(host, 1)
    assert (row["outcome"], row["status"]) == ("cancelled", 499)


def test_what_a_transform_changes_is_there(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url, transforms=["kimi-k2"])]})
    upstream.reply(replies.response(replies.completion()))
    history = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_a", "type": "function", "function": {"name": "read", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_a", "content": "done"},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]
    post(host, {"model": "m", "messages": history, "tools": tools}, x_request_id="changed")
    logfiles.wait_rows(host, 1)
    whole = logfiles.show(host, "changed")
    assert [c["plugin"] for c in whole["attempts"][0]["changes"]] == ["kimi-k2"]
    assert "functions.read:0" in logfiles.body(whole, "change", 1)


def test_bodies_can_be_off(start_host, upstream):
    upstream.always(lambda request: [replies.response(replies.completion("PLAINLY"))])
    host = start_host({
        "models": [entry("kept", upstream.url), entry("secret-1", upstream.url)],
        "log": {"models_without_bodies": ["secret-*"], "prices": [
            {"model": "nothing", "input": 5}, {"model": "upstream-*", "input": 1000000, "output": 2000000}]}})  # fmt: skip
    for model in ("kept", "secret-1"):
        post(host, {**ASK, "model": model}, x_request_id=model)
    found = logfiles.wait_rows(host, 2)
    kept, secret = logfiles.show(host, "kept"), logfiles.show(host, "secret-1")
    assert "PLAINLY" in logfiles.body(kept, "reply") and not secret.get("bodies")
    assert secret["request_bytes"] > 0 and secret["reply_bytes"] > 0
    usage = found[0]["usage"]
    assert usage["cost_by"] == "prices" and usage["cost"] == pytest.approx(usage["input"] + 2 * usage["output"])

    host = start_host({"models": [entry("m", upstream.url)], "log": {"bodies": "errors"}})
    post(host, ASK, x_request_id="good")
    post(host, b"{broken-one", headers={"x-request-id": "bad"})
    logfiles.wait_rows(host, 2)
    assert not logfiles.show(host, "good").get("bodies")
    assert logfiles.body(logfiles.show(host, "bad"), "request") == "{broken-one"


def test_the_log_can_be_off(start_host, upstream):
    upstream.reply(replies.response(replies.completion()))
    host = start_host({"models": [entry("m", upstream.url)], "log": {"enabled": False}})
    assert post(host, ASK).status == 200
    host.stop()
    assert not logfiles.database(host).exists()
    assert not list(logfiles.database(host).parent.glob("logs*"))  # The folder is the host's, for other things too.
    assert "kimi_log" not in host.output


def test_a_long_body_is_cut_and_marked(start_host, upstream):
    upstream.reply(replies.response(replies.completion("x" * 50_000)))
    host = start_host({"models": [entry("m", upstream.url)], "log": {"max_body_bytes": 10_000}})
    post(host, ASK, x_request_id="long")
    [row] = logfiles.wait_rows(host, 1)
    assert row["reply_kept"] == 10_000 < row["reply_bytes"]
    reply = next(b for b in logfiles.show(host, "long")["bodies"] if b["kind"] == "reply")
    assert len(reply["text"]) == 10_000 and reply["total"] == row["reply_bytes"]


def test_files_are_the_owners_and_the_path_is_the_environments(start_host, upstream, tmp_path):
    upstream.reply(replies.response(replies.completion()))
    path, spool = tmp_path / "elsewhere/log.sqlite", tmp_path / "blobs/deep"
    host = start_host(
        {"models": [entry("m", upstream.url)]}, environment={"LOG_DB_PATH": str(path), "LOG_BLOB_ROOT": str(spool)}
    )
    post(host, ASK)
    end = time.monotonic() + 10
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert not logfiles.database(host).exists() and not spool.exists()


def test_wrong_settings_are_named(start_host, tmp_path, upstream):
    host = start_host({"models": [entry("m", upstream.url)], "log": {"redact": ["("]}}, ready=False)
    assert host.wait_end() == 1 and "log.redact" in host.output
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as made:
        made.execute("create table t (x)")
    host = start_host({"models": [entry("m", upstream.url)], "log": {"path": str(other)}}, ready=False)
    assert host.wait_end() == 1 and "another program" in host.output


def grep(folder, *words) -> list[str]:
    found = []
    for word in words:
        if subprocess.run(["grep", "-rqaF", word, folder]).returncode == 0:
            found.append(word)
    return found


def test_planted_secrets_are_nowhere(start_host, upstream):
    provider, client, pattern = "sk-PLANTEDPROVIDER\"/9x", "PLANTED-CLIENT-0123456789", "4111-1111-1111-1111"
    host = start_host(
        {
            "models": [
                {"name": "m", "provider": "openai", "model": "up", "provider_config": {
                    "apiKey": "$PROVIDER_KEY", "baseUrl": upstream.url}},
                {"name": "n", "provider": "openai", "model": "up", "provider_config": {
                    "apiKey": "$PROVIDER_KEY", "baseUrl": upstream.url, "native": True}},
            ],
            "auth": {"keys": [{"name": "a", "key": "$CLIENT_KEY"}]},
            "log": {"redact": ["[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{4}"]},
        },
        environment={"PROVIDER_KEY": provider, "CLIENT_KEY": client},
    )  # fmt: skip
    text = f"{provider} {client} {pattern}"
    headers = {"authorization": f"Bearer {client}", "x-request-id": "r-1", "x-api-key": client}
    for model in ("m", "n"):
        for stream in (False, True):
            # The upstream repeats the secrets, in a header too.
            said = replies.completion(text)
            upstream.reply(*(
                replies.stream(replies.text_chunks(text)) if stream
                else [replies.response(said, headers={"x-seen": provider, "set-cookie": "id=PLANTEDCOOKIE"})]
            ))  # fmt: skip
            body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]}
            assert post(host, body, headers=headers).status == 200
    upstream.reply(replies.response({"error": {"message": f"bad key {text}"}}, status=401))
    post(host, {"model": "m", "messages": [{"role": "user", "content": text}]}, headers=headers)
    # A key that is wrong, one as a model's name, one as an id.
    post(host, {**ASK, "model": client}, headers=headers)
    post(host, {**ASK, "model": "x"}, headers={**headers, "x-request-id": client})
    post(host, b"{", f"/{client}/v1/chat/completions", headers)
    post(host, ASK, headers={"authorization": "Bearer PLANTED-WRONG-KEY-1"})
    logfiles.wait_rows(host, 9)
    everything = logfiles.command(host, "export")
    assert "PLANTED" not in everything and "4111" not in everything, everything[everything.index("PLANTED") - 300 :][:600]
    assert everything.count("***") > 12
    host.stop()
    folder = logfiles.database(host).parent
    assert grep(folder, "PLANTED", "4111-1111") == [] and provider not in host.output


def test_tokens_are_nowhere(start_host, upstream, runtime_plugins):
    def answer(request):
        if request.target.endswith("/token"):
            return [replies.response({"access_token": "PLANTEDTOKEN-77", "expires_in": 3600})]
        return [replies.response({"ok": True, "echo": "PLANTEDTOKEN-77"})]

    upstream.always(answer)
    models = [{"name": "m", "provider": "tokens", "model": "m", "provider_config": {"url": upstream.url}}]
    host = start_host({"models": models}, plugins=runtime_plugins)
    post(host, ASK)
    logfiles.wait_rows(host, 1)
    assert "PLANTED" not in logfiles.command(host, "export")
    host.stop()
    assert grep(logfiles.database(host).parent, "PLANTED") == []


def metrics(host) -> dict[str, float]:
    text = wire.exchange(host.port, "GET", "/metrics").body.decode()
    return {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line.startswith("kimi_log")}


def test_counters(start_host, upstream):
    upstream.always(lambda request: [replies.response(replies.completion())])
    host = start_host({"models": [entry("m", upstream.url)]})
    for _ in range(3):
        post(host, ASK)
    logfiles.wait_rows(host, 3)
    counted = metrics(host)
    assert counted["kimi_log_written_total"] == 3 and counted["kimi_log_dropped_total"] == 0
    assert counted["kimi_log_queue_entries"] == 0 and counted["kimi_log_write_errors_total"] == 0


def test_a_conversation_of_200_turns_costs_a_tenth_of_its_bodies(start_host, upstream):
    upstream.always(lambda request: [replies.response(replies.completion("An answer that is new each time."))])
    host = start_host({"models": [entry("m", upstream.url)]})
    messages = [{"role": "system", "content": "You are an agent. " * 300}]
    sent = 0
    for turn in range(200):
        words = " ".join(f"word{turn}x{place * 7919 % 104729}" for place in range(60))
        messages.append({"role": "user", "content": words})
        body = json.dumps({"model": "m", "messages": messages}).encode()
        # As it came and as it went up.
        sent += 2 * len(body)
        assert post(host, body).status == 200
        messages.append({"role": "assistant", "content": "An answer that is new each time."})
    logfiles.wait_rows(host, 200)
    host.stop()
    size = sum(file.stat().st_size for file in logfiles.database(host).parent.iterdir())
    assert size <= sent / 10, (size, sent)
    whole = logfiles.show(host, str(logfiles.rows(host)[0]["sequence"]))
    assert logfiles.body(whole, "request").encode() == body


# MARK: Crashes and disks


def load(host, seconds: float, label: str) -> list[tuple[str, float]]:
    """Ids of exchanges and when their reply was complete, by four clients, until the host is gone."""
    done = []

    def client(number):
        count = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            name = f"{label}-{number}-{count}"
            count += 1
            try:
                answer = post(host, ASK, headers={"x-request-id": name})
            except (OSError, EOFError, AssertionError, ValueError):
                return
            if answer.status == 200:
                done.append((name, time.monotonic()))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(client, number) for number in range(4)]:
            future.result()
    return done


@pytest.mark.timeout(120)
@pytest.mark.parametrize("size", [3_000, 60_000])
def test_kill_9_in_a_loop_loses_nothing_older_than_a_second(tmp_path, upstream, size):
    upstream.always(lambda request: [replies.response(replies.completion("x" * size))])
    due = set()
    spooled = 0
    for turn in range(6):
        host = Host(tmp_path / "host", {"models": [entry("m", upstream.url)]}).wait_ready()
        try:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                loading = pool.submit(load, host, 60, f"t{turn}")
                time.sleep(1.6 + turn * 0.11)
                killed = time.monotonic()
                host.process.send_signal(signal.SIGKILL)
                host.process.wait()
                done = loading.result()
            due |= {name for name, at in done if at < killed - 1}
            assert due
            spooled += sum(1 for file in spool(host) if file.stat().st_size > 0)
            # Opens clean, beside nothing.
            text = logfiles.command(host, "list", "--json", "--limit", 1000000)
            there = {json.loads(line)["id"] for line in text.splitlines()}
            assert due <= there, sorted(due - there)[:10]
        finally:
            host.stop()
    # What is much at once waits outside of the database.
    assert spooled > 0 or size < 10_000
    assert not [file for file in logfiles.database(host).parent.iterdir() if "corrupt" in file.name]


def spool(host) -> list:
    folder = logfiles.database(host).parent / "logs.db-spool"
    return sorted(folder.glob("*.frames")) if folder.exists() else []


def test_a_spool_elsewhere_is_named(tmp_path, upstream):
    upstream.always(lambda request: [replies.response(replies.completion("z" * 60_000))])
    folder = tmp_path / "elsewhere"
    for turn in range(8):
        config = {"models": [entry("m", upstream.url)], "log": {"spool_path": str(folder)}}
        host = Host(tmp_path / f"host{turn}", config).wait_ready()
        try:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                loading = pool.submit(load, host, 60, "rush")
                time.sleep(1.7 + turn * 0.11)
                host.process.send_signal(signal.SIGKILL)
                host.process.wait()
                loading.result()
        finally:
            host.stop()
        if any(file.stat().st_size > 0 for file in folder.glob("*.frames")):
            break
        shutil.rmtree(folder, ignore_errors=True)
    assert any(folder.glob("*.frames"))
    before = len(logfiles.rows(host))
    assert len(logfiles.rows(host, "--spool", folder)) > before
    done = hostprocess.run("logs", "list", "--spool", tmp_path / "none", "--db", logfiles.database(host), cwd=tmp_path)
    assert done.returncode == 1 and "--spool" in done.stderr and "no such folder" in done.stderr


def test_a_rush_is_packed_when_it_is_over(start_host, upstream):
    upstream.always(lambda request: [replies.response(replies.completion("y" * 60_000))])
    host = start_host({"models": [entry("m", upstream.url)]})
    done = load(host, 3, "rush")
    end = time.monotonic() + 60
    while metrics(host)["kimi_log_spool_bytes"] > 0 or metrics(host)["kimi_log_queue_entries"] > 0:
        time.sleep(0.1)
        assert time.monotonic() < end, metrics(host)
    assert not spool(host)
    rows = logfiles.command(host, "list", "--json", "--limit", 1000000).splitlines()
    assert {name for name, _ in done} <= {json.loads(row)["id"] for row in rows}
    assert metrics(host)["kimi_log_dropped_total"] == 0
    whole = logfiles.show(host, done[-1][0])
    assert logfiles.body(whole, "reply").count("y" * 60_000) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 1 MB, in a mount namespace of the host's own, or of the machine's."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted here: " + mounted.stderr.decode())
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def serves_while_its_log_fails(host, heal, count: int = 20):
    before = metrics(host)["kimi_log_written_total"]
    end = time.monotonic() + 20
    while metrics(host)["kimi_log_failing"] == 0:
        assert post(host, {**ASK, "user": os.urandom(20_000).hex()}).status == 200
        assert time.monotonic() < end, metrics(host)
    for _ in range(count):
        assert post(host, ASK).status == 200
    failing = metrics(host)
    assert failing["kimi_log_failing"] == 1 and failing["kimi_log_write_errors_total"] >= 1
    assert host.output.count("cannot write") == 1, host.output[-3000:]
    heal()
    end = time.monotonic() + 40
    while metrics(host)["kimi_log_failing"] == 1:
        time.sleep(0.1)
        assert time.monotonic() < end, host.output[-3000:]
    name = os.urandom(8).hex()
    assert post(host, ASK, x_request_id=name).status == 200
    end = time.monotonic() + 10
    while metrics(host)["kimi_log_queue_entries"] > 0 and time.monotonic() < end:
        time.sleep(0.1)
    assert metrics(host)["kimi_log_written_total"] > before
    assert "writes again" in host.output
    return name


def test_a_full_disk_stops_nothing(start_host, upstream, small_disk):
    upstream.always(lambda request: [replies.response(replies.completion())])
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    host = start_host({"models": [entry("m", upstream.url)], "log": {"path": str(small_disk / "logs.db")}})

    def heal():
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)

    name = serves_while_its_log_fails(host, heal)
    done = hostprocess.run("logs", "show", name, "--json", "--db", small_disk / "logs.db", cwd=small_disk)
    assert done.returncode == 0, done.stderr
    assert sound(small_disk / "logs.db")


def sound(database) -> bool:
    """Nothing is broken in it, beside the running host."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        pieces = db.execute("SELECT count(*) FROM piece LEFT JOIN content USING (id) WHERE content.id IS NULL").fetchone()[0]
        counted = db.execute("SELECT entries = (SELECT count(*) FROM exchange) FROM total").fetchone()[0]
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)] and pieces == 0 and counted == 1


@pytest.mark.timeout(180)
def test_a_disk_that_is_full_again_and_again(start_host, upstream, small_disk):
    """The same small disk, filled by others: it goes on as soon as there is room, each time with one warning at most."""
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    upstream.always(lambda request: [replies.response(replies.completion())])
    ballast = small_disk / "ballast"
    host = start_host({"models": [entry("m", upstream.url)], "log": {"path": str(small_disk / "logs.db")}})
    for turn in range(2):
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.tell() < 32 << 20:
                file.write(b"x" * 4_096)
        end = time.monotonic() + 30
        while metrics(host)["kimi_log_failing"] == 0:
            assert post(host, {**ASK, "user": os.urandom(2_000).hex()}).status == 200
            assert time.monotonic() < end, (metrics(host), [(file.name, file.stat().st_size) for file in small_disk.iterdir()])
        lost = metrics(host)["kimi_log_dropped_total"]
        assert host.output.count("cannot write") == 1, "warnings are a minute apart"
        ballast.unlink()
        end = time.monotonic() + 40
        assert post(host, ASK, headers={"x-request-id": f"turn-{turn}"}).status == 200
        while metrics(host)["kimi_log_failing"] == 1 or metrics(host)["kimi_log_queue_entries"] > 0:
            time.sleep(0.2)
            assert time.monotonic() < end, (turn, metrics(host), [(file.name, file.stat().st_size) for file in small_disk.iterdir()])
        assert host.output.count("writes again") == turn + 1 and lost == 0
        assert sound(small_disk / "logs.db")
        done = hostprocess.run("logs", "show", f"turn-{turn}", "--db", small_disk / "logs.db", cwd=small_disk)
        assert done.returncode == 0, done.stderr


def test_a_read_only_disk_stops_nothing(start_host, upstream, small_disk):
    upstream.always(lambda request: [replies.response(replies.completion())])
    host = start_host({"models": [entry("m", upstream.url)], "log": {"path": str(small_disk / "logs.db")}})
    assert post(host, ASK).status == 200
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    # The open files keep a plain remount from being read-only.
    subprocess.run(["mount", "--bind", small_disk, small_disk], check=True)
    try:
        host.stop()
        subprocess.run(["mount", "-o", "remount,ro,bind", small_disk], check=True)
        host = start_host({"models": [entry("m", upstream.url)], "log": {"path": str(small_disk / "logs.db")}})
        serves_while_its_log_fails(host, lambda: subprocess.run(["mount", "-o", "remount,rw,bind", small_disk], check=True))
    finally:
        host.stop()
        subprocess.run(["umount", "-l", small_disk], check=True)


# MARK: Search


def test_bodies_are_searched(start_host, upstream):
    host = start_host({"models": [entry("m", upstream.url)]})
    upstream.reply(*replies.stream(replies.text_chunks("The wal", "rus swims")))
    assert post(host, {**ASK, "stream": True}, x_request_id="reply").status == 200
    upstream.always(lambda request: [replies.response(replies.completion())])
    filler = " ".join(f"w{place * 7919 % 104729}" for place in range(4000))
    messages = [{"role": "user", "content": f"zebra\ncrossing {filler}"}]
    for turn in range(5):
        assert post(host, {"model": "m", "messages": messages}, x_request_id=f"turn-{turn}").status == 200
        messages.append({"role": "user", "content": f"unicorn{turn} again"})
    end = time.monotonic() + 10
    while not logfiles.rows(host, "--search", "unicorn3"):
        assert time.monotonic() < end
        time.sleep(0.1)
    ids = lambda *words: [row["id"] for row in logfiles.rows(host, *words)]  # noqa: E731
    assert ids("--search", "walrus swims") == ["reply"]
    # The index knows where words were new.
    assert ids("--search", "crossing zebra") == ["turn-0"] and ids("--search", "unicorn3") == ["turn-4"]
    assert "turn-4" in ids("--search", "unicorn*") and ids("--search", "griffin") == []
    assert ids("--search", "walrus", "--model", "other") == []
