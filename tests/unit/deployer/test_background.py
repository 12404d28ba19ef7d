"""Work is tried until it is done, and no further."""

import threading

from leger_deployer.background import Background


class Attempts:
    """Work that succeeds when it is told to."""

    def __init__(self) -> None:
        self.succeeds = threading.Event()
        self.made = threading.Semaphore(0)
        self.succeeded = threading.Event()

    def __call__(self) -> bool:
        done = self.succeeds.is_set()
        self.made.release()
        if done:
            self.succeeded.set()
        return done


def made(attempts: Attempts, *, within: float = 30) -> bool:
    return attempts.made.acquire(timeout=within)


def test_it_is_tried_at_the_start_and_again_until_it_is_done() -> None:
    attempts = Attempts()
    background = Background(attempts, pause=0.01)
    background.start()
    assert made(attempts)
    assert made(attempts)
    attempts.succeeds.set()
    assert attempts.succeeded.wait(30)
    while made(attempts, within=0):
        pass
    background.wake()
    assert made(attempts)
    assert not made(attempts, within=0.05)
    background.stop()


def test_it_is_not_tried_any_more_once_it_is_stopped() -> None:
    attempts = Attempts()
    background = Background(attempts, pause=60)
    background.start()
    assert made(attempts)
    background.stop()
    background.wake()
    assert not made(attempts, within=0.05)
