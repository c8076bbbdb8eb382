"""How the text of an option becomes its value."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitsync.config import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("+0", 0.0),
        ("-0", 0.0),
        ("0s", 0.0),
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("30s1m", 90.0),
        ("2h45m30.5s", 9930.5),
        ("250ms", 0.25),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("5us", 5e-6),
        ("5µs", 5e-6),  # U+00B5, the micro sign
        ("5μs", 5e-6),  # U+03BC, the Greek letter, which Go takes too
        ("3ns", 3e-9),
        ("-1m", -60.0),
        ("-1m30s", -90.0),
        ("+2s", 2.0),
    ],
)
def test_duration(text: str, seconds: float) -> None:
    """Durations are read as Go reads them."""
    assert values.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "s", "1 s", "1d", "--1s", "1e3s", "s1", ".s", "-", "1m 30s", " 1s", "1S", "1s\n", "1,5s", "1ms2"]
)
def test_bad_duration(text: str) -> None:
    """What Go refuses as a duration is refused, and the message shows what is right."""
    with pytest.raises(ValueError, match="10s or 1m30s"):
        values.parse_duration(text)


@pytest.mark.parametrize("text", ["2562048h", "-2562048h", "1" + "0" * 30 + "h", "9" * 5000 + "ns", "9" * 5000 + "h"])
def test_duration_without_an_end(text: str) -> None:
    """What Go could not hold is refused; what it could, is at most some decades."""
    with pytest.raises(ValueError, match="use less than 2562047h"):
        values.parse_duration(text)
    assert values.parse_duration("2562047h") == values.parse_duration("100000000m") == 50 * 365 * 86400


@pytest.mark.parametrize("text", ["1e300", "-1e300", "1e11", "9" * 5000])
def test_seconds_without_an_end(text: str) -> None:
    """Plain seconds have the same limit."""
    with pytest.raises(ValueError, match=r"use less than 2562047h|use a number of seconds"):
        values.parse_seconds(text)


@pytest.mark.parametrize(("text", "seconds"), [("0", None), ("2.5", 2.5), ("10", 10.0), ("-1", -1.0)])
def test_seconds(text: str, seconds: float | None) -> None:
    """The older options take plain seconds; 0 means none."""
    assert values.parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1s", "nan", "inf", "-inf", "x"])
def test_bad_seconds(text: str) -> None:
    """What is no finite number is refused as seconds."""
    with pytest.raises(ValueError, match="number of seconds"):
        values.parse_seconds(text)


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_true(text: str) -> None:
    """Go's spellings of true are true."""
    assert values.parse_bool(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_false(text: str) -> None:
    """Go's spellings of false are false."""
    assert values.parse_bool(text) is False


@pytest.mark.parametrize("text", ["", "yes", "no", "on", "off", "tRUE", "2", " true"])
def test_bad_bool(text: str) -> None:
    """Other spellings are refused, also those that other programs take."""
    with pytest.raises(ValueError, match="true or false"):
        values.parse_bool(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("-1", -1), ("=3", 3)])
def test_int(text: str, number: int) -> None:
    """Whole numbers may carry the equals sign of `-v=3`."""
    assert values.parse_int(text) == number


@pytest.mark.parametrize(("text", "number"), [("0", None), ("12", 12), ("9223372036854775807", 2**63 - 1)])
def test_id(text: str, number: int | None) -> None:
    """A number that names something is none if it is 0, as templates of manifests write it."""
    assert values.parse_id(text) == number


@pytest.mark.parametrize("text", ["-1", "x", "1" + "0" * 30])
def test_bad_id(text: str) -> None:
    """What names nothing is refused."""
    with pytest.raises(ValueError, match="use"):
        values.parse_id(text)


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775808", "1" + "0" * 30, "9" * 5000])
def test_large_int(text: str) -> None:
    """A number that nothing could make use of is refused."""
    with pytest.raises(ValueError, match="use a smaller number"):
        values.parse_int(text)


@pytest.mark.parametrize("text", ["", "x", "1.5", "==3", "1s", "1_000", " 1", "٣"])
def test_bad_int(text: str) -> None:
    """What is no whole number is refused."""
    with pytest.raises(ValueError, match="whole number"):
        values.parse_int(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("1", 1.0), ("0.25", 0.25)])
def test_fraction(text: str, value: float) -> None:
    """A fraction is a number from 0 to 1, both included."""
    assert values.parse_fraction(text) == value


@pytest.mark.parametrize("text", ["", "-0.1", "1.01", "nan", "inf", "10%"])
def test_bad_fraction(text: str) -> None:
    """A number outside of 0 to 1, and what is no number, is refused."""
    with pytest.raises(ValueError, match="from 0 to 1"):
        values.parse_fraction(text)


@pytest.mark.parametrize("text", ["SIGHUP", "HUP", "hup", "sighup", "1"])
def test_signal(text: str) -> None:
    """A signal is known by its name, with or without SIG, and by its number."""
    assert values.parse_signal(text) is signal.SIGHUP


@pytest.mark.parametrize("text", ["TERM", "INT", "KILL", "STOP", "CHLD", "PIPE", "SEGV", "FPE", "ILL", "15", "9"])
def test_reserved_signal(text: str) -> None:
    """A signal that ends the process or belongs to the runtime cannot start a pass."""
    with pytest.raises(ValueError, match=r"^SIG\w+ has another meaning; use SIGHUP, SIGUSR1 or SIGUSR2$"):
        values.parse_signal(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "999", "NOPE", "SIG", "SIGSIGHUP", "HUP "])
def test_bad_signal(text: str) -> None:
    """What is no signal is refused."""
    with pytest.raises(ValueError, match="name or number"):
        values.parse_signal(text)


@pytest.mark.parametrize("parse", [values.parse_text, values.parse_path])
@pytest.mark.parametrize("text", ["a\nb", "a\r", "\0", "\x1b[1m", "a\x7f"])
def test_control_characters(parse: Callable[[str], Any], text: str) -> None:
    """Texts and paths with control characters are refused."""
    with pytest.raises(ValueError, match="control characters"):
        parse(text)


def test_text_and_path() -> None:
    """Ordinary text, in any script, is taken as it is."""
    assert values.parse_text("straße 1") == "straße 1"
    assert values.parse_path("a/b") == Path("a/b")


def test_choice() -> None:
    """One of a few words is taken; the message for any other lists them."""
    kind = values.choice("red", "green")
    assert kind.placeholder == "red|green"
    assert kind.parse("green") == "green"
    with pytest.raises(ValueError, match="one of red, green"):
        kind.parse("Green")
