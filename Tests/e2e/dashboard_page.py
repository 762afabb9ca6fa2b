"""The browser: a page that has signed in, and what is checked of every page."""

from __future__ import annotations

from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from dashboard import ADMIN, CHROMIUM, Dashboard

# Slow machines take their time; nothing is right because it was fast.
PATIENCE = 20_000


@contextmanager
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--enable-precise-memory-info", "--js-flags=--expose-gc"])  # fmt: skip
        try:
            yield browser
        finally:
            browser.close()


def sign_in(context, dashboard: Dashboard, key: str = ADMIN):
    answer = context.request.post(
        dashboard.url + "admin/api/session", data={"key": key}, headers={"x-kimi-dashboard": "1"})  # fmt: skip
    assert answer.status == 204, answer.text()


class Watch:
    """What a page must not do: throw, be refused something by its policy, or ask another host."""

    def __init__(self, page: Page, dashboard: Dashboard):
        self.faults: list[str] = []
        self.expected: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"thrown: {error}"))
        page.on("console", lambda message: self._console(message))
        page.on("request", lambda request: self._request(request.url, dashboard.url))

    def _console(self, message):
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.faults.append(f"console: {message.text}")

    def _request(self, url: str, base: str):
        if not url.startswith((base, "data:")):
            self.faults.append(f"asked elsewhere: {url}")


def open_page(browser, dashboard: Dashboard, path: str = "#/requests", width=1440, height=900, scheme="light", key=ADMIN, **more):
    """(page, watch), signed in."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more)
    context.set_default_timeout(PATIENCE)
    if key:
        sign_in(context, dashboard, key)
    page = context.new_page()
    watch = Watch(page, dashboard)
    page.goto(dashboard.url + path)
    return page, watch


def held(page: Page) -> int:
    """Rows that the page keeps in memory."""
    return int(page.locator(".requests").get_attribute("data-held") or 0)


CONTRAST = """
() => {
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = color => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const part = value => { const s = value / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    const base = rgba(getComputedStyle(document.body).backgroundColor);
    return layers.reverse().reduce((under, top) => over(top, under), base);
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest('.offscreen, .skip, option, noscript') || element.closest(':disabled')) continue;
    const style = getComputedStyle(element);
    const back = ground(element);
    const ink = element instanceof SVGElement ? rgba(style.fill) : rgba(style.color);
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    ink[3] *= opacity;
    const [a, b] = [light(over(ink, back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    seen++;
    if (ratio < (large ? 3 : 4.5) - 0.01) faults.push(`${ratio.toFixed(2)} "${text.slice(0, 40)}" ${element.tagName}.${element.getAttribute('class') ?? ''}`);
  }
  return { seen, faults: [...new Set(faults)] };
}
"""

LABELS = """
() => {
  const faults = [];
  const shown = element => element.checkVisibility({ visibilityProperty: true });
  const named = element => (element.getAttribute('aria-label') ?? '').trim()
    || (element.getAttribute('aria-labelledby') ?? '').split(/\\s+/).map(id => document.getElementById(id)?.textContent.trim() ?? '').join('').trim()
    || (element.labels?.length ? [...element.labels].map(label => label.textContent.trim()).join('') : '')
    || (element.matches('input, select, textarea') ? '' : element.textContent.trim())
    || (element.querySelector('img[alt]:not([alt=""])')?.alt ?? '');
  const tell = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  for (const element of document.querySelectorAll('button, a[href], input, select, textarea, summary, [role=tab], [role=grid], [role=tabpanel], [role=region], dialog, nav')) {
    if (shown(element) && !named(element)) tell('no name', element);
  }
  for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) tell('no alt', image);
  for (const svg of document.querySelectorAll('svg')) {
    if (svg.getAttribute('aria-hidden') !== 'true' && !(svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label'))) tell('unnamed picture', svg);
  }
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id twice: ${id}`);
  for (const element of document.querySelectorAll('[aria-controls], [aria-labelledby], [aria-describedby], [aria-activedescendant]')) {
    for (const name of ['aria-controls', 'aria-labelledby', 'aria-describedby', 'aria-activedescendant']) {
      for (const id of (element.getAttribute(name) ?? '').split(/\\s+/).filter(Boolean)) if (!document.getElementById(id)) faults.push(`${name} leads nowhere: ${id}`);
    }
  }
  for (const grid of document.querySelectorAll('[role=grid]')) {
    for (const row of grid.querySelectorAll('[role=row]')) {
      if (![...row.children].every(cell => ['gridcell', 'columnheader'].includes(cell.getAttribute('role')))) tell('row without cells', row);
    }
  }
  for (const list of document.querySelectorAll('[role=tablist]')) {
    if ([...list.children].filter(tab => tab.getAttribute('aria-selected') === 'true' && tab.tabIndex === 0).length !== 1) tell('tabs', list);
  }
  for (const box of document.querySelectorAll('*')) {
    const style = getComputedStyle(box);
    const scrolls = /(auto|scroll)/.test(style.overflowX + style.overflowY) && (box.scrollHeight > box.clientHeight + 2 || box.scrollWidth > box.clientWidth + 2);
    if (scrolls && shown(box) && box.tabIndex < 0 && !box.querySelector('button, a[href], input, select, summary, [tabindex="0"]') && !['HTML', 'BODY', 'SELECT'].includes(box.tagName)) tell('cannot be scrolled by keyboard', box);
  }
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title) faults.push('no title');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  const levels = [...document.querySelectorAll('h1, h2, h3, h4')].filter(shown).map(heading => Number(heading.tagName[1]));
  levels.forEach((level, index) => { if (index && level > levels[index - 1] + 1) faults.push(`heading h${level} after h${levels[index - 1]}`); });
  return faults;
}
"""
