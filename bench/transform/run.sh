#!/usr/bin/env bash
# Measures a transform through its C ABI beside one that does nothing.   bench/transform/run.sh [TRANSFORM.so]
# Ends with 1 if a target is missed. Quote the ratios: absolute figures drift with the machine.
set -eu
. "$(dirname "$0")/../../scripts/common.sh"

subject=${1:-plugins.d/libKimiK2Transform.so}
[ -e "$subject" ] || die "$subject is not there: run 'make build' first."
compiler=$(c_compiler) || die "there is no C compiler: run 'make deps'."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
flags=(-std=c11 -O2 -Wall -Wextra -Werror -ISources/PluginABI/include)
"$compiler" "${flags[@]}" -shared -fPIC -o "$build/noop.so" bench/transform/noop.c
"$compiler" "${flags[@]}" -rdynamic -o "$build/bench" bench/transform/bench.c bench/transform/host.c -ldl
subject=$(realpath "$subject")
missed=0
"$build/bench" "$subject" "$build/noop.so" || missed=1
echo 'Memory of one exchange:'
GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "$build/bench" "$subject"
exit $missed
