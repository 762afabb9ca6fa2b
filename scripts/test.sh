#!/usr/bin/env bash
# All tests, in order of their price. Expects a finished build (`make build`).
#   E2E_ARGS      further arguments for pytest, such as '-k cancel'
#   E2E_WORKERS   processes that run end-to-end tests at once (2: they wait more than they work); 0: one after the other
set -eu
. "$(dirname "$0")/common.sh"
. scripts/test-venv.sh

# Runs one step under a name, and says how long it took.
step() {
    local name=$1 started=$SECONDS
    shift
    say "$name"
    "$@" || die "$name: FAILED after $((SECONDS - started)) s"
    say "$name: passed in $((SECONDS - started)) s"
}

step "the C header in every language version it promises" scripts/compile-headers.sh
step "the ABI against its released minors" scripts/abi-check.sh
step "the templates in the binary" scripts/templates.py --check
step "the examples in docs/plugins" scripts/docs_snippets.py --check
step "the reference of the ABI" scripts/docs_reference.py --check
step "Swift tests" swift test "${SWIFT_FLAGS[@]}" --disable-testable-imports
# shellcheck disable=SC2086 # E2E_ARGS is a list of words
step "end-to-end tests" "$VENV/bin/python" -m pytest Tests/e2e -n "${E2E_WORKERS:-2}" --dist worksteal ${E2E_ARGS:-}
