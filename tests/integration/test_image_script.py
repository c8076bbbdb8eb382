"""scripts/image: what it asks of Docker, in whose place stands a program that says what it was asked."""

import itertools
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

import gitsync
from tests.support.daemon import PACKAGE_ROOT

LABEL = "org.opencontainers.image"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The beginning of a command whose output is what Docker would be given, a word a line."""
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("BASE", "PLATFORM", "SOURCE", "SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    return [str(PACKAGE_ROOT / "scripts" / "image")]


def test_builds_for_this_machine(ask: list[str]) -> None:
    """The image has the names that manifests use, and says its version; nothing is pushed."""
    words = _words(ask)
    assert words[0] == "build"
    assert f"{LABEL}.version={gitsync.__version__}" in words
    assert _after("--tag", words) == ["gitsync:dev", f"gitsync:{gitsync.__version__}"]
    assert "--push" not in words


def test_builds_for_several_platforms(ask: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The image for all of them has the same labels, and a list of its contents."""
    labels = _after("--label", _words([*ask, "registry/gitsync:1"]))
    monkeypatch.setenv("PLATFORM", "linux/amd64,linux/arm64")
    words = _words([*ask, "registry/gitsync:1"])
    assert words[:2] == ["buildx", "build"]
    assert {"--push", "--sbom=true"} <= set(words)
    assert _after("--platform", words) == ["linux/amd64,linux/arm64"]
    assert _after("--tag", words) == ["registry/gitsync:1"]
    assert _after("--label", words) == labels


def test_says_where_it_comes_from(ask: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit, its time and the address of the sources are labels; a build of the same commit has the same ones."""
    monkeypatch.setenv("SOURCE", "https://host/gitsync")
    labels = dict(label.split("=", 1) for label in _after("--label", _words(ask)))
    time = datetime.fromisoformat(labels[f"{LABEL}.created"])
    assert labels[f"{LABEL}.source"] == "https://host/gitsync"
    assert labels[f"{LABEL}.revision"] == _git("rev-parse", "HEAD")
    assert str(int(time.timestamp())) == _git("log", "-1", "--format=%ct")
    assert f"SOURCE_DATE_EPOCH={int(time.timestamp())}" in _after("--build-arg", _words(ask))


@pytest.mark.parametrize(("name", "value"), [("BASE", "debian:forky-slim"), ("SYSTEM", "debian")])
def test_builds_on_another_system(ask: list[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A variable becomes the build argument that the Dockerfile declares."""
    monkeypatch.setenv(name, value)
    assert f"{name}={value}" in _after("--build-arg", _words(ask))
    assert f"\nARG {name}=" in (PACKAGE_ROOT / "Dockerfile").read_text()


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(PACKAGE_ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _words(command: list[str]) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def _after(option: str, words: list[str]) -> list[str]:
    return [value for word, value in itertools.pairwise(words) if word == option]
