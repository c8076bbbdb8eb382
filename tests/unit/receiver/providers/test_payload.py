"""Payloads are read whatever they look like: who knows the secret may still send anything."""

import gzip
import json
import tracemalloc
from urllib.parse import quote_plus

import pytest

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.providers.payload import document, label, parse, refs, repositories
from gitsync.receiver.request import Request
from tests.unit.receiver.providers import payloads
from tests.unit.receiver.providers.payloads import Payload
from tests.unit.receiver.providers.signatures import provider

NAMES = [provider.name for provider in PROVIDERS]
# What makes each of them read all that it can.
EVENTS = {
    "github": {"X-GitHub-Event": "push"},
    "gitea": {"X-Gitea-Event": "push"},
    "forgejo": {"X-Forgejo-Event": "push"},
    "gogs": {"X-Gogs-Event": "push"},
    "bitbucket-server": {"X-Event-Key": "repo:refs_changed"},
}
PAYLOADS: dict[str, Payload] = {
    "gitlab": payloads.gitlab(),
    "bitbucket": payloads.bitbucket(),
    "bitbucket-server": payloads.server(),
    "azure": payloads.azure(),
}


def read(name: str, body: bytes | str, *, form: bool = False) -> Delivery:
    """Return what a provider reads of a body."""
    headers = {name.lower(): value.encode() for name, value in EVENTS.get(name, {}).items()}
    if form:
        headers["content-type"] = b"Application/X-WWW-Form-Urlencoded; charset=utf-8"
    return provider(name).read(Request(headers=headers, body=body.encode() if isinstance(body, str) else body))


def nothing(delivery: Delivery) -> bool:
    """Say whether nothing was understood."""
    return (delivery.refs, delivery.default_branch, delivery.repositories) == (None, None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\xfd",
        b'{"ref": "\xff"}',
        b"[" * 1_000_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"repository":' * 100_000 + b"1" + b"}" * 100_000,
        b"null",
        b"NaN",
        b"1" * 1_000_000,
        b'"refs/heads/main"',
        b"[]",
        b"{}",
        b"[{}]",
        b"true",
        b"{",
        b"\x00",
        b"payload=",
        b'{"ref": "refs/heads/main", "repository": {"default_branch": "main"}} trailing',
        "{}".encode("utf-16"),
    ],
    ids=range(19),
)
def test_no_payload(body: bytes) -> None:
    """What is no event, or none that ends, says nothing, and is no accident; the same in a form."""
    encoded = b"payload=" + quote_plus(body).encode()
    for name in NAMES:
        assert nothing(read(name, body)), name
        assert nothing(read(name, body, form=True)), name
        assert nothing(read(name, encoded, form=True)), name


def _branches(value: object, replaced: object) -> list[object]:
    """Return copies of a value, in each of which another part is replaced."""
    found = [replaced]
    if isinstance(value, dict):
        found += [{**value, key: other} for key in value for other in _branches(value[key], replaced)]
        found += [{other: value[other] for other in value if other != key} for key in value]
    if isinstance(value, list):
        found += [
            [*value[:at], other, *value[at + 1 :]]
            for at in range(len(value))
            for other in _branches(value[at], replaced)
        ]
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("replaced", [None, 0, -1.5, True, "", "x", [], [None], {}, {"a": None}, [[]], "é\ud800\x00"])
def test_each_part_of_another_type(name: str, replaced: object) -> None:
    """Whichever part is missing, empty, null or of another type (each of which has ended a server somewhere), the rest
    is read, and what is read has the type that it should have.
    """
    for payload in _branches(PAYLOADS.get(name, payloads.hub()), replaced):
        found = read(name, json.dumps(payload))
        assert found.refs is None or all(ref.startswith("refs/") and ref.isprintable() for ref in found.refs)
        assert found.repositories is None or all(found.repositories)
        assert found.default_branch != ""


@pytest.mark.parametrize("clone", ["https://x", 7, {"href": "x"}, {}, None, [], [None, 7, "x", [], {"href": 7}]])
def test_links_that_are_no_list_of_links(clone: object) -> None:
    """The name of the project and the slug are left (CVE-2025-59531 is a crash over this)."""
    payload = payloads.server()
    payload["repository"]["links"]["clone"] = clone
    assert read("bitbucket-server", json.dumps(payload)).repositories == ("ACME/site",)


def test_no_updates() -> None:
    """No updates are none that we know of (CVE-2025-59538 is a crash over this)."""
    payload = payloads.azure()
    payload["resource"]["refUpdates"] = []
    assert read("azure", json.dumps(payload)).refs is None
    assert read("bitbucket", json.dumps({"push": {"changes": []}})).refs is None


def test_commits_of_nobody() -> None:
    """Commits are not looked at (CVE-2025-59537 is a crash over a null in them)."""
    assert read("gogs", json.dumps(payloads.hub(commits=[None, {"repo": None}]))).refs == ("refs/heads/main",)


def test_numbers_do_not_matter() -> None:
    """The ref is found beside a number of a million digits, and beside what is no number."""
    for number in ("1" * 1_000_000, "-" + "9" * 5000, "1e999999", "NaN", "-Infinity", "0." + "1" * 100_000):
        assert read("github", f'{{"size": {number}, "ref": "refs/heads/main"}}').refs == ("refs/heads/main",)
        assert read("github", f'{{"ref": {number}}}').refs is None


def test_same_key_twice() -> None:
    """The last one counts, as for most."""
    assert read("github", '{"ref": "refs/heads/a", "ref": "refs/heads/b"}').refs == ("refs/heads/b",)


def test_names_without_end() -> None:
    """What is too long to be a name is none, and one that is only long is cut for the log."""
    assert read("github", json.dumps({"ref": "refs/heads/" + "x" * 1_000_000})).refs is None
    (ref,) = read("github", json.dumps({"ref": "refs/heads/" + "x" * 1000})).refs or ()
    assert len(ref) == 256
    assert read("github", json.dumps({"repository": {"clone_url": "x" * 3000}})).repositories is None


def test_refs_without_end() -> None:
    """An event about so many refs may be about any, as may one with a ref that is not understood."""
    names = [f"refs/heads/{number}" for number in range(101)]
    assert refs(names[:100]) == tuple(names[:100])
    assert refs(names) is None
    assert refs([*names[:2], None]) is refs([*names[:2], ""]) is refs([*names[:2], "main"]) is refs([]) is None
    assert refs([names[0], names[1], names[0]]) == tuple(names[:2])


def test_repositories_without_end() -> None:
    """Names beyond the hundredth are not looked at; empty ones are none."""
    assert len(repositories(str(number) for number in range(10_000)) or ()) == 100
    assert repositories([None, "", "acme/site", "acme/site"]) == ("acme/site",)


def test_unprintable() -> None:
    """What is logged has no line breaks or control characters of the sender's in it, and an end."""
    assert label(b"a\nb\x1b[31m\xff") == "a\\nb\\x1b[31m\ufffd"
    assert label("\ud800\u202e") == "\\ud800\\u202e"
    assert len(label(b"x" * 100_000)) == 256
    assert label(None) == label(b"") == ""
    assert read("github", '{"ref": "refs/heads/a\\n\\u001b"}').refs == ("refs/heads/a\\n\\x1b",)


@pytest.mark.parametrize("body", [bytes(range(256)), "é☃ +&=%".encode(), b"", b"=0A=\n==", b"\r\n", b" \n.\n"])
def test_form(body: bytes) -> None:
    """The field of a form comes out as it went in, wherever it stands; the first one counts."""
    headers = {"content-type": b"application/x-www-form-urlencoded"}
    for form in (b"payload=%b", b"a=1&payload=%b&b=2", b"payload=%b&payload=other", b"&&xpayload=1&payload=%b"):
        assert document(Request(headers=headers, body=form % quote_plus(body).encode())) == body
    assert document(Request(body=b"payload=1")) == b"payload=1"
    assert document(Request(headers=headers, body=b"payload=a=41&")) == b"a=41"


@pytest.mark.parametrize("part", [b"%41", b"%", b"=", b"&", b"&payload=", b"+", b"\r\n"])
def test_form_without_end(part: bytes) -> None:
    """A form is taken apart before its sender is known, so that costs no more than a few times its size."""
    body = b"payload=" + part * (1_000_000 // len(part))
    form = Request(headers={"content-type": b"application/x-www-form-urlencoded"}, body=body)
    tracemalloc.start()
    document(form)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * len(body)


def test_nothing_is_unpacked() -> None:
    """A body that is said to be packed is read as it is (others have unpacked gigabytes)."""
    packed = gzip.compress(json.dumps(payloads.hub()).encode())
    headers = {"x-github-event": b"push", "content-encoding": b"gzip"}
    assert nothing(provider("github").read(Request(headers=headers, body=packed)))


def test_parse_is_of_the_document() -> None:
    """What is called a form and has no such field may be JSON: that is how curl sends it."""
    headers = {"content-type": b"application/x-www-form-urlencoded"}
    assert parse(Request(headers=headers, body=b"{}")) == {}
    assert parse(Request(headers=headers, body=b"payload=%7B%7D")) == {}
