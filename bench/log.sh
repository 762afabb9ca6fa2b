#!/usr/bin/env bash
# What the request log costs: compare.py with the log off and on.  bench/log.sh [compare.py's options]
# Beside it: whether any exchange was dropped, by the host's own counter, is in /metrics (kimi_log_dropped_total).
set -eu
cd "$(dirname "$0")/.."
for log in false true; do
    echo "=== log.enabled: $log"
    KIMI_BENCH_LOG=$log ../shared/bench/compare.py --subject 'bench/serve.sh {port} {upstream}' \
        --only unary-4k stream-64 "$@"
done
