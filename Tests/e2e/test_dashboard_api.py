"""The dashboard's API and who is let in (docs/dashboard-api.md), without a browser."""

from __future__ import annotations

import json
import time
import urllib.parse

import pytest

import dashboard
from dashboard import ADMIN, Dashboard, Feed

pytestmark = [
    pytest.mark.skipif(not dashboard.DEV, reason="DashboardDev is not built"),
    pytest.mark.timeout(120),
]
MARK = {"x-kimi-dashboard": "1"}


@pytest.fixture(scope="module")
def dash(tmp_path_factory):
    server = Dashboard(tmp_path_factory.mktemp("dash"), rows=300, cases=True)
    yield server
    server.stop()


@pytest.fixture
def open_dash(tmp_path):
    server = Dashboard(tmp_path, rows=3, keys=False)
    yield server
    server.stop()


# The page


def test_the_page_is_for_anybody_and_strict(dash):
    status, headers, body = dash.get("/")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert "require-trusted-types-for 'script'" in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert b"<style" not in body and b" style=" not in body and b"onclick" not in body and b"http" not in body


def test_files_are_asked_for_once(dash):
    status, headers, body = dash.get("/ui/app.js")
    assert status == 200 and headers["content-type"] == "text/javascript; charset=utf-8" and body
    status, again, body = dash.get("/ui/app.js", if_none_match=headers["etag"])
    assert status == 304 and body == b"" and again["etag"] == headers["etag"]
    assert dash.get("/ui/app.js", if_none_match='"another"')[0] == 200
    assert dash.get("/ui/nothing.js")[0] == 404
    assert dash.get("/ui/..%2f..%2fetc%2fpasswd")[0] == 404


def test_every_file_is_embedded(dash):
    static = dashboard.HERE.parents[1] / "Sources/DashboardAssets/static"
    for file in static.iterdir():
        status, _, body = dash.get(f"/ui/{file.name}")
        assert status == 200 and body == file.read_bytes(), file.name


# Being let in

READS = ["me", "requests", "requests/events", "requests/1", "requests/1/body?kind=request", "requests/1/curl", "overview",
         "facets", "routes", "plugins"]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_nothing_is_read_without_a_key(dash, path):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "kimi_session=" + "0" * 64}):
        status, _, body = dash.request("GET", "/admin/api/" + path, headers=headers)
        assert status == 401 and json.loads(body)["error"]["code"] == "not_signed_in"


def test_signing_in_gives_a_cookie_for_this_site_only(dash):
    status, headers, _ = dash.request("POST", "/admin/api/session", {"key": ADMIN}, MARK)
    cookie = headers["set-cookie"]
    assert status == 204 and {"HttpOnly", "SameSite=Strict", "Path=/admin"} <= set(cookie.split("; "))
    pair = cookie.split(";")[0]
    assert dash.get("/admin/api/me", cookie=pair)[0] == 200
    assert dash.request("DELETE", "/admin/api/session", headers={"cookie": pair})[0] == 204
    assert dash.get("/admin/api/me", cookie=pair)[0] == 401


def test_a_cookie_is_not_taken_under_a_foreign_name(dash):
    _, headers, _ = dash.request("POST", "/admin/api/session", {"key": ADMIN}, MARK)
    pair = headers["set-cookie"].split(";")[0]
    for host, wanted in [("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost:1", 200), ("[::1]:8000", 200),
                         ("[evil.example]", 403), ("[::1]evil", 403), ("[::1", 403), ("[127.0.0.1]", 403), ("localhost:evil", 403),
                         ("+127.0.0.1", 403)]:  # fmt: skip
        assert dash.get("/admin/api/me", cookie=pair, host=host)[0] == wanted, host


def test_signing_in_from_another_site_is_refused(dash):
    for headers in ({}, {**MARK, "origin": "http://evil.example"}, {**MARK, "sec-fetch-site": "cross-site"}):
        status, _, body = dash.request("POST", "/admin/api/session", {"key": ADMIN}, headers)
        assert status == 403 and json.loads(body)["error"]["code"] == "wrong_origin"


def test_guessing_is_slowed_down(tmp_path):
    server = Dashboard(tmp_path, rows=1)
    try:
        statuses = [server.request("POST", "/admin/api/session", {"key": f"guess {n}"}, MARK)[0] for n in range(45)]
        assert statuses[0] == 401 and statuses[-1] == 429
        assert statuses.count(401) <= 40
    finally:
        server.stop()


def test_times_beyond_all_calendars_are_refused(dash):
    key = {"authorization": f"Bearer {ADMIN}"}
    most = 2**63 - 1
    for query in (f"overview?since={most - 10}&until={most}", f"overview?since=0&until={most}", f"requests?since={most}",
                  f"requests?until={2**53 + 1}", "requests?before=99999999999999999999", "requests?status=\u4eacxx",
                  f"requests/events?since={most}"):  # fmt: skip
        status, _, body = dash.get("/admin/api/" + urllib.parse.quote(query, safe="/?&="), **key)
        assert status == 400 and json.loads(body)["error"]["code"] == "bad_parameter", query
    for query in (f"requests?before={most}", f"requests?after={most}", f"requests?since={2**53}", "overview?since=100000d&until=99999d",
                  f"requests/{most}", f"requests/1/body?kind=request&attempt={most}&place={most}"):  # fmt: skip
        assert dash.get("/admin/api/" + query, **key)[0] in (200, 404), query
    assert dash.get("/admin/api/me", **key)[0] == 200


def test_the_printed_link_works_once(open_dash):
    path = "/admin/login?token=" + open_dash.link.split("token=")[1]
    assert open_dash.get("/admin/api/me")[0] == 401
    assert open_dash.request("POST", "/admin/api/session", {"key": "x"}, MARK)[0] == 401
    assert open_dash.get(path, host="evil.example")[0] == 403
    status, headers, _ = open_dash.get("/admin/login?token=" + "0" * 64)
    assert status == 303 and "set-cookie" not in headers
    status, headers, _ = open_dash.get(path)
    assert status == 303 and headers["location"] == "/"
    assert open_dash.get("/admin/api/me", cookie=headers["set-cookie"].split(";")[0])[0] == 200
    status, headers, _ = open_dash.get(path)
    assert status == 303 and "set-cookie" not in headers and "used" in headers["location"]


ACTIONS = ["requests/1/replay", "cooldowns/clear"]


@pytest.mark.parametrize("path", ACTIONS)
def test_actions_need_the_admin_and_the_page(dash, path):
    key = {"authorization": f"Bearer {ADMIN}"}
    send = lambda headers: dash.request("POST", "/admin/api/" + path, {}, headers)  # noqa: E731
    assert send({**key, **MARK})[0] == 200
    for headers in (
        key, {**key, **MARK, "origin": "http://evil.example"}, {**key, **MARK, "origin": "null"},
        {**key, **MARK, "sec-fetch-site": "cross-site"}, {**key, **MARK, "sec-fetch-site": "same-site"},
    ):  # fmt: skip
        status, _, body = send(headers)
        assert status == 403 and json.loads(body)["error"]["code"] == "wrong_origin", headers
    origin = f"http://127.0.0.1:{dash.port}"
    assert send({**key, **MARK, "origin": origin, "sec-fetch-site": "same-origin"})[0] == 200
    assert dash.request("GET", "/admin/api/" + path, headers=key)[0] in (404, 405)


def test_who_may_look_may_not_act(dash):
    _, headers, _ = dash.request("POST", "/admin/api/session", {"key": dashboard.LOOKER}, MARK)
    cookie = {"cookie": headers["set-cookie"].split(";")[0]}
    assert json.loads(dash.request("GET", "/admin/api/me", headers=cookie)[2])["read_only"] is True
    status, _, body = dash.request("POST", "/admin/api/cooldowns/clear", {}, {**cookie, **MARK})
    assert status == 403 and json.loads(body)["error"]["code"] == "not_admin"


# Lists


def test_pages_hold_every_request_once(dash):
    found, path = [], "requests?limit=47"
    while path:
        _, page = dash.api(path)
        found += [row["sequence"] for row in page["items"]]
        path = f"requests?limit=47&before={page['next']}" if "next" in page else None
    assert found == list(range(page["newest"], page["oldest"] - 1, -1)) and len(found) == page["total"]


def test_filters(dash):
    _, every = dash.api("requests?limit=500")
    for query, fits in [
        ("model=gpt-5", lambda row: row["model"] == "gpt-5"), ("status=429", lambda row: row["status"] == 429),
        ("status=4xx", lambda row: 400 <= row["status"] < 500), ("status=cancelled", lambda row: row["outcome"] == "cancelled"),
        ("error=1", lambda row: row["outcome"] != "ok"), ("repaired=1", lambda row: row["repairs"] > 0),
        ("client=bob", lambda row: row.get("client") == "bob"), ("provider=vertex", lambda row: row["provider"] == "vertex"),
        ("upstream_model=gemini-2.5-pro", lambda row: row["upstream_model"] == "gemini-2.5-pro"),
        ("dialect=openai.chat&model=kimi-k2", lambda row: (row["dialect"], row["model"]) == ("openai.chat", "kimi-k2")),
        ("since=1h", lambda row: row["ended"] > time.time() * 1000 - 3_600_000),
    ]:  # fmt: skip
        _, page = dash.api("requests?limit=500&" + query)
        wanted = [row["sequence"] for row in every["items"] if fits(row)]
        assert [row["sequence"] for row in page["items"]] == wanted and wanted, query


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=x", "before=-1", "status=9", "since=yesterday",
                                   "repaired=maybe", "model=" + "x" * 600, "before=1&after=1", "q=%21"])  # fmt: skip
def test_wrong_parameters_are_named(dash, query):
    status, answer = dash.api("requests?" + query)
    assert status == 400 and answer["error"]["code"] == "bad_parameter" and answer["error"]["param"] in query


def test_search_finds_words_in_bodies(dash):
    end = time.monotonic() + 15
    while True:
        _, page = dash.api("requests?q=jitter")
        if page["items"] or time.monotonic() > end:
            break
        time.sleep(0.2)
    assert [row["id"] for row in page["items"]] == ["req_case_a-kimi"]
    assert dash.api("requests?q=jitter+nowhere")[1]["items"] == []


def test_an_exchange_and_its_bodies(dash):
    status, detail = dash.api("requests/req_case_a-kimi")
    assert status == 200 and len(detail["attempts"]) == 2
    kinds = [(body["kind"], body["attempt"]) for body in detail["bodies"]]
    assert kinds == [("request", 0), ("reply", 0), ("upstream_request", 1), ("upstream_reply", 1), ("upstream_request", 2),
                     ("upstream_reply", 2)]  # fmt: skip
    path = f"/admin/api/requests/{detail['sequence']}/body?kind=request"
    status, headers, body = dash.get(path, authorization=f"Bearer {ADMIN}")
    assert status == 200 and json.loads(body)["model"] == "kimi-k2"
    assert headers["content-type"] == "text/plain; charset=utf-8" and "sandbox" in headers["content-security-policy"]
    assert int(headers["x-total-length"]) == len(body)
    assert dash.api("requests/999999")[0] == 404 and dash.api("requests/1/body?kind=nothing")[0] == 404
    _, _, text = dash.get("/admin/api/requests/req_case_a-kimi/curl", authorization=f"Bearer {ADMIN}")
    assert text.startswith(f"curl -sS 'http://127.0.0.1:{dash.port}/v1/messages'".encode()) and ADMIN.encode() not in text


# The live feed


def test_rows_come_as_they_are_written_and_a_cut_feed_goes_on(dash):
    feed = Feed(dash)
    feed.next("log")
    before = dash.api("requests?limit=1")[1]["newest"]
    dash.fill(5)
    rows = feed.next("rows")
    sequences = [row["sequence"] for row in rows["data"]["items"]]
    while len(sequences) < 5:
        rows = feed.next("rows")
        sequences += [row["sequence"] for row in rows["data"]["items"]]
    feed.close()
    assert sequences == list(range(before + 1, before + 6)) and rows["id"] == before + 5
    again = Feed(dash, **{"last-event-id": str(before + 2)})
    assert [row["sequence"] for row in again.next("rows")["data"]["items"]] == [before + 3, before + 4, before + 5]
    again.close()


def test_a_feed_has_the_filters_of_the_list(dash):
    feed = Feed(dash, "requests/events?model=gpt-5&after=0")
    rows = feed.next("rows")
    assert rows["data"]["items"] and all(row["model"] == "gpt-5" for row in rows["data"]["items"])
    feed.close()


def test_who_is_far_behind_is_told_so(tmp_path):
    server = Dashboard(tmp_path, rows=1_500)
    try:
        feed = Feed(server, **{"last-event-id": "3"})
        gap = feed.next("gap")
        assert gap["data"] == {"from": 3, "to": 1_500} and gap["id"] == 1_500
        feed.close()
    finally:
        server.stop()


@pytest.mark.timeout(120)
def test_feeds_are_bounded(dash):
    feeds = [Feed(dash) for _ in range(32)]
    assert all(feed.response.status == 200 for feed in feeds)
    assert Feed(dash).response.status == 429
    for feed in feeds:
        feed.close()
    end = time.monotonic() + 60
    status = 429
    while status == 429 and time.monotonic() < end:
        time.sleep(0.5)
        feed = Feed(dash)
        status = feed.response.status
        feed.close()
    assert status == 200


# Sums


def test_overview_adds_up(dash):
    _, every = dash.api("requests?limit=500&since=24h")
    _, overview = dash.api("overview?since=24h")
    points = [point for series in overview["series"] for point in series["points"]]
    total = lambda name: sum(point.get(name, 0) for point in points)  # noqa: E731
    assert overview["step"] == 300_000
    # The oldest minutes belong to the first step as a whole.
    assert 0 <= total("ok") + total("failed") + total("cancelled") - len(every["items"]) <= 10
    counted = sum(count for point in points for _, count in point.get("latency", []))
    assert counted == total("ok")
    _, one = dash.api("overview?since=24h&model=gpt-5")
    assert {series["model"] for series in one["series"]} == {"gpt-5"}
    for query in ["since=5&until=3", "since=500d", "until=x"]:
        assert dash.api("overview?" + query)[0] == 400


def test_facets_name_what_there_is(dash):
    _, facets = dash.api("facets")
    assert {"kimi-k2", "gpt-5"} <= set(facets["models"]) and set(facets["clients"]) == {"alice", "bob", "ci-agent"}
    assert {"provider": "vertex", "upstream_model": "gemini-2.5-pro"} in facets["routes"]
    assert facets["profiles"] == ["work"] and "openai.chat" in facets["dialects"] and "429" in facets["statuses"]
