# shellcheck shell=bash
# Sourced: makes sure that $VENV holds what Tests/e2e/requirements.txt asks for, and installs only when that changed.
VENV=$ROOT/.venv-test
requirements=$ROOT/Tests/e2e/requirements.txt
if ! cmp -s "$requirements" "$VENV/installed.txt"; then
    say "making $VENV with the packages of Tests/e2e/requirements.txt (needs the network once)"
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" ||
        die "pip could not install Tests/e2e/requirements.txt: its message is above. PyPI or a mirror must be reachable."
    cp "$requirements" "$VENV/installed.txt"
fi
