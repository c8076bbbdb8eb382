"""Secrets hide, wherever they turn up."""

import base64
import traceback
from urllib.parse import quote

import pytest

from gitsync.base import redact
from gitsync.base.redact import MASK, Secret, scrub, scrub_value

VALUE = "Tr0ub4dor&3/x y"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, lambda value: f"{[value]}"])
def test_secret_hides(show: object) -> None:
    """A secret does not show itself, however it is turned into text."""
    assert callable(show)
    assert VALUE not in show(Secret(VALUE))


def test_secret_reveals() -> None:
    """The one place that needs a secret gets it."""
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE, safe=""),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
    ],
    ids=["plain", "url", "base64", "base64url"],
)
def test_forms(form: str) -> None:
    """A secret is removed from text in each of the forms that it travels in."""
    Secret(VALUE)
    assert scrub(f"before {form} after {form}") == f"before {MASK} after {MASK}"


def test_unknown_text() -> None:
    """Text without secrets stays as it is."""
    text = "git fetch (https://h/x.git): fatal: repository 'https://h/x.git/' not found, mail a@b.c"
    assert scrub(text) == text


def test_short_secret() -> None:
    """A secret of a few letters is not masked, because it would mask ordinary words."""
    Secret("")
    Secret("git")
    assert scrub("git fetch") == "git fetch"


def test_longest_first() -> None:
    """A secret that contains another one is masked whole."""
    Secret("abcd")
    Secret("abcdefgh")
    assert scrub("abcdefgh abcd") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("https://u:pw@h/x", f"https://{MASK}@h/x"),
        ("HTTPS://u:pw@h/x", f"HTTPS://{MASK}@h/x"),
        ("https://token@h/x", f"https://{MASK}@h/x"),
        ("https://u:p@w@h/x", f"https://{MASK}@h/x"),
        ("'https://u:pw@h/x' and http://v:q@i", f"'https://{MASK}@h/x' and http://{MASK}@i"),
        ("git+https://u:pw@h/x", f"git+https://{MASK}@h/x"),
        ("ssh://git@h/x", "ssh://git@h/x"),
        ("ssh://git:pw@h/x", f"ssh://{MASK}@h/x"),
        ("git@h:x.git", "git@h:x.git"),
        ("https://h/x@y", f"https://{MASK}@y"),
    ],
)
def test_userinfo(text: str, scrubbed: str) -> None:
    """Logins in URLs are masked, also those that nobody has declared a secret; an ssh user is an address."""
    assert scrub(text) == scrubbed


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Authorization: Basic dTpw", f"Authorization: Basic {MASK}"),
        ("authorization: bearer abc", f"authorization: bearer {MASK}"),
        ("Authorization:token abc", f"Authorization:token {MASK}"),
        ("Proxy-Authorization: Basic dTpw\nnext", f"Proxy-Authorization: Basic {MASK}\nnext"),
        ("Authorization: abc", f"Authorization: {MASK}"),
    ],
)
def test_authorization(text: str, scrubbed: str) -> None:
    """The value of an Authorization header is masked, its scheme is kept."""
    assert scrub(text) == scrubbed


def test_scrub_value() -> None:
    """Lists and mappings are scrubbed all the way down; other values keep their type."""
    Secret(VALUE)
    value = {"a": VALUE, "b": [1, None, True, 1.5, (VALUE,)], "c": {"d": VALUE}, "e": Secret(VALUE), "f": b"x"}
    assert scrub_value(value) == {
        "a": MASK,
        "b": [1, None, True, 1.5, [MASK]],
        "c": {"d": MASK},
        "e": MASK,
        "f": "b'x'",
    }


def test_same_value() -> None:
    """Two secrets of one value are the same, so that what was configured anew can be told from what was not."""
    assert Secret("Tr0ub4dor") == Secret("Tr0ub4dor") != Secret("correct-horse")
    assert len({Secret("Tr0ub4dor"), Secret("Tr0ub4dor")}) == 1
    assert Secret("Tr0ub4dor") != "Tr0ub4dor"


def test_traceback() -> None:
    """A traceback that passes a secret along does not show it."""

    def fail(secret: Secret) -> None:
        raise ValueError(f"no good: {secret}")

    with pytest.raises(ValueError, match="no good") as caught:
        fail(Secret(VALUE))
    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_long_text_without_any_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The beginning and the end of a long text are kept, also where no secret was ever made."""
    monkeypatch.setattr(redact, "_known", frozenset())
    shown = scrub(f"begin{'x' * 2 * redact.LONGEST}end")
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert len(shown) < 2 * redact.LONGEST
