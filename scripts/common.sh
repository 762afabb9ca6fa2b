# shellcheck shell=bash
# Sourced by the other scripts, after `set -eu`: the repository's root as the working directory, and how to speak.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT" || exit

say() { printf '%s\n' "kimi-host: $*"; }

die() {
    printf '%s\n' "kimi-host: $*" >&2
    exit 1
}

# The flags that `swift build` and `swift test` share, so that one build serves both: tests use `package` access and
# need no @testable, which would compile every module a second time.
SWIFT_FLAGS=(-c release --explicit-target-dependency-import-check error)

has() { command -v "$1" >/dev/null 2>&1; }

# The C compiler: CC if set, else the system's, else the one in the Swift toolchain.
c_compiler() {
    if [ -n "${CC:-}" ]; then
        printf '%s\n' "$CC"
    elif has cc; then
        echo cc
    elif has clang; then
        echo clang
    else
        return 1
    fi
}
