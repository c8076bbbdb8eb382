"""What starts a pass: time, and wake-ups from anywhere that coalesce in a mailbox."""
