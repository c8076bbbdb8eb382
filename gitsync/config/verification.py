"""The options of signatures: what has to be signed, and by whom."""

from dataclasses import dataclass
from pathlib import Path

from gitsync.config.option import option
from gitsync.config.values import PATH, choice


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Whose signature a commit has to have before it is published."""

    verify: str = option(
        choice("off", "commit", "tag"),
        "What has to be signed for a commit to be published: nothing, the commit itself, or the annotated tag that the "
        "ref leads to.",
        default="off",
    )
    verify_ssh_allowed_signers: Path | None = option(
        PATH,
        "A file with the SSH keys whose signatures count, in the form of ssh-keygen's allowed signers; read again when "
        "it changes.",
    )
    verify_gpg_keyring: Path | None = option(
        PATH,
        "A file with the OpenPGP keys whose signatures count, as gpg --export writes it, with --armor or without; read "
        "again when it changes.",
    )

    @property
    def wanted(self) -> bool:
        """Whether anything has to be signed."""
        return self.verify != "off"

    @property
    def files(self) -> list[Path]:
        """The files with the keys."""
        return [path for path in (self.verify_ssh_allowed_signers, self.verify_gpg_keyring) if path]
