"""Programs for hooks: shell scripts that write down that they ran, and do what a test asks."""

from pathlib import Path


class HookScript:
    """A shell script at a path of its own, and the lines that it has written with `note`."""

    def __init__(self, path: Path, body: str = "note $GITSYNC_HASH") -> None:
        self.path = path
        self._notes = path.with_suffix(".notes")
        self.write(body)

    def write(self, body: str) -> None:
        """Replace what the script does; a run that has started keeps the old text."""
        new = self.path.with_suffix(".new")
        new.write_text(f"#!/bin/sh\nnote() {{ echo \"$*\" >> '{self._notes}'; }}\n{body}\n")
        new.chmod(0o755)
        new.replace(self.path)

    def notes(self) -> list[str]:
        """Return the lines that were written so far."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def __str__(self) -> str:
        return str(self.path)
