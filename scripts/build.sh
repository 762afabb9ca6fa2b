#!/usr/bin/env bash
# Builds the release binary and fills plugins.d/ with the plugins of this repository.
set -eu
. "$(dirname "$0")/common.sh"

LIBRARY_SUFFIX=so
[ "$(uname)" != Darwin ] || LIBRARY_SUFFIX=dylib
SWIFT_PLUGINS=(AnthropicProvider OpenAIProvider OpenRouterProvider VertexProvider KimiK2Transform)

# Puts a file into plugins.d under a new inode: a running host keeps the pages of the library that it has mapped.
# The loader refuses libraries and folders that others may write to.
install_plugin() {
    local target=plugins.d/${1##*/}
    cp "$1" "$target.new"
    chmod 0755 "$target.new"
    mv -f "$target.new" "$target"
}

swift build "${SWIFT_FLAGS[@]}"
bin=$(swift build "${SWIFT_FLAGS[@]}" --show-bin-path)
mkdir -p plugins.d
chmod go-w plugins.d
for name in "${SWIFT_PLUGINS[@]}"; do
    install_plugin "$bin/lib$name.$LIBRARY_SUFFIX"
done
make --silent -C Plugins/DemoProvider CC="$(c_compiler)" OUT="$bin"
install_plugin "$bin/libDemoProvider.$LIBRARY_SUFFIX"
cp Python/kimi_plugin.py "$bin/kimi_plugin.py"
say "built $bin/kimi-host and plugins.d/"
