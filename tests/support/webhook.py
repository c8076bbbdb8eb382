"""What a sender puts on a webhook request."""

import hashlib
import hmac


def signed(body: bytes, secret: str) -> dict[str, str]:
    """Return GitHub's headers for a push with this body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": f"sha256={digest}",
    }


def bearer(secret: str) -> dict[str, str]:
    """Return the header of a sender that has the secret as a token."""
    return {"Authorization": f"Bearer {secret}"}
