"""Measures gitsync, and any program that takes the same flags, beside the same work done by plain git."""
