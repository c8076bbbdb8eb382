"""Numbers of bytes."""

import pytest

from gitsync.config.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1234", 1234),
        ("2k", 2000),
        ("64Ki", 65536),
        ("500Mi", 500 * 2**20),
        ("2G", 2 * 10**9),
        ("1.5Gi", 3 * 2**29),
        ("0.1k", 100),
        ("1T", 10**12),
        ("1Ti", 2**40),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_size(text: str, size: int) -> None:
    """They are read as Kubernetes reads them."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "x", "1K", "1m", "1 Mi", "1MiB", "1e3", ".5G", "5.", "٣", "9999999Ti"])
def test_no_size(text: str) -> None:
    """Whatever is wrong, there is a remedy."""
    with pytest.raises(ValueError, match="use "):
        parse_size(text)
