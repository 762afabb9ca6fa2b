#!/usr/bin/env bash
# Compares the types of kimi_plugin.h with those of every released minor, abi/*.xml: only lawful appends pass.
#   scripts/abi-check.sh             needs abidw (Debian: abigail-tools) and a C compiler; without abidw it says so
#   scripts/abi-check.sh --refresh   writes abi/1.0.xml and Tests/Capsules/1.0/kimi_plugin.h anew; until the tag abi-1.0
#   KIMI_HEADER=FOLDER               the folder of another kimi_plugin.h, for the tests of this script
set -eu
. "$(dirname "$0")/common.sh"

if ! has abidw; then
    [ -z "${CI:-}" ] || die "abidw is missing: apt-get install abigail-tools"
    say "skipped: there is no abidw here (apt-get install abigail-tools)"
    exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    say "skipped: abi/*.xml were made on Linux x86_64, and this is $(uname -sm)"
    exit 0
fi
header=${KIMI_HEADER:-Sources/PluginABI/include}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$(c_compiler)" -std=c11 -g -O0 -fPIC -shared -fvisibility=hidden -I"$header" -o "$scratch/anchor.so" abi/anchor.c
abidw --no-show-locs --no-corpus-path --no-comp-dir-path --out-file "$scratch/now.xml" "$scratch/anchor.so"
if [ "${1:-}" = --refresh ]; then
    [ -z "$(git tag -l abi-1.0)" ] || die "ABI 1.0 is released (tag abi-1.0): abi/1.0.xml and Tests/Capsules/1.0 are for ever"
    cp "$scratch/now.xml" abi/1.0.xml
    cp "$header/kimi_plugin.h" Tests/Capsules/1.0/kimi_plugin.h
    say "abi/1.0.xml and Tests/Capsules/1.0/kimi_plugin.h are those of today's header"
    exit 0
fi
for released in abi/*.xml; do
    python3 scripts/abi_compare.py "$released" "$scratch/now.xml" || die "kimi_plugin.h breaks ${released%.xml}: see above"
done
# A header without a new minor has nothing to append either.
if ! grep -q '^#define KIMI_ABI_MINOR [1-9]' "$header/kimi_plugin.h"; then
    python3 scripts/abi_compare.py --same abi/1.0.xml "$scratch/now.xml" ||
        die "the header says minor 0 and differs from abi/1.0.xml: raise KIMI_ABI_MINOR, or (before the tag) --refresh"
fi
say "kimi_plugin.h keeps every released ABI"
