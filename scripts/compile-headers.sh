#!/bin/sh
# Compiles kimi_plugin.h, and the files that pin its layout, in every language mode that plugin authors use,
# with every compiler present. Warnings are errors. Prints one line per compiler and mode; exits 1 on a failure.
set -u
cd "$(dirname "$0")/.." || exit 1

include="-ISources/PluginABI/include -ITests/ABILayout/include"
strict="-Wall -Wextra -Wshadow -pedantic -Werror -fsyntax-only"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failures=0
compilers=0

printf '#include <kimi_plugin.h>\nint only_the_header;\n' >"$scratch/header.c"

# A table slot is noexcept in C++: a function that may throw does not fit, one that cannot does.
cat >"$scratch/throws.cc" <<'EOF'
#include <kimi_plugin.h>
static void end(kimi_exch *, uint32_t) {}
void fill(kimi_provider &table) { table.end = end; }
EOF
sed 's/uint32_t) {}/uint32_t) noexcept {}/' "$scratch/throws.cc" >"$scratch/noexcept.cc"

report() { # report WHAT STATUS
    if [ "$2" -eq 0 ]; then
        echo "ok    $1"
    else
        echo "FAIL  $1"
        failures=$((failures + 1))
    fi
}

compile() { # compile COMPILER LANGUAGE STANDARD FILE...
    compiler=$1 language=$2 standard=$3
    shift 3
    # shellcheck disable=SC2086 # the options are words
    $compiler -x "$language" -std="$standard" $strict $include "$@"
    report "$compiler $standard" $?
}

refuse() { # refuse COMPILER STANDARD FILE: must not compile, and for the right reason
    # shellcheck disable=SC2086
    message=$($1 -x c++ -std="$2" $strict $include "$3" 2>&1) && message="it compiled"
    case $message in
    *noexcept* | *"different exception specifications"* | *"invalid conversion"*) report "$1 $2 refuses a function that may throw" 0 ;;
    *)
        echo "$message"
        report "$1 $2 refuses a function that may throw" 1
        ;;
    esac
}

for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    compilers=$((compilers + 1))
    for standard in c99 c11 c17; do
        compile "$compiler" c "$standard" "$scratch/header.c" Tests/ABILayout/*.c
    done
done
for compiler in g++ clang++; do
    command -v "$compiler" >/dev/null || continue
    compilers=$((compilers + 1))
    for standard in c++17 c++20; do
        compile "$compiler" c++ "$standard" "$scratch/header.c" Tests/ABILayout/*.c "$scratch/noexcept.cc"
        refuse "$compiler" "$standard" "$scratch/throws.cc"
    done
done

if [ "$compilers" -eq 0 ]; then
    echo "compile-headers: no gcc, clang, g++ or clang++ found; install one (apt-get install gcc g++)" >&2
    exit 1
fi
if [ "$failures" -gt 0 ]; then
    echo "compile-headers: $failures failed" >&2
    exit 1
fi
echo "compile-headers: all clean"
