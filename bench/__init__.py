"""Measures what gitsync costs, beside the same work done by plain git in the same run."""
