#!/usr/bin/env python3
"""Puts the examples into the pages of docs/plugins/, and says where they differ.

    scripts/docs_snippets.py           write them
    scripts/docs_snippets.py --check   exit 1 if a page is not up to date

A fenced block after `<!-- file NAME -->` is examples/plugins/NAME, or the path from the repository's root if NAME has a
slash; after `<!-- region NAME REGION -->` it is what stands there between `/* region REGION */` and `/* end */`. Blocks
after `<!-- run -->`, `<!-- output -->` and `<!-- background -->` are carried out by Tests/e2e/test_docs_plugins.py. A
block without any of these is `<!-- aside -->`: shown, not compiled, with the reason in the text around it.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs/plugins"
FENCE = re.compile(r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


def source(name: str) -> str:
    return (ROOT / (name if "/" in name else f"examples/plugins/{name}")).read_text()


def without_markers(text: str) -> str:
    return "".join(line for line in text.splitlines(True) if not re.match(r"/\* (region \w+|end) \*/$", line))


def wanted(mark: str) -> str | None:
    """What a marked block must hold; None if the mark asks for no file."""
    words = (mark or "").split()
    if words[:1] == ["file"]:
        return without_markers(source(words[1]))
    if words[:1] == ["region"]:
        found = re.search(rf"^/\* region {words[2]} \*/\n(.*?)^/\* end \*/$", source(words[1]), re.M | re.S)
        if not found:
            sys.exit(f"examples/plugins/{words[1]} has no region {words[2]}")
        return found[1]
    return None


def filled(text: str) -> str:
    def block(match: re.Match) -> str:
        body = wanted(match["mark"])
        if body is None:
            return match[0]
        return f"<!-- {match['mark']} -->\n```{match['language']}\n{body}```"

    return FENCE.sub(block, text)


def main() -> int:
    stale = [page for page in sorted(PAGES.glob("*.md")) if filled(page.read_text()) != page.read_text()]
    for page in stale:
        if "--check" in sys.argv:
            print(f"{page.relative_to(ROOT)} differs from its examples: run scripts/docs_snippets.py", file=sys.stderr)
        else:
            page.write_text(filled(page.read_text()))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
