"""What the remote has: asking for a ref, and fetching it. Knows nothing of what lies on the volume.

Called by the worker's thread.
"""
