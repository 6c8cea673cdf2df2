from twinvault_lambda.config import ThrottleConfig
from twinvault_lambda.throttle import TokenBucket


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_burst_is_taken_at_once_and_then_the_rate():
    clock = Clock()
    bucket = TokenBucket(ThrottleConfig(rate=2.0, burst=3), clock=clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [bucket.take(), bucket.take()] == [True, False]


def test_no_more_than_a_burst_is_saved():
    clock = Clock()
    bucket = TokenBucket(ThrottleConfig(rate=1000.0, burst=2), clock=clock)
    clock.now += 3600
    assert [bucket.take() for _ in range(3)] == [True, True, False]
