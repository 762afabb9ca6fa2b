#!/usr/bin/env bash
# Writes docs/kimi-report.md with the binary of `make build`.   scripts/kimi-report.sh [--count N] [--seed N] [--out FILE]
set -eu
. "$(dirname "$0")/common.sh"

venv=$ROOT/.venv-report
requirements=$ROOT/Tests/report/requirements.txt
if ! cmp -s "$requirements" "$venv/installed.txt"; then
    say "making $venv with the packages of Tests/report/requirements.txt (needs the network once)"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" ||
        die "pip could not install Tests/report/requirements.txt: its message is above. PyPI or a mirror must be reachable."
    cp "$requirements" "$venv/installed.txt"
fi
exec "$venv/bin/python" Tests/report/report.py "$@"
