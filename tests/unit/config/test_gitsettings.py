"""Git settings as an option's text, and as a configuration file."""

import pytest

from gitsync.config import GitSetting, render
from gitsync.config.gitsettings import parse_settings


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a.b:c", [("a.b", "c")]),
        ("a.b:c,d.e:f", [("a.b", "c"), ("d.e", "f")]),
        (" a.b : c , d.e:f ", [("a.b", "c"), ("d.e", "f")]),
        ("a.b:c,", [("a.b", "c")]),
        ("a.b:", [("a.b", "")]),
        ("a.b:two words", [("a.b", "two words")]),
        ("a.b:http://proxy:3128", [("a.b", "http://proxy:3128")]),
        ('a.b:"c,d"', [("a.b", "c,d")]),
        ("a.b:'c,d'", [("a.b", "c,d")]),
        ("a.b:'say \"x\"'", [("a.b", 'say "x"')]),
        ('"http.https://h:8/.sslVerify":"false"', [("http.https://h:8/.sslVerify", "false")]),
        ('"a.x\\"y.b":c', [('a.x"y.b', "c")]),
        ('"a.b" : "c" , "d.e" : "f"', [("a.b", "c"), ("d.e", "f")]),
        (r'a.b:"one\ntwo\tthree"', [("a.b", "one\ntwo\tthree")]),
        (r"a.b:back\\slash", [("a.b", "back\\slash")]),
        (r"a.b:c\,d\:e", [("a.b", "c,d:e")]),
        (r"a.b:\"c\'", [("a.b", "\"c'")]),
        ("a.b:c,a.b:d", [("a.b", "c"), ("a.b", "d")]),
        ('a.b:"one\ntwo"', [("a.b", "one\ntwo")]),
    ],
)
def test_settings(text: str, pairs: list[tuple[str, str]]) -> None:
    """Keys and values, quoted or bare, come out of a comma-separated list in their order."""
    assert [(setting.key, setting.value) for setting in parse_settings(text)] == pairs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b", "number 1 has no value"),
        ("a.b:c,d.e", "number 2 has no value"),
        ('a.b:"c', 'quote " is not closed'),
        ("'a.b:c", "quote ' is not closed"),
        ('a.b:"c" d', "expected ',' after"),
        ('"a.b" c:d', "expected ':' after"),
        (r"a.b:c\q", r"unknown escape \\q"),
        ("a.b:c\\", "unknown escape"),
        ("nodot:c", "'nodot' is no git setting"),
        (".b:c", "is no git setting"),
        ("a.:c", "is no git setting"),
        ("a b.c:d", "is no git setting"),
        ("a.1b:c", "is no git setting"),
        ("a.b_c:d", "is no git setting"),
        ("a.b:c,,d.e:f", "is no git setting"),
        ("a]\n[core.b:c", "is no git setting"),
        ('"a.x\ny.b":c', "cannot store"),
        ('a.b:"c\0"', "cannot store"),
    ],
)
def test_bad_settings(text: str, message: str) -> None:
    """What cannot be a setting is refused with what is wrong with it."""
    with pytest.raises(ValueError, match=message):
        parse_settings(text)


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("core.pager", ("core", None, "pager")),
        ("remote.origin.url", ("remote", "origin", "url")),
        ("http.https://a.b.c/.proxy", ("http", "https://a.b.c/", "proxy")),
        ("a..b", ("a", "", "b")),
    ],
)
def test_parts(key: str, parts: tuple[str, str | None, str]) -> None:
    """The sub-section is what stands between the first and the last dot."""
    assert GitSetting(key, "").parts == parts


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("core.pager", "cat", '[core]\n\tpager = "cat"\n'),
        ("http.https://h/.proxy", "p", '[http "https://h/"]\n\tproxy = "p"\n'),
        ('a.x"y\\.b', "c", '[a "x\\"y\\\\"]\n\tb = "c"\n'),
        ("a.b", "", '[a]\n\tb = ""\n'),
        ("a.b", 'q"\\ # ;\n\t', '[a]\n\tb = "q\\"\\\\ # ;\\n\\t"\n'),
    ],
)
def test_render(key: str, value: str, text: str) -> None:
    """A setting is written with everything escaped that means something to git."""
    assert render([GitSetting(key, value)]) == text


def test_render_order() -> None:
    """Settings keep their order, because the last one of a key counts."""
    text = render([GitSetting("a.b", "1"), GitSetting("c.d", "2"), GitSetting("a.b", "3")])
    assert [line for line in text.splitlines() if "=" in line] == ['\tb = "1"', '\td = "2"', '\tb = "3"']
