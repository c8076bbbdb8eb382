"""People who sign commits and tags, with keys of ssh and of OpenPGP that real programs make."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.git import EPOCH, run_git
from tests.support.origin import Origin

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


class SshSigner:
    """Somebody with a key of ssh."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = f"{name}@example.com"
        self.key = directory / f"key-of-{name}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)

    def allowed(self, options: str = "") -> str:
        """Return the line that allows this signer."""
        public = self.key.with_suffix(".pub").read_text().rpartition(" ")[0]
        return f"{self.name} {options} {public}\n" if options else f"{self.name} {public}\n"

    def configure(self) -> list[str]:
        """Return the arguments that have git sign with this key."""
        return ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.key}"]


class GpgSigner:
    """Somebody with a key of OpenPGP, in a home of its own; `expires` is in gpg's notation."""

    def __init__(self, directory: Path, name: str, *, expires: str = "0", at: int = EPOCH - 86400) -> None:
        self.name = f"{name}@example.com"
        # The path of a socket must not be long.
        self.home = directory / f"g-{name}"
        self.home.mkdir(mode=0o700)
        self.program = directory / f"gpg-of-{name}"
        self.program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} --faked-system-time {at}! "$@"\n')
        self.program.chmod(0o755)
        self._gpg("--quick-gen-key", self.name, "ed25519", "sign", expires)

    def _gpg(self, *arguments: str) -> bytes:
        command = [str(self.program), "--batch", "--yes", "--passphrase", "", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def public(self, *, armor: bool = True) -> bytes:
        """Return the public key."""
        return self._gpg(*(["--armor"] if armor else []), "--export", self.name)

    def revoke(self) -> None:
        """Revoke the key with the certificate that gpg has made for it."""
        (made,) = (self.home / "openpgp-revocs.d").iterdir()
        certificate = made.read_text().replace(":-----BEGIN", "-----BEGIN")
        made.write_text(certificate)
        self._gpg("--import", str(made))

    def configure(self) -> list[str]:
        """Return the arguments that have git sign with this key."""
        return ["-c", "gpg.format=openpgp", "-c", f"gpg.program={self.program}", "-c", f"user.signingKey={self.name}"]

    def close(self) -> None:
        """End the agent that has kept the secret key."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)


Signer = SshSigner | GpgSigner


def signed_commit(origin: Origin, signer: Signer | None, content: str, *, date: int = EPOCH) -> str:
    """Commit one file to the default branch, signed if somebody signs; return the commit."""
    blob = run_git(origin.path, "hash-object", "-w", "--stdin", stdin=content.encode()).decode().strip()
    tree = run_git(origin.path, "mktree", stdin=f"100644 blob {blob}\tfile\n".encode()).decode().strip()
    how, sign = (signer.configure(), ["-S"]) if signer else ([], [])
    made = run_git(origin.path, *how, "commit-tree", *sign, "-p", origin.head, "-m", content, tree, date=date)
    return origin.rewind(made.decode().strip())


def signed_tag(origin: Origin, signer: Signer, name: str, commit: str) -> str:
    """Make or move a signed tag; return its own hash."""
    run_git(origin.path, *signer.configure(), "tag", "--force", "--sign", f"--message={name}", name, commit)
    return run_git(origin.path, "rev-parse", f"refs/tags/{name}").decode().strip()


def tampered(origin: Origin, commit: str) -> str:
    """Lead the default branch to a signed commit with another message, and its signature as it was; return it."""
    raw = run_git(origin.path, "cat-file", "commit", commit) + b"and more\n"
    made = run_git(origin.path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).decode().strip()
    return origin.rewind(made)
