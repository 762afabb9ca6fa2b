#!/usr/bin/env bash
# Starts the release binary in the foreground and prints what to try as soon as it answers. Ctrl-C ends it.
#   HOST, PORT   where it listens (127.0.0.1, 8000)
# Configuration: MODEL_CONFIG or MODEL_CONFIG_PATH if set, else model-config.yaml, else the demo, which needs no key.
set -eu
. "$(dirname "$0")/common.sh"

host=${HOST:-127.0.0.1}
port=${PORT:-8000}
arguments=(serve --plugins-dir plugins.d --host "$host" --port "$port")
if [ -z "${MODEL_CONFIG:-}${MODEL_CONFIG_PATH:-}" ]; then
    config=examples/demo-config.yaml
    if [ -e model-config.yaml ]; then config="model-config.yaml"; fi
    arguments+=(--config "$config")
    say "configuration: $config"
fi

# Where this machine reaches the host: a wildcard address is no destination.
case $host in
    0.0.0.0) reach=127.0.0.1 ;;
    ::) reach='[::1]' ;;
    *:*) reach="[$host]" ;;
    *) reach=$host ;;
esac

print_what_to_try() {
    local model listed
    listed=$(curl -s --noproxy '*' --max-time 5 "http://$reach:$port/v1/models" | grep -o '"id" *: *"[^"]*"' | cut -d '"' -f 4)
    case $listed in
        *kimi-k2-demo*) model=kimi-k2-demo ;;
        *) model=$(printf '%s\n' "${listed:-MODEL}" | head -n 1) ;;
    esac
    cat <<TEXT

kimi-host answers on http://$reach:$port/v1 (Ctrl-C ends it). In another terminal:

  # the models
  curl -s http://$reach:$port/v1/models

  # a streamed reply: raw Kimi K2 output becomes reasoning, text and a proper tool call
  curl -sN http://$reach:$port/v1/chat/completions -H 'content-type: application/json' -d '{
    "model": "$model", "stream": true,
    "messages": [{"role": "user", "content": "Look up express, please."}],
    "tools": [{"type": "function", "function": {"name": "lookup",
      "parameters": {"type": "object", "properties": {"term": {"type": "string"}}, "required": ["term"]}}}]}'

  # the same in one piece
  curl -s http://$reach:$port/v1/chat/completions -H 'content-type: application/json' -d '{
    "model": "$model", "messages": [{"role": "user", "content": "Look up express, please."}]}'

TEXT
}

# Runs beside the host, which takes this shell's process id by exec; ends by itself when that one is gone.
announce() {
    local tries=0
    while kill -0 $$ 2>/dev/null && [ $tries -lt 300 ]; do
        if curl -sf --noproxy '*' --max-time 2 -o /dev/null "http://$reach:$port/readyz"; then
            # Something else may answer on this port while our own host is ending with "port in use".
            sleep 0.2
            if kill -0 $$ 2>/dev/null; then print_what_to_try; fi
            return
        fi
        tries=$((tries + 1))
        sleep 0.1
    done
}

announce &
exec .build/release/kimi-host "${arguments[@]}"
