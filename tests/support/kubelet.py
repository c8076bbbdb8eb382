"""The files of a Secret or a ConfigMap as a container sees them."""

from pathlib import Path


class KubeletVolume:
    """A directory of files that is updated as the kubelet does it.

    https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter
    """

    def __init__(self, path: Path, files: dict[str, str]) -> None:
        self.path = path
        self._number = 0
        path.mkdir()
        self.update(files)
        for name in files:
            (path / name).symlink_to(f"..data/{name}")

    def update(self, files: dict[str, str]) -> None:
        """Write all files into a new directory, swap the link to it, and remove the old one."""
        old = (self.path / "..data").resolve() if self._number else None
        self._number += 1
        new = self.path / f"..2026_11_22_{self._number}"
        new.mkdir()
        for name, content in files.items():
            (new / name).write_text(content)
        temporary = self.path / "..data_tmp"
        temporary.symlink_to(new.name)
        temporary.replace(self.path / "..data")
        if old:
            for name in files:
                (old / name).unlink()
            old.rmdir()
