"""The configuration: options declared once, read from arguments and environment into frozen values."""

from gitsync.config.arguments import read_arguments
from gitsync.config.followed import RefConfig
from gitsync.config.gitsettings import GitSetting, render
from gitsync.config.hooks import CallHook, ExecHook, HooksConfig
from gitsync.config.limits import Limits
from gitsync.config.load import load, load_followed, load_receiver, load_termination_log
from gitsync.config.login import AuthConfig
from gitsync.config.model import Config, ReceiverConfig
from gitsync.config.places import Bind, Place
from gitsync.config.repo import GitConfig, RepoConfig, Schedule
from gitsync.config.rules import REPOSITORIES_DIRECTORY, STORE_DIRECTORY, TREES_DIRECTORY, is_full_hash, is_ref_name
from gitsync.config.urls import TRANSPORTS, parse_repo, split_login, ssh_destination, transport
from gitsync.config.values import Credential
from gitsync.config.verification import Verification

__all__ = [
    "REPOSITORIES_DIRECTORY",
    "STORE_DIRECTORY",
    "TRANSPORTS",
    "TREES_DIRECTORY",
    "AuthConfig",
    "Bind",
    "CallHook",
    "Config",
    "Credential",
    "ExecHook",
    "GitConfig",
    "GitSetting",
    "HooksConfig",
    "Limits",
    "Place",
    "ReceiverConfig",
    "RefConfig",
    "RepoConfig",
    "Schedule",
    "Verification",
    "is_full_hash",
    "is_ref_name",
    "load",
    "load_followed",
    "load_receiver",
    "load_termination_log",
    "parse_repo",
    "read_arguments",
    "render",
    "split_login",
    "ssh_destination",
    "transport",
]
