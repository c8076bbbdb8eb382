"""A thread that file modes bind as they bind anybody, and whatever it starts; root is bound by none.

Capabilities belong to a thread, and children inherit their bounds. https://man7.org/linux/man-pages/man7/capabilities.7.html
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

# <linux/prctl.h>, <linux/capability.h>
_DROP_BOUND: Final = 24
_VERSION: Final = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def bound_by_modes() -> Iterator[ThreadPoolExecutor]:
    """Yield what runs functions on one thread that may read and write what the modes of files let it."""
    with ThreadPoolExecutor(1, thread_name_prefix="bound") as inside:
        if os.geteuid() == 0:
            inside.submit(_give_up).result()
        yield inside


def _give_up() -> None:
    for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
        _call("prctl", _DROP_BOUND, capability, 0, 0, 0)
    header = struct.pack("=Ii", _VERSION, 0)
    sets = ctypes.create_string_buffer(24)
    _call("capget", header, sets)
    values = list(struct.unpack("=6I", sets.raw))
    # Effective, permitted and inheritable ones, the lower half of each first.
    values[:3] = [each & ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH) for each in values[:3]]
    _call("capset", header, struct.pack("=6I", *values))


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
