"""Starts gitsync on a local directory, and Python's own web server on what it publishes, until Ctrl-C."""

import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLE = PROJECT / "examples" / "beginner-html-site-scripted.bundle"
DATA = PROJECT / ".run"
# As the image has it, to keep memory down: set before the interpreter starts.
INTERPRETER = {"PYTHONOPTIMIZE": "2", "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "65536"}


def free_port(wanted: int) -> int:
    """Return `wanted` if nobody listens there, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port")


def example_origin() -> str:
    """Return a local repository with the example site, to which commits can be pushed."""
    origin = DATA / "example.git"
    if not origin.exists():
        command = ["git", "-c", "init.defaultBranch=main", "clone", "--quiet", "--bare", str(EXAMPLE), str(origin)]
        subprocess.run(command, check=True)
    return str(origin)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log line for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def serve(directory: Path, port: int) -> Callable[[], None]:
    """Serve a directory on the loopback in a thread; return what ends it."""
    handler = partial(QuietHandler, directory=str(directory))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.shutdown


def main() -> int:
    """Run both until gitsync ends; return its exit code."""
    DATA.mkdir(exist_ok=True)
    # Its user's own settings count, other names of the same option included.
    given = next(
        (os.environ[name] for name in ("GITSYNC_REPO", "GIT_SYNC_REPO", "GIT_REPO") if os.environ.get(name)), ""
    )
    repo = given or example_origin()
    root = Path(os.environ.get("GITSYNC_ROOT") or DATA / "root")
    link = os.environ.get("GITSYNC_LINK") or repo.strip("/").rpartition("/")[2]
    metrics, site = free_port(9484), free_port(8080)
    arguments = [] if given else ["--repo", repo]
    arguments += ["--root", str(root), "--link", link, "--http-bind", f"127.0.0.1:{metrics}", *sys.argv[1:]]
    daemon = subprocess.Popen([sys.executable, "-m", "gitsync", *arguments], env=INTERPRETER | os.environ)
    # Ctrl-C reaches gitsync by itself, and we end after it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: daemon.terminate())
    stop = serve(root / link, site)
    print(f"follows  {repo if not given else 'the repository of your environment'}", flush=True)
    print(f"tree     {root / link}")
    print(f"site     http://127.0.0.1:{site}/")
    print(f"page     http://127.0.0.1:{metrics}/")
    print(f"metrics  http://127.0.0.1:{metrics}/metrics")
    print(f"status   http://127.0.0.1:{metrics}/status")
    print("Ctrl-C ends it.", flush=True)
    code = daemon.wait()
    stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
