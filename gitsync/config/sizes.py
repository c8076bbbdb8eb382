"""Numbers of bytes, in the notation of Kubernetes."""

import re
from typing import Final

from gitsync.config.values import Kind

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_UNITS: Final = {
    **{"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40},
}
_SIZE: Final = re.compile(r"([0-9]{1,19})(?:\.([0-9]{1,9}))?(k|[MGT]|[KMGT]i)?")
_LARGEST: Final = 2**63 - 1


def parse_size(written: str) -> int:
    """Return the bytes of a size such as `500Mi` or `1.5G`; raise `ValueError` with the remedy."""
    match = _SIZE.fullmatch(written)
    if not match:
        raise ValueError("use a number of bytes, or one with k, M, G, T, Ki, Mi, Gi or Ti, such as 500Mi")
    whole, part, unit = match[1], match[2] or "", _UNITS[match[3] or ""]
    size = int(whole + part) * unit // int(f"1{'0' * len(part)}")
    if size > _LARGEST:
        raise ValueError("use a smaller size")
    return size


SIZE: Final = Kind("SIZE", parse_size, pattern=rf"^({_SIZE.pattern})$")
