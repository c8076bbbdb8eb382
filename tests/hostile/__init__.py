"""What others may send: repositories, servers, consumers of the volume and callers of the port that mean harm.

Each test says with `fault` of tests/faults/catalogue.py what is sent, and what comes of it.
"""
