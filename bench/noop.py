#!/usr/bin/env python3
"""What five transforms that do nothing add to a streamed exchange, with markers and timing around every call.

  bench/noop.py [--binary .build/release/kimi-host ...] [--rounds 9] [--seconds 3]

One host serves the same upstream (the mock of ../shared/bench) as `mock`, with one no-op transform, and as `mock-5`, with
six, so that both take the same way through the host. The scenario is stream-64 of compare.py. Rounds alternate; the figures
are CPU time of the host per request, and the median of the rounds' ratios. Several binaries are measured in the same rounds. Needs nginx, libnginx-mod-http-lua, wrk, cc.
"""
import argparse, json, os, pathlib, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SHARED = pathlib.Path(os.environ.get("KIMI_BENCH", ROOT.parent / "shared/bench"))
HZ = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url):
    for _ in range(150):
        try:
            return urllib.request.urlopen(url, timeout=2).status
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"no answer at {url}")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def body(model):
    tools = [{"type": "function", "function": {"name": f"tool_{i}", "description": "Does something useful. " * 5,
              "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}} for i in range(8)]
    messages = [{"role": "system", "content": "You are a helpful assistant. " * 40},
                {"role": "user", "content": "what is the weather? " * 20}]
    return {"model": model, "stream": True, "messages": messages, "tools": tools,
            "stream_options": {"include_usage": True}}


def calls(port):
    """Calls into the no-op transforms so far; nothing from hosts that do not count them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith('kimi_plugin_calls_total{plugin="bench.noop"'))


def wrk(port, file, seconds):
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", SHARED / "post.lua", f"http://127.0.0.1:{port}/v1/chat/completions"]
    out = subprocess.run([str(word) for word in command], env={**os.environ, "BODY": str(file)}, capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    return int(next(line for line in out.splitlines() if " requests in " in line).split()[0])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", nargs="+", default=[str(ROOT / ".build/release/kimi-host")])
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--seconds", type=int, default=3)
    a = options.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="bench-noop-"))
    plugins = work / "plugins.d"
    plugins.mkdir(mode=0o755)
    subprocess.run(["cc", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{ROOT}/Sources/PluginABI/include",
                    HERE / "transform/noop.c", "-o", plugins / "noop.so"], check=True)
    subprocess.run(["cp", ROOT / "plugins.d/libOpenAIProvider.so", plugins], check=True)
    mock, started = free_port(), []
    text = (SHARED / "mock-upstream.conf").read_text().replace("@DIR@", str(work)).replace("@MOCK@", str(mock))
    (work / "mock.conf").write_text(text.split("  upstream mock", 1)[0] + "}\n")
    provider = {"apiKey": "sk-x", "baseUrl": f"http://127.0.0.1:{mock}/v1"}
    models = [{"name": name, "provider": "openai", "model": "mock", "provider_config": provider, "transforms": ["noop"] * count}
              for name, count in (("mock", 1), ("mock-5", 6))]
    (work / "c.yaml").write_text(json.dumps({"models": models}))
    log = (work / "log").open("w")
    try:
        started.append(subprocess.Popen(["nginx", "-c", work / "mock.conf", "-g", "daemon off;"], stdout=log, stderr=log))
        wait_for(f"http://127.0.0.1:{mock}/health")
        hosts, costs = [], {}
        for binary in a.binary:
            port = free_port()
            command = [binary, "serve", "--config", work / "c.yaml", "--plugins-dir", plugins, "--port", str(port)]
            started.append(subprocess.Popen(command, cwd=work, stdout=log, stderr=log))
            wait_for(f"http://127.0.0.1:{port}/healthz")
            hosts.append((binary, port, started[-1].pid))
        for name in ("mock", "mock-5"):
            (work / name).write_text(json.dumps(body(name)))
            for binary, port, _ in hosts:
                before = calls(port)
                count = wrk(port, work / name, 1)
                print(f"{binary} {name}: {(calls(port) - before) / count:.1f} calls into transforms per request")
                costs[binary, name] = []
        for number in range(a.rounds):
            for name in (["mock", "mock-5"] if number % 2 else ["mock-5", "mock"]):
                for binary, port, pid in hosts:
                    before = cpu_seconds(pid)
                    count = wrk(port, work / name, a.seconds)
                    costs[binary, name].append(1e6 * (cpu_seconds(pid) - before) / count)
        for binary in a.binary:
            less, more = costs[binary, "mock"], costs[binary, "mock-5"]
            ratios = [100 * (one / other - 1) for one, other in zip(more, less)]
            print(f"{binary}: {statistics.median(less):.1f} us CPU per request with one, {statistics.median(more):.1f} with six; "
                  f"five no-op transforms: {statistics.median(ratios):+.1f} % (rounds: " + " ".join(f"{ratio:+.1f}" for ratio in ratios) + ")")
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


main()
