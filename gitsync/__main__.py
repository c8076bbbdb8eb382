"""The entry point, and the only place that reads the environment and ends the process."""

import gc
import os
import sys

# What child processes may see. GitPython hands all of `os.environ` to git, so the rest has to go from there; a password
# in a variable of ours must not be in the environment of every ssh.
_INHERITED = frozenset(
    [
        *("PATH", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK", "GIT_EXEC_PATH"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    ]
)


def main() -> None:
    """Run with the arguments and the environment of the process."""
    # What is imported stays: the collector would look through it again and again. The daemon enables it when it is up.
    gc.disable()
    from gitsync.cli import main as run

    environ = dict(os.environ)
    for name in environ:
        if name not in _INHERITED:
            del os.environ[name]
    # GitPython runs git when it is imported, without a deadline; we do that ourselves, so it gets nothing to run.
    os.environ |= {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": os.devnull}
    sys.exit(run(sys.argv[1:], environ))


if __name__ == "__main__":
    main()
