#!/usr/bin/env python3
"""Takes the pictures of docs/images: the real host with real traffic in a headless Chromium.

    scripts/screenshots.py [--out docs/images] [--only NAME …]

Needs playwright and pillow (pip), Chromium (KIMI_CHROMIUM, /usr/bin/chromium), a built host and the DashboardDev tool.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from showcase import ADMIN, ROOT, Showcase

CHROMIUM = os.environ.get("KIMI_CHROMIUM", "/usr/bin/chromium")
AGENT = "#/requests?id=req_agent_run"
DESK, PHONE = (1440, 900), (390, 844)
#: name: (fragment, what must be there, size, themes)
SHOTS = {
    "requests": ("#/requests", ".vrow:not(.ghost)", DESK, ("light", "dark")),
    "conversation": (AGENT, ".turn.reply", DESK, ("light", "dark")),
    "diff": (AGENT + "&tab=diff", ".diff tr.change, .diff tr.add", DESK, ("light", "dark")),
    "timeline": (AGENT + "&tab=timeline", ".timeline-chart", DESK, ("light",)),
    "bodies": (AGENT + "&tab=raw", ".json", DESK, ("light",)),
    "replay": (AGENT, ".turn.reply", DESK, ("light",)),
    "search": ("#/requests?q=backoff", ".vrow:not(.ghost)", DESK, ("dark",)),
    "overview": ("#/overview?since=24h", "figure.card svg.chart", (1440, 1000), ("light", "dark")),
    "overview-routes": ("#/overview?since=24h&by=route", "figure.card svg.chart", (1440, 1040), ("light",)),
    "models": ("#/models", ".state", DESK, ("light",)),
    "plugins": ("#/plugins", ".plugin", DESK, ("light", "dark")),
    "phone-requests": ("#/requests", ".vrow:not(.ghost)", PHONE, ("light",)),
    "phone-conversation": (AGENT, ".turn.reply", PHONE, ("dark",)),
    "phone-overview": ("#/overview?since=24h", "figure.card svg.chart", PHONE, ("light",)),
}


def prepare(name: str, page: Page):
    if name == "replay":
        page.get_by_role("button", name="Replay", exact=True).click()
        page.locator(".replay h3").wait_for(timeout=30_000)
    elif name == "plugins":
        page.locator(".plugin", has_text="Kimi K2").locator("summary", has_text="Calls by function").click()
        page.locator(".plugin", has_text="Demo").locator("summary", has_text="Configuration").click()
    elif name == "conversation":
        page.locator(".turn.reply").scroll_into_view_if_needed()
    elif name == "diff":
        page.wait_for_timeout(300)


def shrink(file: Path):
    """A palette of 256: a third of the size. Frequent colours stay as they are, and so do vivid ones, which mean something."""
    picture = Image.open(file).convert("RGB")
    weight = lambda one: one[0] * (1 + (max(one[1]) - min(one[1])) ** 2 / 100)  # noqa: E731
    colours = sorted(picture.getcolors(1 << 24), key=weight, reverse=True)[:256]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in colours for part in colour])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(file, optimize=True)


def take(browser, show: Showcase, name: str, out: Path):
    path, ready, (width, height), schemes = SHOTS[name]
    for scheme in schemes:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
        answer = context.request.post(
            show.url + "admin/api/session", data={"key": ADMIN}, headers={"x-kimi-dashboard": "1"})  # fmt: skip
        assert answer.status == 204, answer.text()
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(show.url + path)
        page.locator(ready).first.wait_for(timeout=20_000)
        page.wait_for_timeout(600)
        prepare(name, page)
        page.wait_for_timeout(400)
        file = out / (f"{name}-{scheme}.png" if len(schemes) > 1 else f"{name}.png")
        page.screenshot(path=file)
        shrink(file)
        print(f"{file} {file.stat().st_size >> 10} kB")
        assert not faults, faults
        context.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images")
    parser.add_argument("--only", nargs="*", choices=SHOTS, default=list(SHOTS))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        show = Showcase(Path(folder) / "host")
        try:
            show.play()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name in given.only:
                take(browser, show, name, given.out)
            browser.close()
        finally:
            show.stop()


if __name__ == "__main__":
    main()
