"""Which upstream gets a request, and what the environment adds."""

import json
from collections import Counter

import pytest

import chatshape
import hostprocess
import replies
import wire
from conftest import entry

GOOD = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def ask(host, times: int = 1, path: str = "/v1/chat/completions", **more):
    for _ in range(times):
        assert wire.chat(host.port, {**GOOD, **more}, path=path).status == 200


def two(upstream, second_upstream, **more) -> dict:
    for one in (upstream, second_upstream):
        one.always(replies.auto)
    models = [entry("m", upstream.url, model="a"), entry("m", second_upstream.url, model="b")]
    return {"models": models, **more}


def test_round_robin_takes_turns(start_host, upstream, second_upstream):
    host = start_host(two(upstream, second_upstream, default_strategy="round_robin"))
    ask(host, 6)
    assert (len(upstream.requests), len(second_upstream.requests)) == (3, 3)
    assert {json.loads(r.body)["model"] for r in upstream.requests} == {"a"}
    order = sorted([(r.arrived, "a") for r in upstream.requests] + [(r.arrived, "b") for r in second_upstream.requests])
    assert "".join(name for _, name in order) in ("ababab", "bababa")


def test_round_robin_counts_each_model_for_itself(start_host, upstream, second_upstream):
    config = two(upstream, second_upstream, default_strategy="round_robin")
    config["models"] += [entry("other", upstream.url), entry("other", second_upstream.url)]
    host = start_host(config)
    for _ in range(4):
        ask(host)
        ask(host, model="other")
    names = Counter(json.loads(r.body)["model"] for r in upstream.requests)
    assert names == {"a": 2, "upstream-model": 2}


def test_round_robin_counts_each_profile_for_itself(start_host, upstream, second_upstream):
    config = two(upstream, second_upstream, default_strategy="round_robin")
    config["models"] += [{**one, "profile": "p"} for one in config["models"]]
    host = start_host(config)
    for _ in range(4):
        ask(host)
        ask(host, path="/p/v1/chat/completions")
    assert (len(upstream.requests), len(second_upstream.requests)) == (4, 4)


def test_first_is_the_default(start_host, upstream, second_upstream):
    ask(start_host(two(upstream, second_upstream)), 4)
    assert (len(upstream.requests), len(second_upstream.requests)) == (4, 0)


def test_weight_0_is_off(start_host, upstream, second_upstream):
    config = two(upstream, second_upstream, default_strategy="weighted_random")
    config["models"][0]["weight"] = 0
    config["models"][1]["weight"] = 3
    ask(start_host(config), 20)
    assert (len(upstream.requests), len(second_upstream.requests)) == (0, 20)


def test_random_reaches_both(start_host, upstream, second_upstream):
    ask(start_host(two(upstream, second_upstream, default_strategy="random")), 60)
    assert min(len(upstream.requests), len(second_upstream.requests)) > 5


def test_key_and_address_from_the_environment(start_host, upstream):
    upstream.always(replies.auto)
    config = {"models": [entry("m", "$BASE/v1", provider_config={"apiKey": "$MY_KEY", "baseUrl": "$BASE/v1"})]}
    host = start_host(config, environment={"MY_KEY": "sk-env", "BASE": upstream.url.removesuffix("/v1")})
    ask(host)
    assert upstream.wait_request().header("authorization") == "Bearer sk-env"


def test_the_originals_variables_fill_what_config_leaves_out(start_host, upstream):
    upstream.always(replies.auto)
    host = start_host(
        {"models": [{"name": "m", "provider": "openai", "model": "x"}]},
        environment={"OPENAI_API_KEY": "sk-global", "OPENAI_BASE_URL": upstream.url},
    )
    ask(host)
    assert upstream.wait_request().header("authorization") == "Bearer sk-global"


def test_dot_env_in_the_working_folder(start_host, upstream, tmp_path):
    upstream.always(replies.auto)
    folder = tmp_path / "host0"
    folder.mkdir()
    (folder / ".env").write_text('# a comment\nMY_KEY="sk-dotenv"\n')
    host = start_host({"models": [entry("m", "", provider_config={"apiKey": "$MY_KEY", "baseUrl": upstream.url})]})
    ask(host)
    assert upstream.wait_request().header("authorization") == "Bearer sk-dotenv"


def test_the_real_environment_wins_over_dot_env(start_host, upstream, tmp_path):
    upstream.always(replies.auto)
    folder = tmp_path / "host0"
    folder.mkdir()
    (folder / ".env").write_text("MY_KEY=sk-dotenv\n")
    config = {"models": [entry("m", "", provider_config={"apiKey": "$MY_KEY", "baseUrl": upstream.url})]}
    ask(start_host(config, environment={"MY_KEY": "sk-real"}))
    assert upstream.wait_request().header("authorization") == "Bearer sk-real"


def test_openrouter_provider(start_host, upstream):
    upstream.always(replies.auto)
    config = {"apiKey": "sk-or", "baseUrl": upstream.url}
    host = start_host({"models": [{"name": "m", "provider": "openrouter", "model": "x/y", "provider_config": config}]})
    ask(host)
    request = upstream.wait_request()
    assert request.target == "/v1/chat/completions" and request.header("authorization") == "Bearer sk-or"
    assert json.loads(request.body)["model"] == "x/y"


def test_proxy_of_the_environment(start_host, upstream):
    """A mock plays the proxy: it gets the absolute URL of an upstream that does not exist."""
    upstream.always(replies.auto)
    proxy = upstream.url.removesuffix("/v1")
    host = start_host({"models": [entry("m", "http://upstream.invalid/v1")]}, environment={"http_proxy": proxy})
    ask(host)
    assert upstream.wait_request().target == "http://upstream.invalid/v1/chat/completions"


@pytest.mark.parametrize("slash", ["", "/"])
def test_base_url_with_or_without_slash(start_host, upstream, slash):
    upstream.always(replies.auto)
    ask(start_host({"models": [entry("m", upstream.url + slash)]}))
    assert upstream.wait_request().target == "/v1/chat/completions"


def test_transform_with_config_form(start_host, upstream):
    upstream.reply(replies.response(replies.completion("thought</think>answer")))
    host = start_host({"models": [entry("m", upstream.url, transforms=[{"plugin": "kimi-k2"}])]})
    found = chatshape.unary(wire.chat(host.port, GOOD).json).only
    assert (found.reasoning, found.content) == ("thought", "answer")


def test_attempts_rotate_through_an_entrys_keys(start_host, upstream):
    one = entry("m", upstream.url)
    one["keys"] = ["sk-one", {"config": {"apiKey": "sk-two"}, "weight": 3}, {"config": {"apiKey": "sk-off"}, "weight": 0}]
    host = start_host({"models": [one]})
    upstream.always(replies.response(replies.completion()))
    for _ in range(8):
        assert wire.chat(host.port, {"model": "m", "messages": [{"role": "user", "content": "x"}]}).status == 200
    used = [request.header("authorization") for request in upstream.requests]
    assert sorted(used) == ["Bearer sk-one"] * 2 + ["Bearer sk-two"] * 6
    assert used[:4] == used[4:]


def test_a_key_without_its_variable_is_a_mistake_that_names_it(tmp_path):
    one = {"name": "m", "provider": "openai", "model": "x", "keys": ["$KEY_THAT_IS_NOT_SET"]}
    (tmp_path / "model-config.yaml").write_text(json.dumps({"models": [one]}))
    found = hostprocess.run("check", "--config", "model-config.yaml", "--plugins-dir", hostprocess.PLUGINS, cwd=tmp_path)
    assert found.returncode != 0
    assert "KEY_THAT_IS_NOT_SET" in found.stdout + found.stderr and "keys[0]" in found.stdout + found.stderr
