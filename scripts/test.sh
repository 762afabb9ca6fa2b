#!/usr/bin/env bash
# All tests, in order of their price. Expects a finished build (`make build`).
#   E2E_ARGS   further arguments for pytest, such as '-k cancel'
set -eu
. "$(dirname "$0")/common.sh"

say "the C header in every language version it promises"
scripts/compile-headers.sh

say "Swift tests"
swift test "${SWIFT_FLAGS[@]}" --disable-testable-imports

say "end-to-end tests"
. scripts/test-venv.sh
# shellcheck disable=SC2086 # E2E_ARGS is a list of words
"$VENV/bin/python" -m pytest Tests/e2e ${E2E_ARGS:-}
