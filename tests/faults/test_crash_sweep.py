"""A fault at each change of the volume that gitsync, and each git of its, makes: a kill, a signal, an error.

How many changes there are is counted first; some of them are chosen by a seed, which a failure tells, or many of them.
"""

import errno
import os
import random
import signal
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.faults.preload import NEXT, Action, Board, Strike
from tests.faults.scenes import SCENES, Scene
from tests.faults.scenes_of_forms import SCENES_OF_FORMS
from tests.support.daemon import DaemonProcess
from tests.support.lfs import needs_lfs
from tests.support.origin import Origin

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EMFILE, errno.EDQUOT, errno.ENOMEM)
SEED = int(os.environ.get("GITSYNC_TEST_SEED") or random.SystemRandom().randrange(2**32))
# A scene whose changes are counted: it has fewer than this, or something goes in circles.
TOO_MANY = 5000
# So many looks without a change say that nothing more comes.
LOOKS = 50
MOST_LOOKS = 500
# After so many failures in a row the cause is removed.
SOME = 5


def points(some: int, many: int) -> pytest.MarkDecorator:
    """Have a test strike at some of the changes, and with --long at many."""
    long = pytest.param(many, id="many", marks=(pytest.mark.long, pytest.mark.timeout(1800)))
    return pytest.mark.parametrize("points", [pytest.param(some, id="some"), long])


ALL = {**SCENES, **SCENES_OF_FORMS}


def of_all(*, quick: Collection[str] = ALL) -> pytest.MarkDecorator:
    """Have a test of each scene, but for `quick` ones with --long only."""

    def marks(name: str) -> list[pytest.MarkDecorator]:
        return [needs_lfs] * (name == "lfs") + [pytest.mark.long] * (name not in quick)

    return pytest.mark.parametrize("scene", [pytest.param(name, marks=marks(name)) for name in ALL], indirect=True)


@pytest.fixture
def scene(
    request: pytest.FixtureRequest,
    origin: Origin,
    root: Path,
    start_daemon: StartDaemon,
    make_origin: Callable[..., Origin],
) -> Scene:
    """Each of the scenes."""
    return ALL[request.param](origin, root, start_daemon, make_origin)


def begin(scene: Scene, board: Board, at: int | str, strike: Strike, **options: object) -> DaemonProcess:
    """Start gitsync with a fault on its way, to the change with a number, or to the first one at a place."""
    board.forget_process()
    if isinstance(at, str):
        board.arm(NEXT[0], strike, place=at.format(new=scene.new))
    else:
        board.arm(at, strike)
    return scene.run(environment=board.environment, **options)


def watch_for_rest(daemon: DaemonProcess, board: Board) -> None:
    """Wait until it has struck, nothing changes any more after a pass, or the process has ended."""
    looks: list[int] = []

    def rests() -> bool:
        if daemon.logs("sync_finished") or daemon.logs("ready"):
            looks.append(board.count)
        # Comparisons may go on for ever.
        still = len(looks) > MOST_LOOKS or (len(looks) > LOOKS and len(set(looks[-LOOKS:])) == 1)
        return board.struck or still or has_ended(daemon)

    daemon.until(rests)


def has_ended(daemon: DaemonProcess) -> bool:
    """Say whether the process is gone."""
    return daemon.process.poll() is not None


def run_through(scene: Scene, board: Board, at: int | str, strike: Strike, watch: Watch) -> DaemonProcess:
    """Run a scene to its end, or to that of the process."""
    daemon = watch.follow(begin(scene, board, at, strike, one_time=scene.at_once or None))
    if scene.at_once:
        daemon.wait_exit()
    else:
        daemon.until(lambda: has_ended(daemon) or scene.new in watch.sight.look().commits)
        watch_for_rest(daemon, board)
        if not has_ended(daemon):
            daemon.terminate()
    return daemon


def count(scene: Scene, board: Board) -> int:
    """Return how many changes there are in a scene, up to the end of the chores."""
    scene.prepare()
    with scene.watch() as watch:
        run_through(scene, board, 0, Strike(Action.COUNT), watch)
        watch.check(scene.new)
    assert 5 < board.count < TOO_MANY
    return board.count


def sweep(scene: Scene, board: Board, strikes: list[Strike], points: int) -> None:
    """Strike at so many changes of a scene."""
    total = count(scene, board)
    chance = random.Random(f"{SEED} {type(scene).__name__}")  # noqa: S311 - moments, no secrets
    # Of some hundred changes few are those that consumers would notice.
    chosen = {*NEXT} | set(chance.sample(range(1, total + 1), min(points, total)))
    for at in sorted(chosen):
        strike_at(scene, board, at, chance.choice(strikes))
    print(f"{total} changes, struck at {sorted(chosen)}")


def strike_at(scene: Scene, board: Board, at: int | str, strike: Strike) -> None:
    """Strike at one change of a scene."""
    scene.prepare()
    try:
        with scene.watch(spare=strike.error != 0) as watch:
            _AFTER[strike.action](scene, board, at, strike, watch)
    except BaseException as error:
        error.add_note(f"seed {SEED}: {strike} at change {at}: {board.what}")
        raise


def after_kill(scene: Scene, board: Board, at: int | str, strike: Strike, watch: Watch) -> None:
    """The next start finds what the kill has left, and publishes without a failure."""
    daemon = run_through(scene, board, at, strike, watch)
    assert daemon.process.poll() in {0, -signal.SIGKILL}, daemon.describe()
    daemon.kill_tree()
    recover(scene, watch)


def after_end(scene: Scene, board: Board, at: int | str, strike: Strike, watch: Watch) -> None:
    """It ends in order."""
    daemon = watch.follow(begin(scene, board, at, strike))
    watch_for_rest(daemon, board)
    assert (daemon.wait_exit() if board.struck else daemon.terminate()) == 0, daemon.describe()
    daemon.check_nothing_runs()
    assert not list(daemon.tmpdir.glob("gitsync-*"))
    recover(scene, watch)


def after_failure(scene: Scene, board: Board, at: int | str, strike: Strike, watch: Watch) -> None:
    """It goes on, and publishes when the cause is over; if it cannot even start, it ends, and is started again."""
    daemon = watch.follow(begin(scene, board, at, strike, period="100ms", heal_period="1s"))
    watch_for_rest(daemon, board)

    def is_published_or_over() -> bool:
        return has_ended(daemon) or scene.new in watch.sight.look().commits

    if strike.action == Action.FAIL_FROM_NOW_ON:
        daemon.until(lambda: told(daemon) or board.strikes > SOME or is_published_or_over())
        board.disarm()
    daemon.until(is_published_or_over)
    assert (daemon.wait_exit() == 1) if has_ended(daemon) else (daemon.terminate() == 0), daemon.describe()
    # What git could not remove, and does not tell of, goes now.
    recover(scene, watch)
    reasons = {event.get("reason") for event in told(daemon)}
    assert not reasons & {"internal", None}, daemon.describe()


def told(daemon: DaemonProcess) -> list[dict[str, object]]:
    """Return what the log says of passes that have failed."""
    return daemon.logs("sync_finished", outcome="failed")


def recover(scene: Scene, watch: Watch) -> None:
    """Start again, with nothing in the way."""
    daemon = watch.follow(scene.run())
    watch.wait_published(scene.new, daemon)
    watch.check(scene.new)
    assert not told(daemon), daemon.describe()


_AFTER = {
    Action.KILL: after_kill,
    Action.END: after_end,
    Action.FAIL: after_failure,
    Action.FAIL_FROM_NOW_ON: after_failure,
}
KILLS = [Strike(Action.KILL)]
ENDS = [Strike(Action.END)]
FAILURES = [Strike(action, error) for action in (Action.FAIL, Action.FAIL_FROM_NOW_ON) for error in ERRORS]


@fault(
    area="crash",
    what="everything is killed before a change of the volume, anywhere in a first publication, an update, a repair, "
    "a chore or a takeover, in each form of publication",
    then="readers see the old commit or the new one; the next start publishes in its first pass, and tidies up",
)
@points(3, 40)
@of_all(quick=SCENES)
def test_kill_before_a_change(scene: Scene, board: Board, points: int) -> None:
    """Given any work on the volume, when all is killed at some changes, then each next start goes on by itself."""
    sweep(scene, board, KILLS, points)


@fault(
    area="crash",
    what="everything is killed before a name of a meaning comes about: a ref, an index, a place, a mark, a record, the "
    "tree's own name, the link, or the first part of what is removed",
    then="the same",
)
@points(2, 99)
@of_all()
def test_kill_at_a_place(scene: Scene, board: Board, points: int) -> None:
    """Given any work on the volume, when all is killed right before a step that counts, then the next start goes on."""
    chance = random.Random(f"{SEED} {type(scene).__name__}")  # noqa: S311 - moments, no secrets
    for place in chance.sample(list(scene.places), min(points, len(scene.places))):
        strike_at(scene, board, place, *KILLS)
        assert board.struck, f"{type(scene).__name__} has no change at {place}"


@fault(
    area="signals",
    what="SIGTERM comes at a change of the volume, anywhere in such work",
    then="gitsync ends with 0 and leaves no process; the next start publishes in its first pass, and tidies up",
)
@points(1, 10)
@of_all(quick=SCENES)
def test_end_at_a_change(scene: Scene, board: Board, points: int) -> None:
    """Given any work on the volume, when SIGTERM comes at some changes, then each end is one in order."""
    sweep(scene, board, ENDS, points)


@fault(
    area="disk",
    what="a change of the volume fails, once or from then on, anywhere in such work, with ENOSPC, EDQUOT, EIO, EACCES, "
    "EROFS, EMFILE or ENOMEM",
    then="what is published stays, the pass fails with a reason, and one after the end of the trouble publishes",
)
@points(3, 27)
@of_all()
def test_error_at_a_change(scene: Scene, board: Board, points: int) -> None:
    """Given any work on the volume, when some changes fail, then that heals by itself."""
    sweep(scene, board, FAILURES, points)
