#!/usr/bin/env bash
# Looks for what building needs, and installs what is missing through apt where that is allowed.
#   scripts/deps.sh        what `make build` and `make run` need
#   scripts/deps.sh test   that, and what `make test` needs
# With everything in place it touches neither apt nor the network.
set -eu
. "$(dirname "$0")/common.sh"

SWIFT_MAJOR=6
SWIFT_MINOR=3

check_swift() {
    local version
    has swift || die "Swift $SWIFT_MAJOR.$SWIFT_MINOR or newer is needed and there is no 'swift' on PATH:" \
        "install it from https://www.swift.org/install/linux/ and run this again."
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
    # shellcheck disable=SC2086 # two words on purpose
    set -- $version
    if [ $# -ne 2 ]; then
        die "'swift --version' printed no version: is the toolchain complete?" \
            "Install Swift $SWIFT_MAJOR.$SWIFT_MINOR or newer from https://www.swift.org/install/linux/."
    fi
    if [ "$1" -lt $SWIFT_MAJOR ] || { [ "$1" -eq $SWIFT_MAJOR ] && [ "$2" -lt $SWIFT_MINOR ]; }; then
        die "Swift $SWIFT_MAJOR.$SWIFT_MINOR or newer is needed, and $(command -v swift) is $1.$2:" \
            "install a newer one from https://www.swift.org/install/linux/ and run this again."
    fi
}

# Prints the Debian packages that are missing, one a line. The header is tried as well as the .pc file: libcurl has
# several -dev packages, and a half-removed one leaves the .pc behind.
missing() {
    has git || echo git
    has curl || echo curl
    has pkg-config || has pkgconf || echo pkg-config
    { compiles c '#include <stdint.h>' && compiles c++ '#include <string>'; } || echo g++
    compiles c '#include <curl/curl.h>' || echo libcurl4-openssl-dev
    compiles c '#include <sqlite3.h>' || echo libsqlite3-dev
    compiles c '#include <zstd.h>' || echo libzstd-dev
    compiles c++ '#include <simdjson.h>' || echo libsimdjson-dev
    if [ "${1:-}" = test ]; then
        python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
        [ "$(uname)" != Linux ] || has abidw || echo abigail-tools
        has go || echo golang-go
        has chromium || echo chromium
    fi
}

# Does a file of that language with that line get through the preprocessor? Swift brings its own clang; it needs
# Debian's C and C++ headers.
compiles() {
    local compiler
    compiler=$(c_compiler) || return 1
    printf '%s\n' "$2" | "$compiler" -E -x "$1" -o /dev/null - 2>/dev/null
}

install_on_debian() {
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo=(sudo -n)
        if ! has sudo || ! sudo -n true 2>/dev/null; then
            die "missing: $*. Installing needs root, so please run this and try again:" \
                "sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
        fi
    fi
    say "installing $* with apt-get"
    "${sudo[@]}" apt-get update -qq ||
        say "apt-get update failed; trying with the package lists that are already here"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        die "apt-get could not install $*: its message is above. This machine needs a Debian 12 (or newer) mirror."
}

check_swift
packages=$(missing "${1:-}" | tr '\n' ' ')
[ -n "${packages// /}" ] || exit 0
# shellcheck disable=SC2086 # one word per package
if has apt-get; then
    install_on_debian $packages
elif [ "$(uname)" = Darwin ]; then
    die "missing (by their Debian names): $packages. On macOS: xcode-select --install && brew install simdjson zstd pkg-config"
else
    die "missing (by their Debian names): $packages. There is no apt-get here: install them by this system's own means."
fi
left=$(missing "${1:-}" | tr '\n' ' ')
[ -z "${left// /}" ] || die "still missing after the installation: $left"
