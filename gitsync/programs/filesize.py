"""Keeps a program, and all that it starts, from writing a file that is larger than so many bytes.

The system stops the write itself, so nothing is written beyond that. Whoever waits for the program calls this.
"""

import resource
import subprocess

from gitsync.base.errors import GitError


def limit_files(process: subprocess.Popen[bytes], largest: int, tried: str) -> None:
    """Limit a program that was just started; `tried` is its name in errors.

    It has to ignore SIGXFSZ, as Python does: then git says what is wrong, instead of ending without a word. Raises
    `GitError`, with the program ended, where the system does not let us. setrlimit(2)
    """
    _, hardest = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hardest != resource.RLIM_INFINITY:
        largest = min(largest, hardest)
    try:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest, largest))
    except OSError as error:
        with process:
            process.kill()
        message = f"{tried}: the size of its files cannot be limited: {error.strerror}"
        raise GitError(message, reason="permission", hint="leave --max-fetch out") from None
