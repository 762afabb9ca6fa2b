#!/usr/bin/env python3
"""Writes docs/plugins/reference.md from the comments and declarations of kimi_plugin.h.

    scripts/docs_reference.py           write it
    scripts/docs_reference.py --check   exit 1 if it is not up to date
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADER = ROOT / "Sources/PluginABI/include/kimi_plugin.h"
TARGET = ROOT / "docs/plugins/reference.md"

#: In the order of the page.
TABLES = ["kimi_provider", "kimi_auth", "kimi_transform", "kimi_host", "kimi_host_kv", "kimi_host_notes",
          "kimi_handshake", "kimi_request"]  # fmt: skip
VALUES = ["kimi_bytes", "kimi_header", "kimi_frame", "kimi_event", "kimi_result"]


def prose(comment: str) -> str:
    """A comment's words, on one line, safe inside a table."""
    text = re.sub(r"\s*\n\s*\*?\s*", " ", comment.strip())
    return text.replace("|", "\\|").replace("<", "&lt;").strip()


def comment_before(text: str, at: int) -> str:
    found = re.search(r"/\*((?:(?!\*/).)*)\*/\s*$", text[:at], re.S)
    return "" if not found or found[1].strip().startswith("---") else prose(found[1])


def enums(text: str):
    """(name, comment, [(constant, number, comment)])"""
    for match in re.finditer(r"typedef enum (\w+) \{\n(.*?)\n\} \1;", text, re.S):
        rows = []
        for row in re.finditer(r"(KIMI_\w+) = (-?\d+),?(?:\s*/\*(.*?)\*/)?", match[2], re.S):
            rows.append((row[1], row[2], prose(row[3] or "")))
        yield match[1], comment_before(text, match.start()), rows


def structs(text: str):
    """(name, comment, body)"""
    for match in re.finditer(r"typedef struct (\w+) \{\n(.*?)\n\} \1;", text, re.S):
        yield match[1], comment_before(text, match.start()), match[2]


def members(body: str):
    """(name, declaration, comment) of each member; several of one declaration share it."""
    token = re.compile(r"\s*(?:/\*(?P<before>.*?)\*/\s*)?(?P<decl>[^;/]+);[ \t]*(?:/\*(?P<after>.*?)\*/)?", re.S)
    at = 0
    while found := token.match(body, at):
        at = found.end()
        declaration = re.sub(r"\s+", " ", found["decl"]).strip()
        comment = prose(found["before"] or found["after"] or "")
        pointer = re.search(r"\(\*(\w+)\)", declaration)
        names = [pointer[1]] if pointer else [re.search(r"(\w+)$", part)[1] for part in declaration.split(",")]
        for name in names:
            yield name, declaration, comment


def rules(text: str):
    block = text[text.index("STATE RULES"):text.index("*/", text.index("STATE RULES"))]
    for match in re.finditer(r"\*   (S\d\d) ([HP])  (.*?)(?=\n \*   S\d\d|\n ?$|\Z)", block, re.S):
        yield match[1], match[2], prose(match[3])


def events(text: str):
    block = re.search(r"/\* Canonical events\.(.*?)\*/", text, re.S)[1]
    block = re.sub(r"\n \*\s+(?=(?:[abc]|i\d|index) )|(?<=[^\s*]) {2,}(?=\S)", "; ", block)
    yield from ((match[1], prose(match[2])) for match in re.finditer(
        r"\n \*   ([A-Z_]+)(?:; | +)(.*?)(?=\n \*   [A-Z_]+(?: |;)|\Z)", block, re.S))  # fmt: skip


def linked(comment: str) -> str:
    """Rule numbers and pages as links."""
    comment = re.sub(r"docs/plugins/(\w+)\.md", r"[\1.md](\1.md)", comment)
    return re.sub(r"docs/canonical-request\.md", "[canonical-request.md](../canonical-request.md)", comment)


def table_section(name: str, comment: str, body: str) -> str:
    lines = [f"### `{name}`\n", f"{linked(comment)}\n", "| Member | Threads | |", "| -- | -- | -- |"]
    for member, declaration, words in members(body):
        if declaration.endswith(f", {member}"):
            continue  # in the row of the first that is declared there
        tag = re.match(r"(?:plugin: )?\[(\w+)\] ?", words)
        words = words.replace(f"[{tag[1]}] ", "", 1) if tag else words
        shape = declaration.replace(f"(*{member})", member).replace(" KIMI_NOTHROW", "")
        lines.append(f"| `{shape}` | {tag[1] if tag else ''} | {linked(words)} |")
    return "\n".join(lines) + "\n"


def macros(text: str):
    for match in re.finditer(r"^#define (KIMI_\w+)(\([^)]*\))?(?: +\\?\n? *(.*))?$", text, re.M):
        if match[1] not in ("KIMI_PLUGIN_H",):
            yield match[1] + (match[2] or ""), (match[3] or "").strip(), comment_before(text, match.start())


HEAD = """# Reference

Written by `scripts/docs_reference.py` from [kimi_plugin.h](../../Sources/PluginABI/include/kimi_plugin.h), whose comments are the contract;
a test holds the two together. How it all plays together: [abi.md](abi.md). What may grow: [abi-policy.md](abi-policy.md).

Threads: `load` once per process, before any other call; `any` any thread, also at the same time as other calls on the object; `serial`
one call at a time per exchange, on changing threads; `call` only inside the call that handed over the object, on its thread.
"""


def generated() -> str:
    text = HEADER.read_text()
    known = {name: (comment, body) for name, comment, body in structs(text)}
    parts = [HEAD, "## The entry\n"]
    entry = re.search(r"/\*(.*?)\*/\nKIMI_EXPORT (kimi_status kimi_plugin_entry_v1\(.*?\))", text, re.S)
    comment = re.search(r"/\*((?:(?!\*/).)*)\Z", entry[1], re.S)
    words = prose(comment[1] if comment else entry[1])
    parts.append(f"`{entry[2]}`, of type `kimi_entry_fn`. {linked(words)}\n")
    parts.append("## Tables of functions\n")
    parts += [table_section(name, *known[name]) for name in TABLES]
    parts.append("## Events\n\nSlices `a`, `b`, `c` and integers `i0` to `i3` of `kimi_event`, by `kimi_event_type`; what is not named is zero.\n")
    numbers = {row[0]: row[1] for name, _, rows in enums(text) if name == "kimi_event_type" for row in rows}
    parts.append("| Event | | |\n| -- | -- | -- |")
    parts.append("\n".join(f"| `KIMI_EVENT_{name}` | {numbers['KIMI_EVENT_' + name]} | {words} |" for name, words in events(text)) + "\n")
    parts.append("## State rules\n\nH: kept by the host. P: owed by the plugin. `plugin check` cites the numbers.\n")
    parts.append("| Rule | | |\n| -- | -- | -- |\n" + "\n".join(f"| {n} | {who} | {words} |" for n, who, words in rules(text)) + "\n")
    parts.append("## Constants\n")
    for name, comment, rows in enums(text):
        if name == "kimi_event_type":
            continue  # above, with what each carries
        about = linked(comment) + "\n\n" if comment else ""
        rows = "\n".join(f"| `{constant}` | {number} | {words} |" for constant, number, words in rows)
        parts.append(f"### `{name}`\n\n{about}| | | |\n| -- | -- | -- |\n{rows}\n")
    parts.append("## Value types\n\nFrozen: their size never changes.\n")
    parts += [table_section(name, *known[name]) for name in VALUES]
    parts.append("## Opaque types\n\n| Type | |\n| -- | -- |")
    opaque = re.findall(r"^typedef struct (\w+) \1;\s*/\*(.*?)\*/", text, re.M)
    parts.append("\n".join(f"| `{name}` | {prose(words)} |" for name, words in opaque) + "\n")
    parts.append("`kimi_status` is the `int32_t` that most functions return: a `kimi_status_code`, or a number of a later minor.\n")
    parts.append("## Macros\n\n| Macro | | |\n| -- | -- | -- |")
    seen = {}
    for name, value, comment in macros(text):
        seen.setdefault(name, (value, comment))
    parts.append("\n".join(f"| `{name}` | `{value}` | {linked(words)} |" for name, (value, words) in seen.items()) + "\n")
    return "\n".join(parts).replace("| `` |", "| |").replace("  ", " ").rstrip() + "\n"


def main() -> int:
    text = generated()
    if "--check" in sys.argv:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print(f"{TARGET.relative_to(ROOT)} is out of date: run scripts/docs_reference.py", file=sys.stderr)
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
