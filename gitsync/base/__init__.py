"""What everybody may use and what knows nothing of git: errors, redaction, log, careful file operations, our requests.

Called on any thread.
"""
