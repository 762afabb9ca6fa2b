"""The dashboard in a browser: each view, what it shows of real exchanges, and that hostile bodies stay text."""

from __future__ import annotations

import json
import re

import pytest

import dashboard

pytest.importorskip("playwright", reason="pip install playwright")
from dashboard import Dashboard  # noqa: E402
from dashboard_page import browser, open_page  # noqa: E402

pytestmark = [
    pytest.mark.skipif(not dashboard.DEV, reason="DashboardDev is not built"),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def dash(tmp_path_factory):
    server = Dashboard(tmp_path_factory.mktemp("dash"), rows=400, cases=True)
    yield server
    server.stop()


@pytest.fixture
def show(chromium, dash):
    """Opens pages, and looks at the end that none of them did what it must not."""
    opened = []

    def show(path="#/requests", **more):
        page, watch = open_page(chromium, dash, path, **more)
        opened.append((page, watch))
        return page

    show.watches = opened
    yield show
    for page, watch in opened:
        page.context.close()
        assert watch.faults == []


def rows(page):
    return page.locator(".vrow:not(.ghost):visible")


def cells(page, column: str) -> list[str]:
    rows(page).first.wait_for()
    return page.locator(f".vrow:not(.ghost):visible .c-{column}").all_inner_texts()


# Signing in


def test_the_link_opens_the_page(chromium, tmp_path):
    server = Dashboard(tmp_path, rows=3, keys=False)
    try:
        page, watch = open_page(chromium, server, "", key=None)
        watch.expected = ["401"]
        page.get_by_role("heading", name="Sign in to kimi-host").wait_for()
        page.goto(server.link)
        rows(page).first.wait_for()
        assert page.url == server.url
        assert page.evaluate("document.cookie") == ""
        other, watch = open_page(chromium, server, server.link.split("/", 3)[3], key=None)
        watch.expected = ["401"]
        other.get_by_text("That link has been used").wait_for()
        page.context.close()
        other.context.close()
    finally:
        server.stop()


def test_signing_in_with_a_key_and_out(show, dash):
    page = show("#/overview", key=None)
    show.watches[-1][1].expected = ["401"]
    field = page.get_by_label("Admin key")
    field.fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").filter(has_text="does not open the dashboard").wait_for()
    field.fill(dashboard.ADMIN)
    field.press("Enter")
    page.locator(".tile").first.wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in to kimi-host").wait_for()


# The list


def test_the_list_shows_what_the_log_has(show, dash):
    page = show()
    _, wanted = dash.api("requests?limit=10")
    rows(page).first.wait_for()
    shown = page.locator(".vrow:not(.ghost):visible").evaluate_all(
        "rows => rows.sort((a, b) => a.dataset.place - b.dataset.place).slice(0, 10)"
        ".map(row => [row.querySelector('.c-status').textContent, row.querySelector('.c-model').textContent])"
    )
    assert shown == [[str(row["status"]), row["model"]] for row in wanted["items"]]
    assert page.locator(".list-foot").inner_text().startswith("405 requests")


def test_filters_are_in_the_url_and_come_back_from_it(show, dash):
    page = show()
    page.get_by_label("Model").select_option("gpt-5")
    page.wait_for_url("**/#/requests?model=gpt-5")
    page.wait_for_function("() => [...document.querySelectorAll('.vrow:not([hidden]) .c-model')].every(cell => ['gpt-5', ''].includes(cell.textContent))")
    assert set(cells(page, "model")) == {"gpt-5"}
    page.get_by_role("button", name="Errors").click()
    page.wait_for_url("**/#/requests?model=gpt-5&error=1")
    shared = page.url
    other = show(shared[len(dash.url):])
    assert set(cells(other, "model")) == {"gpt-5"} and not {"200"} & set(cells(other, "status"))
    assert other.get_by_label("Model").input_value() == "gpt-5"
    assert other.get_by_role("button", name="Errors").get_attribute("aria-pressed") == "true"
    other.get_by_role("button", name="Clear").click()
    other.wait_for_url("**/#/requests")
    page.go_back()
    page.wait_for_url("**/#/requests?model=gpt-5")


def test_search_in_bodies_and_by_field(show):
    page = show()
    search = page.get_by_role("searchbox", name="Search")
    search.fill("jitter")
    search.press("Enter")
    page.wait_for_url("**/#/requests?q=jitter")
    page.get_by_text("1 found").wait_for()
    assert rows(page).count() == 1
    search.fill('status:429 model:"gpt-5"')
    search.press("Enter")
    page.wait_for_url("**/#/requests?model=gpt-5&status=429")
    assert search.input_value() == ""
    search.fill("nobodysaidthis")
    search.press("Enter")
    page.get_by_text("No request fits these filters").wait_for()
    page.get_by_role("button", name="Clear the filters").click()
    rows(page).first.wait_for()


def test_new_requests_appear_by_themselves(show, dash):
    page = show()
    rows(page).first.wait_for()
    page.locator(".live.on").wait_for()
    before = dash.api("requests?limit=1")[1]["newest"]
    dash.fill(3)
    page.get_by_text(f"{before + 3} requests").wait_for()
    _, newest = dash.api("requests?limit=3")
    shown = page.locator(".vrow[data-place='0'] .c-model").inner_text()
    assert shown == newest["items"][0]["model"]


def test_what_is_read_stays_in_place_when_new_ones_come(show, dash):
    page = show()
    rows(page).first.wait_for()
    page.locator(".live.on").wait_for()
    page.locator(".vscroll").evaluate("box => { box.scrollTop = 30 * 40; }")
    page.wait_for_function("() => document.querySelector('#row-45 .c-model')?.textContent")
    place = "document.elementFromPoint(400, 400).closest('.vrow').querySelector('.c-cost').textContent"
    before = page.evaluate(place)
    dash.fill(4)
    page.get_by_role("button", name="4 new").wait_for()
    page.wait_for_function(f"() => {place} === {before!r}")
    page.get_by_role("button", name="4 new").click()
    page.wait_for_function("() => document.querySelector('.vscroll').scrollTop === 0")
    page.locator(".pill").wait_for(state="hidden")


def test_the_feed_comes_back_when_the_host_does(chromium, tmp_path):
    server = Dashboard(tmp_path, rows=5)
    page, watch = open_page(chromium, server)
    watch.expected = ["ERR_", "401", "Failed to load"]
    try:
        rows(page).first.wait_for()
        page.locator(".live.on").wait_for()
        server.stop()
        page.locator(".live.off").wait_for()
    finally:
        server.stop()
        page.context.close()
    assert watch.faults == []


def test_an_empty_log_says_what_to_do(chromium, tmp_path):
    server = Dashboard(tmp_path, rows=0)
    try:
        page, watch = open_page(chromium, server)
        page.get_by_text("No requests yet").wait_for()
        assert "/v1/chat/completions" in page.locator(".example").inner_text()
        server.fill(1)
        rows(page).first.wait_for()
        page.goto(server.url + "#/overview")
        page.locator(".tile, .notice.empty").first.wait_for()
        page.context.close()
        assert watch.faults == []
    finally:
        server.stop()


# One request


def open_case(show, tab=None, **more):
    page = show("#/requests?id=req_case_a-kimi" + (f"&tab={tab}" if tab else ""), **more)
    page.locator(".request-title h2").filter(has_text="kimi-k2").wait_for()
    return page


def test_the_conversation(show):
    page = open_case(show)
    reply = page.locator(".turn.reply")
    reply.wait_for()
    assert "The file has moved." in reply.inner_text()
    assert "The path was wrong" in reply.locator(".thinking").inner_text()
    call = reply.locator(".call")
    assert "grep" in call.inner_text() and '"func backoff"' in call.inner_text()
    roles = page.locator(".turn").evaluate_all("turns => turns.map(turn => turn.getAttribute('aria-label'))")
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert page.locator(".result.failed").count() == 1
    assert page.locator(".turn .code[data-lang=swift]").count() == 1
    page.get_by_text("4 tools:").click()
    assert page.locator(".tools-list .fold").count() == 4
    notes = page.locator(".notes").first.inner_text()
    assert "tool call markup" in notes and "top_k" in notes


def test_a_long_conversation_is_drawn_bit_by_bit(show):
    page = show("#/requests?id=req_case_c-long")
    page.locator(".turn.reply").wait_for()
    assert page.locator(".turn").count() < 40
    page.get_by_role("button", name=re.compile("earlier messages")).click()
    page.wait_for_function("() => document.querySelectorAll('.turn').length >= 75")


@pytest.mark.parametrize("tab", ["conversation", "diff", "raw"])
def test_what_is_nested_thousands_deep_is_shown_so_far(show, tab):
    page = show(f"#/requests?id=req_case_e-deep&tab={tab}")
    if tab == "conversation":
        page.locator(".turn.reply").wait_for()
        assert page.locator(".result").count() == 17
        page.get_by_text("nested too deep").first.wait_for()
    if tab == "diff":
        page.locator(".diff").wait_for()
    page.wait_for_load_state("networkidle")
    assert "call stack" not in page.locator("main").inner_text()


def test_merge_patches_of_any_depth_are_applied(show):
    page = show()
    found = page.evaluate("""async () => {
        const { mergePatch } = await import('/ui/diff.js');
        let deep = {};
        for (let level = 0; level < 50000; level++) deep = { a: deep };
        mergePatch({ a: { a: 1 } }, deep);
        const before = JSON.parse('{"a": {"b": 1, "c": 2}, "d": [1], "__proto__": 3}');
        const patch = JSON.parse('{"a": {"b": null, "e": {"f": 1}}, "g": null, "__proto__": {"x": 1}}');
        return JSON.stringify(mergePatch(before, patch));
    }""")
    assert json.loads(found) == {"a": {"c": 2, "e": {"f": 1}}, "d": [1], "__proto__": {"x": 1}}


def test_the_diff_marks_what_was_repaired_and_dropped(show):
    page = open_case(show, "diff")
    diff = page.locator(".diff")
    diff.wait_for()
    marked = diff.locator("td.add .flag.fix")
    marked.first.wait_for()
    assert "toolu_k2_7f3a" in diff.locator("td.add:has(.flag.fix)").first.inner_text()
    assert "<|tool_calls_section_begin|>" in diff.locator("td.remove mark").first.inner_text()
    page.get_by_label("What to compare").select_option(label="Request: client → upstream (attempt 2)")
    page.locator(".flag.drop", has_text="dropped").nth(2).wait_for()
    page.locator("td.remove:has(.flag.drop)", has_text='"top_k": 40').first.wait_for()
    fold = page.get_by_role("button", name=re.compile("equal lines")).first
    before = page.locator(".diff tr").count()
    fold.click()
    assert page.locator(".diff tr").count() > before


def test_the_timeline(show):
    page = open_case(show, "timeline")
    page.locator(".timeline-chart").first.wait_for()
    assert "first token 980 ms" in page.locator(".timeline-chart").first.text_content()
    table = page.locator(".timeline table")
    assert "rate_limited" in table.inner_text() and table.locator("tbody tr").count() == 2
    assert page.locator("rect.broken").count() >= 1


def test_bodies_as_a_tree_and_as_bytes(show):
    page = open_case(show, "raw")
    tree = page.locator(".json").first
    tree.wait_for()
    assert "top_k" in tree.inner_text()
    node = page.locator("details.j-node:not([open]) > summary").first
    node.click()
    assert page.locator("details.j-node:not([open]) > summary").first != node
    page.get_by_label("Which body").select_option(index=5)
    page.get_by_role("tab", name="As bytes").click()
    assert "data: " in page.locator(".bytes").inner_text()


def test_copying_as_curl(show):
    page = open_case(show)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_text("Command copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("curl -sS 'http://127.0.0.1") and "/v1/messages'" in text and dashboard.ADMIN not in text


def test_replay(show):
    page = open_case(show)
    page.get_by_role("button", name="Replay").click()
    page.locator(".replay").wait_for()
    assert page.locator(".replay .diff").count() == 1 or "the same reply" in page.locator(".replay").inner_text()


def test_who_may_only_look_cannot_act(show):
    page = open_case(show, key=dashboard.LOOKER)
    assert page.get_by_role("button", name="Replay").is_disabled()
    page.goto(page.url.split("#")[0] + "#/models")
    page.get_by_role("button", name=re.compile("Clear all cooldowns")).wait_for()
    assert page.get_by_role("button", name=re.compile("Clear all cooldowns")).is_disabled()


def test_one_that_is_gone_says_so(show):
    page = show("#/requests?id=999999")
    show.watches[-1][1].expected = ["404"]
    page.get_by_text("This request is not in the log").wait_for()


@pytest.mark.parametrize("tab", ["conversation", "diff", "timeline", "raw", "details"])
def test_hostile_bodies_stay_text(show, tab):
    page = show(f"#/requests?id=req_case_b-hostile&tab={tab}")
    page.locator(".request-title h2").wait_for()
    page.wait_for_load_state("networkidle")
    for summary in page.locator("details:not([open]) > summary").all()[:40]:
        if summary.is_visible():
            summary.click()
    for select in page.locator(".tabpanel select").all():
        for index in range(select.locator("option").count()):
            select.select_option(index=index)
            page.wait_for_timeout(150)
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img, main script, main iframe, main [onerror], main [onload]").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    if tab == "conversation":
        assert "<script>window.pwned=2</script>" in page.locator(".conversation").inner_text()


# The other views


def test_the_overview(show, dash):
    page = show("#/overview?since=24h")
    page.locator(".tile").first.wait_for()
    assert page.locator("figure.card").count() == 8
    page.wait_for_function("() => document.querySelectorAll('figure.card svg.chart').length >= 7")
    requests = int(page.locator(".tile b").first.inner_text().replace(",", ""))
    assert 380 <= requests <= dash.api("requests?limit=1")[1]["total"]
    assert page.locator(".chart.bars rect").count() > 50
    page.get_by_text("Numbers").first.click()
    page.locator("figure.card table tbody tr").nth(10).wait_for()
    page.get_by_label("Group by").select_option("model")
    page.wait_for_url("**by=model")
    page.locator(".legend", has_text="gemini-pro").first.wait_for()
    table = page.locator("section.card table")
    table.get_by_role("button", name="Cost").click()
    table.locator("th[aria-sort=descending]", has_text="Cost").wait_for()
    costs = [float(text) for text in table.locator("tbody td:nth-child(10)").all_inner_texts()]
    assert costs == sorted(costs, reverse=True)
    table.get_by_role("link", name="gpt-5").first.click()
    page.wait_for_url("**/#/requests?model=gpt-5**")


def test_the_models_and_their_cooldowns(show):
    page = show("#/models")
    page.locator(".state.cold").first.wait_for()
    text = page.locator("main").inner_text()
    assert "connection refused" in text and "2 of 4" in text and "profile work" in text
    page.get_by_role("button", name="Try openai kimi-k2-turbo-preview of kimi-k2 now").click()
    page.get_by_text("tried again from now on").wait_for()
    page.get_by_role("button", name=re.compile("Clear all cooldowns")).click()
    page.get_by_text("All routes: tried again").wait_for()


def test_the_plugins(show):
    page = show("#/plugins")
    page.get_by_role("heading", name=re.compile("Kimi K2")).wait_for()
    text = page.locator("main").inner_text()
    for wanted in ["dev.kimi-host.openrouter", "182,340", "12.7 µs", "built 1.1, needs 1.0", "tool call markup ×212"]:
        assert wanted in text
    page.get_by_text("Configuration", exact=True).first.click()
    page.locator("table", has_text="api_key").get_by_text("secret").wait_for()
