"""From arguments to exit code: print what is asked for, refuse what cannot work, or run a sub-command or the daemon."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial

from gitsync import __version__, commands
from gitsync.base.errors import EXIT_FAILURE, EXIT_OK, ConfigError, GitSyncError, from_os_error
from gitsync.base.log import configure, get_logger
from gitsync.base.redact import scrub
from gitsync.config import load, load_termination_log, read_arguments
from gitsync.telling.ending import TERMINATION_LOG, End, leave_message
from gitsync.telling.events import Failure


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the program with these arguments and this environment; return its exit code."""
    if argv and argv[0] in commands.NAMES:
        # The daemon needs nothing of it.
        from gitsync.commands.group import run

        return run(argv, environ)
    prints = read_arguments(argv).prints
    if prints:
        print(_text(prints[0]), end="")
        return EXIT_OK
    end, configured = _run(argv, environ)
    if end.failures:
        _leave_message(argv, environ, end, configured=configured)
    return end.code


def _run(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[End, bool]:
    """Run the daemon; return what it ends with, and whether there is a log."""
    try:
        config = load(argv, environ)
    except ConfigError as error:
        for problem in error.problems:
            print(f"gitsync: {scrub(problem)}", file=sys.stderr)
        return End(EXIT_FAILURE, tuple(Failure(reason=error.reason, message=told) for told in error.problems)), False
    configure(verbose=config.log.verbose, style=config.log.log_format)
    for warning in config.warnings:
        get_logger().warning("config_warning", message=warning)
    try:
        # The libraries behind it take longer to import than all the rest, and --help needs none of them.
        from gitsync.daemon import Daemon

        return Daemon(config, partial(load, argv, environ)).run(), True
    except GitSyncError as error:
        return _failed(error), True
    except OSError as error:
        # A volume, or a directory for private files, that cannot be used.
        return _failed(from_os_error(error, doing="starting")), True


def _failed(error: GitSyncError) -> End:
    get_logger().error("start_failed", reason=error.reason, message=str(error), hint=error.hint)
    return End(EXIT_FAILURE, (Failure(reason=error.reason, message=str(error), hint=error.hint),))


def _leave_message(argv: Sequence[str], environ: Mapping[str, str], end: End, *, configured: bool) -> None:
    """Write what has failed to where the kubelet reads it; elsewhere there is no such place."""
    given = load_termination_log(argv, environ)
    try:
        leave_message(given or TERMINATION_LOG, end.failures)
    except OSError as error:
        if given is None:
            return
        message = f"--termination-log={given}: {error.strerror}"
        if configured:
            get_logger().warning("termination_log_failed", message=message)
        else:
            print(f"gitsync: {message}", file=sys.stderr)


def _text(kind: str) -> str:
    from gitsync.config import manual

    if kind == "version":
        return f"gitsync {__version__}\n"
    return manual.help_text() if kind == "help" else manual.man_text()
