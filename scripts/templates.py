#!/usr/bin/env python3
"""Writes Templates/, kimi_plugin.h and kimi_plugin.py into Sources/kimi-host/New/TemplateFiles.swift, for `kimi-host plugin new`.

    scripts/templates.py           write it
    scripts/templates.py --check   exit 1 if it is not up to date
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "Templates"
TARGET = ROOT / "Sources/kimi-host/New/TemplateFiles.swift"
HEADER = ROOT / "Sources/PluginABI/include/kimi_plugin.h"
BINDING = ROOT / "Python/kimi_plugin.py"
LANGUAGES = ("c", "cpp", "rust", "swift", "go", "zig", "python")
KINDS = ("provider", "transform")
COMMON = {
    ("c", "provider"): ["json.h"],
    ("cpp", "provider"): ["json.h", "plugin.map"],
    ("cpp", "transform"): ["plugin.map"],
    ("swift", "provider"): ["json.h", "plugin.map"],
    ("swift", "transform"): ["json.h", "plugin.map"],
}  # fmt: skip
COMMON |= {(language, kind): ["plugin.map"] for language in ("go", "zig") for kind in KINDS}
# Of no use to the other kind.
PROVIDER_ONLY = {("rust", "json.rs")}


def files(language: str, kind: str):
    """(path in the plugin's folder, source)"""
    if language == "python":
        return python_files(kind)
    return compiled_files(language, kind)


def python_files(kind: str):
    folder = TEMPLATES / "python"
    yield "kimi_plugin.py", BINDING
    yield ".gitignore", folder / "gitignore"
    yield "README.md", folder / f"README-{kind}.md"
    yield "plugin.py", folder / f"{kind}.py"
    yield "test_plugin.py", folder / f"{kind}_test.py"
    for name in ("Makefile", "harness.py", "plugin.yaml"):
        yield name, folder / name
    for source in sorted((folder / "transcripts").glob(f"{kind}*.json")):
        yield "transcripts/" + source.name.removeprefix(f"{kind}-").replace(f"{kind}.json", "text.json"), source


def compiled_files(language: str, kind: str):
    yield "kimi_plugin.h", HEADER
    yield ".gitignore", TEMPLATES / "common/gitignore"
    yield "README.md", TEMPLATES / f"common/README-{kind}.md"
    for name in COMMON.get((language, kind), []):
        yield name, TEMPLATES / "common" / name
    for source in sorted((TEMPLATES / "common").glob(f"{kind}*.yaml")):
        yield "transcripts/" + source.name.removeprefix(f"{kind}-").replace(f"{kind}.yaml", "text.yaml"), source
    for source in sorted((TEMPLATES / language).iterdir()):
        if source.stem in KINDS:
            if source.stem == kind:
                yield "plugin" + source.suffix, source
        elif source.name != "notes.md" and not (kind == "transform" and (language, source.name) in PROVIDER_ONLY):
            yield source.name, source


def literal(text: str) -> str:
    assert '"""##' not in text and text.endswith("\n")
    return '##"""\n' + text + '\n"""##'


def generated() -> str:
    names, bodies, rows = {}, [], []
    for language in LANGUAGES:
        notes = (TEMPLATES / language / "notes.md").read_text()
        names[language] = f"notes{len(bodies)}"
        bodies.append(f"    static let {names[language]} = {literal(notes)}\n")
        rows.append(f'        .init(language: "{language}", kind: nil, path: "notes", text: {names[language]}),\n')
        for kind in KINDS:
            for path, source in files(language, kind):
                if source not in names:
                    names[source] = f"text{len(bodies)}"
                    bodies.append(f"    static let {names[source]} = {literal(source.read_text())}\n")
                rows.append(
                    f'        .init(language: "{language}", kind: "{kind}", path: "{path}", text: {names[source]}),\n')
    head = "// swift-format-ignore-file\n// Written by scripts/templates.py from Templates/; do not edit.\n\n"
    return (
        head + "/// The files of `kimi-host plugin new`.\nenum TemplateFiles {\n    static let all: [TemplateFile] = [\n"
        + "".join(rows) + "    ]\n\n" + "\n".join(bodies) + "}\n"
    )  # fmt: skip


def main() -> int:
    text = generated()
    if "--check" in sys.argv:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print(f"{TARGET.relative_to(ROOT)} is out of date: run scripts/templates.py", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text)
    return 0


sys.exit(main())
