"""When the next pass is due. Pure functions of numbers."""

from gitsync.base.backoff import backoff
from gitsync.config import Schedule

# The shortest random part of a delay: who has just asked the remote does not ask it again at once.
_SOONEST = 0.1
# What all are told to wait is longer for some by up to this part, so that they do not come back at one moment.
_SPREAD = 0.1
# That after repeated failures: these are spread already, and short waits would only use the doublings up, until the
# delay is many times the length of the outage.
_SOONEST_AGAIN = 0.5


def next_delay(
    schedule: Schedule,
    *,
    failures: int,
    succeeded: bool,
    woken: bool,
    random: float,
    retry_after: float | None = None,
) -> float:
    """Return the seconds to wait after a pass.

    `failures` counts those in a row, `succeeded` says whether any pass has ever succeeded, `woken` whether something
    other than time has started this one, `random` is from 0 to 1. What wakes one pod, or lets it fail, often does so to
    a whole fleet at one moment; so unless there is no jitter, the delay after that is any part of itself. A fleet that
    only differed by the jitter would go on asking in waves for many periods.
    `retry_after` is how long the remote has asked to be left alone: that is kept to, but no longer than --max-backoff.
    """
    least = min(retry_after or 0.0, schedule.max_backoff)
    return max(_delay(schedule, failures, succeeded, woken, random), least * (1 + _SPREAD * random))


def _delay(schedule: Schedule, failures: int, succeeded: bool, woken: bool, random: float) -> float:
    delay = schedule.period if succeeded else schedule.init_period
    if failures:
        delay = backoff(delay, failures=failures, most=schedule.max_backoff)
    if schedule.jitter and (woken or failures):
        least = _SOONEST if failures < 2 else _SOONEST_AGAIN
        return delay * (least + (1 - least) * random)
    return delay * (1 + schedule.jitter * (2 * random - 1))
