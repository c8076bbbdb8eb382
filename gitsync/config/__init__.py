"""The configuration: options declared once, read from arguments and environment into frozen values."""

from gitsync.config.gitsettings import GitSetting, render
from gitsync.config.load import load, read_arguments
from gitsync.config.model import Config, GitConfig, RepoConfig, Schedule
from gitsync.config.rules import STORE_DIRECTORY, TRANSPORTS, TREES_DIRECTORY, is_full_hash, split_login, transport
from gitsync.config.topics import AuthConfig, ExecHook, HooksConfig
from gitsync.config.values import Bind, Credential

__all__ = [
    "STORE_DIRECTORY",
    "TRANSPORTS",
    "TREES_DIRECTORY",
    "AuthConfig",
    "Bind",
    "Config",
    "Credential",
    "ExecHook",
    "GitConfig",
    "GitSetting",
    "HooksConfig",
    "RepoConfig",
    "Schedule",
    "is_full_hash",
    "load",
    "read_arguments",
    "render",
    "split_login",
    "transport",
]
