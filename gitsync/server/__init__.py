"""The HTTP side: health, readiness, metrics, status and the webhook receiver, as thin routes over what others know."""
