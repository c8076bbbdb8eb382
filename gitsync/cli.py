"""From arguments to exit code: print what is asked for, refuse what cannot work, or run a sub-command or the daemon."""

import sys
from collections.abc import Mapping, Sequence

from gitsync import __version__, commands
from gitsync.base.errors import EXIT_FAILURE, EXIT_OK, ConfigError, GitSyncError, from_os_error
from gitsync.base.log import configure, get_logger
from gitsync.base.redact import scrub
from gitsync.config import load, read_arguments


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
    try:
        config = load(argv, environ)
        configure(verbose=config.verbose, style=config.log_format)
        for warning in config.warnings:
            get_logger().warning("config_warning", message=warning)
        # The libraries behind it take longer to import than all the rest, and --help needs none of them.
        from gitsync.daemon import Daemon

        return Daemon(config).run()
    except ConfigError as error:
        for problem in error.problems:
            print(f"gitsync: {scrub(problem)}", file=sys.stderr)
        return EXIT_FAILURE
    except GitSyncError as error:
        return _failed(error)
    except OSError as error:
        # A volume, or a directory for private files, that cannot be used.
        return _failed(from_os_error(error, doing="starting"))


def _failed(error: GitSyncError) -> int:
    get_logger().error("start_failed", reason=error.reason, message=str(error), hint=error.hint)
    return EXIT_FAILURE


def _text(kind: str) -> str:
    from gitsync.config import manual

    if kind == "version":
        return f"gitsync {__version__}\n"
    return manual.help_text() if kind == "help" else manual.man_text()
