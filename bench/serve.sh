#!/usr/bin/env bash
# The subject of compare.py:  bench/serve.sh PORT UPSTREAM   (UPSTREAM: the mock's base URL, http://127.0.0.1:N/v1)
set -eu
[ $# -eq 2 ] || { echo "usage: bench/serve.sh PORT UPSTREAM" >&2; exit 2; }
cd "$(dirname "$0")/.."
config=$(mktemp "${TMPDIR:-/tmp}/kimi-host-bench-XXXXXX.yaml")
# KIMI_BENCH_LOG=false switches the request log off, to see what it costs.
log=$(mktemp -d "${TMPDIR:-/tmp}/kimi-host-bench-log-XXXXXX")
cat >"$config" <<YAML
log: {enabled: ${KIMI_BENCH_LOG:-true}, path: "$log/logs.db"}
models:
  - name: mock
    provider: openai
    model: mock
    provider_config: {apiKey: sk-bench, baseUrl: "$2"}
  - name: mock-kimi
    provider: openai
    model: mock
    provider_config: {apiKey: sk-bench, baseUrl: "$2"}
    transforms: [kimi-k2]
YAML
exec "${KIMI_HOST_BINARY:-.build/release/kimi-host}" serve --config "$config" --plugins-dir plugins.d --host 127.0.0.1 --port "$1"
