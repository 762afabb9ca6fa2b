#!/usr/bin/env bash
# The formatter's opinion, as errors.   scripts/lint.sh [--fix]
set -eu
. "$(dirname "$0")/common.sh"

paths=(Package.swift Sources Plugins Tests)
if [ "${1:-}" = --fix ]; then
    swift format format --in-place --parallel --recursive "${paths[@]}"
else
    swift format lint --strict --parallel --recursive "${paths[@]}"
fi
