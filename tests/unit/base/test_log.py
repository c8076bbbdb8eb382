"""What is logged, at which level, and in which form."""

import io
import json
import logging
from datetime import UTC, datetime

import pytest

from gitsync.base.log import COMMANDS, OUTPUT, configure, get_logger
from gitsync.base.redact import MASK, Secret
from tests.unit.conftest import Logs


class Terminal(io.StringIO):
    """A stream that says that a person looks on."""

    def isatty(self) -> bool:
        return True


def test_json(logs: Logs) -> None:
    """An event is one JSON object on one line, with level, time, bound fields and its own."""
    before = datetime.now(UTC)
    get_logger(repo="r").info("something", count=1, text="zwei\nZeilen ü", none=None, list=["a", 2])
    (event,) = logs.events()
    timestamp = datetime.fromisoformat(event.pop("timestamp"))
    assert before <= timestamp <= datetime.now(UTC)
    assert event == {
        "event": "something",
        "level": "info",
        "repo": "r",
        "count": 1,
        "text": "zwei\nZeilen ü",
        "none": None,
        "list": ["a", 2],
    }
    assert "ü" in logs.stream.getvalue()


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_level(logs: Logs, level: str) -> None:
    """An event carries the level that it was logged with."""
    getattr(get_logger(), level)("something")
    assert logs.events()[0]["level"] == level


@pytest.mark.parametrize(
    ("verbose", "shown"), [(0, [0]), (1, [0, 1]), (5, [0, 1, COMMANDS]), (9, [0, 1, COMMANDS, OUTPUT, 9])]
)
def test_verbosity(verbose: int, shown: list[int]) -> None:
    """An event is shown from its own level of verbosity on, and the number itself is not a field."""
    stream = io.StringIO()
    configure(verbose=verbose, style="json", stream=stream)
    for level in (0, 1, COMMANDS, OUTPUT, 9):
        get_logger().info("something", v=level, number=level)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["number"] for event in events] == shown
    assert not any("v" in event for event in events)


def test_errors_are_always_shown() -> None:
    """An event without a level of verbosity is shown at 0."""
    stream = io.StringIO()
    configure(verbose=0, style="json", stream=stream)
    get_logger().error("something")
    assert stream.getvalue()


@pytest.mark.parametrize(
    ("style", "stream", "is_json"),
    [
        ("json", io.StringIO(), True),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
    ],
    ids=["json", "json-terminal", "console", "auto", "auto-terminal"],
)
def test_style(style: str, stream: io.StringIO, is_json: bool) -> None:
    """The console style is for those who ask for it, and for terminals."""
    configure(verbose=0, style=style, stream=stream)
    get_logger().info("something", repo="r")
    line = stream.getvalue()
    assert line.startswith("{") is is_json
    assert "something" in line


def test_no_colours_in_a_file() -> None:
    """The console style has colours on a terminal only."""
    stream = io.StringIO()
    configure(verbose=0, style="console", stream=stream)
    get_logger().info("something")
    assert "\x1b" not in stream.getvalue()


def test_secrets(logs: Logs) -> None:
    """No field of an event shows a secret, bound, nested or in a traceback."""
    secret = Secret("Tr0ub4dor")
    logger = get_logger(repo="https://u:Tr0ub4dor@h/x")
    try:
        raise ValueError("Tr0ub4dor is no number")
    except ValueError as error:
        logger.error("something", secret=secret, nested={"a": ["Tr0ub4dor"]}, exc_info=error)
    (event,) = logs.events()
    assert "Tr0ub4dor" not in logs.stream.getvalue()
    assert (event["repo"], event["secret"]) == (f"https://{MASK}@h/x", MASK)
    assert "Traceback" in event["exception"]


def test_libraries(logs: Logs) -> None:
    """What libraries log from warnings on comes out in the same form."""
    Secret("Tr0ub4dor")
    logging.getLogger("waitress").info("not this")
    logging.getLogger("waitress").warning("request %d took long: %s", 7, "Tr0ub4dor")
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("waitress").exception("broken")
    warning, error = logs.events("library")
    assert (warning["level"], warning["logger"]) == ("warning", "waitress")
    assert warning["message"] == f"request 7 took long: {MASK}"
    assert error["level"] == "error"
    assert "KeyError" in error["exception"]


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_others_have_named_acts_on_no_terminal(style: str) -> None:
    """Escapes and line ends in the words of a server are shown, in either form, and do nothing."""
    stream = Terminal()
    configure(verbose=0, style=style, stream=stream)
    get_logger().warning("something", files=["\x9b2J\x1b]0;title\x07"], message="\x1b[2Jgone\r")
    shown = stream.getvalue()
    assert r"\x1b[2Jgone" in shown
    assert not set("\x9b\x07\r") & set(shown)
    assert "\x1b[2J" not in shown
