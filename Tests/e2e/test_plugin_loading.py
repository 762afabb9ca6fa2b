"""Which libraries are loaded: --no-plugins, --only-plugin, pins, owners and modes."""

from __future__ import annotations

import hashlib
import shutil

import pytest

import hostprocess


@pytest.fixture
def plugins(tmp_path):
    folder = tmp_path / "plugins.d"
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("libOpenAIProvider.so", "libDemoProvider.so", "libKimiK2Transform.so"):
        shutil.copy2(hostprocess.PLUGINS / name, folder)
    return folder


def run(folder, *arguments):
    return hostprocess.run(*arguments, "--plugins-dir", "plugins.d", cwd=folder.parent)


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_no_plugins(plugins):
    listed = run(plugins, "plugins", "list", "--no-plugins")
    assert listed.returncode == 0 and listed.stdout == "" and "--no-plugins" in listed.stderr
    shutil.rmtree(plugins)
    assert run(plugins, "plugins", "list", "--no-plugins").returncode == 0
    both = run(plugins, "plugins", "list", "--no-plugins", "--only-plugin", "x")
    assert both.returncode != 0 and "contradict" in both.stderr


@pytest.mark.parametrize("name", ["libDemoProvider", "libDemoProvider.so", "DemoProvider"])
def test_only_plugin(plugins, name):
    (plugins / "libBroken.so").write_text("not a library")
    assert run(plugins, "plugins", "list").returncode == 1
    listed = run(plugins, "plugins", "list", "--only-plugin", name)
    assert listed.returncode == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == 1 and "provider[demo]" in listed.stdout
    assert "libBroken.so: not loaded, --only-plugin does not name it" in listed.stderr


def test_only_plugin_goes_for_serve_too(plugins, start_host):
    (plugins / "libBroken.so").write_text("not a library")
    config = {"models": [{"name": "demo", "provider": "demo", "model": "demo"}]}
    (plugins.parent / "c.yaml").write_text(str(config).replace("'", '"'))
    arguments = ("check", "--config", "c.yaml")
    assert run(plugins, *arguments).returncode == 1
    assert run(plugins, *arguments, "--only-plugin", "DemoProvider").returncode == 0
    none = run(plugins, *arguments, "--no-plugins")
    assert none.returncode == 1 and "demo" in none.stdout


def test_only_plugin_that_is_not_there(plugins):
    listed = run(plugins, "plugins", "list", "--only-plugin", "DemoProvder")
    assert listed.returncode == 1
    assert "no plugin 'DemoProvder'" in listed.stderr and "libDemoProvider" in listed.stderr


def test_pin(plugins):
    sidecar = plugins / "10-demo.yaml"
    sidecar.write_text("# ours\npath: libDemoProvider.so\nsha256: \"" + "0" * 64 + "\" # old\nconfig:\n  paceMs: 1\n")
    wrong = run(plugins, "plugins", "list")
    assert wrong.returncode == 1 and "pin: sha256 is" in wrong.stderr
    pinned = run(plugins, "plugins", "pin")
    assert pinned.returncode == 0, pinned.stderr
    demo = digest(plugins / "libDemoProvider.so")
    assert sidecar.read_text() == f"# ours\npath: libDemoProvider.so\nsha256: \"{demo}\"\nconfig:\n  paceMs: 1\n"
    for name in ("libOpenAIProvider", "libKimiK2Transform"):
        assert (plugins / f"{name}.yaml").read_text() == f"sha256: \"{digest(plugins / (name + '.so'))}\"\n"
    assert run(plugins, "plugins", "list", "--require-pins").returncode == 0
    assert "(as it was)" in run(plugins, "plugins", "pin", "10-demo").stdout
    with (plugins / "libKimiK2Transform.so").open("ab") as library:
        library.write(b"x")
    changed = run(plugins, "plugins", "list")
    assert changed.returncode == 1 and "libKimiK2Transform.so: pin:" in changed.stderr
    assert sorted(path.name for path in plugins.glob("*.new")) == []


def test_a_sidecar_that_cannot_be_edited_is_left_alone(plugins):
    sidecar = plugins / "libDemoProvider.yaml"
    sidecar.write_text('{"enabled": true}\n')
    pinned = run(plugins, "plugins", "pin", "DemoProvider")
    assert pinned.returncode == 1 and "cannot be edited safely" in pinned.stderr and "sha256: " in pinned.stderr
    assert sidecar.read_text() == '{"enabled": true}\n'


def test_required_pins(plugins):
    assert run(plugins, "plugins", "pin", "OpenAIProvider", "KimiK2Transform").returncode == 0
    listed = run(plugins, "plugins", "list", "--require-pins")
    assert listed.returncode == 1 and "kimi-host plugins pin libDemoProvider" in listed.stderr
    assert "provider[demo]" not in listed.stdout and "provider[openai]" in listed.stdout


@pytest.mark.parametrize(("target", "mode"), [("libDemoProvider.so", 0o775), ("libDemoProvider.so", 0o757), (".", 0o777)])
def test_what_others_may_write_is_refused(plugins, target, mode):
    (plugins / target).chmod(mode)
    for arguments in (("plugins", "list"), ("plugins", "pin")):
        refused = run(plugins, *arguments)
        assert refused.returncode == 1 and "trust:" in refused.stderr and "chmod" in refused.stderr, refused.stderr
        assert "provider[demo]" not in refused.stdout
    assert list(plugins.glob("*.yaml")) == [] or target != "."
    assert run(plugins, "plugins", "list", "--plugins-insecure-path").returncode == 0
