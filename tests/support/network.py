"""A network of a test's own: a loopback with all of its ports free, and a resolver that asks whom the test says.

For the test alone: other threads, and whatever they start, stay where they are. It needs root.
"""

import ctypes
import fcntl
import functools
import os
import socket
import struct
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec

P = ParamSpec("P")

# <sched.h>, <sys/mount.h>, <linux/sockios.h>, <net/if.h>
_NEW_NETWORK: Final = 0x40000000
_NEW_MOUNTS: Final = 0x00020000
_BIND: Final = 0x1000
_PRIVATE_ALL: Final = 0x40000 | 0x4000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
_INTERFACE: Final = "16sh22x"

NAME_SERVER: Final = "127.0.0.1"
_FILES: Final = {
    "/etc/resolv.conf": f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n",
    "/etc/nsswitch.conf": "hosts: files dns\n",
}
_libc = ctypes.CDLL(None, use_errno=True)


class NoNetworkError(Exception):
    """This machine gives us none."""


def apart(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test in a network of its own, or skip it and say why there is none.

    Fixtures are still made outside of it: servers have to be started by the test itself.
    """

    import pytest  # benches run without

    @functools.wraps(test)
    def run(*arguments: P.args, **names: P.kwargs) -> None:
        # What a thread has left does not come back, so the thread goes with the network.
        try:
            with own_network() as inside:
                inside.submit(test, *arguments, **names).result()
        except NoNetworkError as error:
            pytest.skip(f"a network of our own needs root and CAP_SYS_ADMIN: {error}")

    return run


@contextmanager
def own_network() -> Iterator[ThreadPoolExecutor]:
    """Yield what runs functions in a new network, on one thread; raise `NoNetworkError`."""
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1, thread_name_prefix="network") as inside:
        try:
            inside.submit(_enter, Path(directory)).result()
        except OSError as error:
            raise NoNetworkError(error) from error
        yield inside


def _enter(directory: Path) -> None:
    _call("unshare", _NEW_NETWORK | _NEW_MOUNTS)
    # Else what is mounted here would be mounted everywhere.
    _call("mount", None, b"/", None, _PRIVATE_ALL, None)
    for place, content in _FILES.items():
        if not Path(place).exists():
            continue
        ours = directory / Path(place).name
        ours.write_text(content)
        _call("mount", os.fsencode(ours), os.fsencode(Path(place).resolve()), None, _BIND, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        interface = struct.pack(_INTERFACE, b"lo", 0)
        _, flags = struct.unpack(_INTERFACE, fcntl.ioctl(control, _GET_FLAGS, interface))
        fcntl.ioctl(control, _SET_FLAGS, struct.pack(_INTERFACE, b"lo", flags | _UP))


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
