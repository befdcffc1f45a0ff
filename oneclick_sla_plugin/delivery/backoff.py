"""How long a ticket rests after a failure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with full jitter: any pause from none up to a bound that doubles with each attempt.

    Full jitter spreads best the tickets that failed together when a platform went
    away, see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    ``uniform(low, high)`` is the source of chance. With the defaults the fifteen pauses
    between sixteen attempts add up to about six hours on average.
    """

    first: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(hours=2)
    uniform: Callable[[float, float], float] = random.uniform

    def pause(self, attempt: int, retry_after: timedelta | None = None) -> timedelta:
        """The pause after the ``attempt``-th failure (from 1); never shorter than what the platform asked for."""
        # Past 2**32 the bound is reached whatever the unit, and larger powers overflow a timedelta.
        bound = min(self.first.total_seconds() * 2 ** min(attempt - 1, 32), self.longest.total_seconds())
        jittered = timedelta(seconds=self.uniform(0, bound))
        return jittered + max(retry_after or timedelta(0), timedelta(0))
