"""gitsync publishes a git repository into a directory and keeps it up to date."""

__version__ = "0.1.0"
