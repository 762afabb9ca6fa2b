# shellcheck shell=bash
# Sourced: makes sure that $VENV holds what Tests/e2e/requirements*.txt ask for, and installs only when that changed.
VENV=$ROOT/.venv-test
requirements=("$ROOT"/Tests/e2e/requirements.txt "$ROOT"/Tests/e2e/requirements-clients.txt)
if ! cat "${requirements[@]}" | cmp -s - "$VENV/installed.txt"; then
    say "making $VENV with the packages of Tests/e2e/requirements*.txt (needs the network once, a minute or two)"
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}" ||
        die "pip could not install Tests/e2e/requirements*.txt: its message is above. PyPI or a mirror must be reachable."
    cat "${requirements[@]}" >"$VENV/installed.txt"
fi
