"""The entry point, and the only place that reads the environment and ends the process."""

import gc
import os
import sys


def main() -> None:
    """Run with the arguments and the environment of the process."""
    # What is imported stays: the collector would look through it again and again. The daemon enables it when it is up.
    gc.disable()
    from gitsync.cli import main as run
    from gitsync.config.environment import INHERITED

    environ = dict(os.environ)
    # GitPython hands all of `os.environ` to git, so the rest has to go from there; a password in a variable of ours may
    # not be in the environment of every ssh.
    for name in environ.keys() - INHERITED:
        del os.environ[name]
    # GitPython runs git when it is imported, without a deadline; we do that ourselves, so it gets nothing to run.
    os.environ |= {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": os.devnull}
    sys.exit(run(sys.argv[1:], environ))


if __name__ == "__main__":
    main()
