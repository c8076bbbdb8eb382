"""Inbound webhooks: whether their sender knows the secret. Pure functions, called by the HTTP server's threads."""
