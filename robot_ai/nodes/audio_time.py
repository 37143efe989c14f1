"""When a block of sound was heard in ROS time, and whether the robot itself spoke meanwhile.

No clock is read here: the node says what its clock (wall or `/clock`) shows at each receipt, in ns. Counting is
`robot_ai.speech.audio.SampleClock`'s; this adds what only a live graph has: gaps, looped bags, replays that run
ahead of the sound.
"""
from collections import deque

from robot_ai.speech.audio import SampleClock

MS = 1_000_000  # ns
GAP = 1_000 * MS  # beyond it what follows is another recording
BACKWARDS = 50 * MS  # a clock that goes back by more was set back: a looped bag
REPLAY_LEAD = 3_000 * MS  # in a lossless replay the clock runs ahead of the sound by up to 2 s: no drift

VOICE_GONE = 'whoever told that the robot was speaking is gone; it is taken to be silent'
GOES_ON, DRIFTED, RESTARTED = 'goes on', 'drifted', 'restarted'


class Timeline:
    """The times of the blocks of one stream.

    Stamps are taken like receipts, as times that may be late but not early: a driver stamps late by what its
    threads and the network add. So one late block moves nothing, a lasting difference above 50 ms does.
    """

    def __init__(self, lossless: bool = False):
        """`lossless`: unstamped sound may come as early as it likes and REPLAY_LEAD late: a replay's pace."""
        self._lossless = lossless
        self.reset()

    def reset(self):
        """Forget the stream; the next block begins another."""
        self._clock = None
        self._now = None

    def place(self, stamp_ns: int | None, now_ns: int, frames: int, rate: int) -> tuple[int, str]:
        """Return when a block of `frames` at `rate` Hz began (ns of ROS time) and what became of the stream.

        `stamp_ns` is that of its first sample or None, `now_ns` the receipt. GOES_ON: as counted; DRIFTED: the
        count was set anew, the sound goes on; RESTARTED: first block, another rate, a gap over a second, or a
        clock that was set back.
        """
        end = now_ns if stamp_ns is None else stamp_ns + frames * 1_000_000_000 // rate
        backwards = self._now is not None and now_ns < self._now - BACKWARDS
        self._now = now_ns
        counting = self._clock is not None and self._clock.rate == rate and not backwards
        if counting:
            off = end - self._clock.time_of(self._clock.count + frames)
            loose = self._lossless and stamp_ns is None
            counting = off <= REPLAY_LEAD if loose else abs(off) <= GAP
            if loose and counting:
                end -= off
        if not counting:
            self._clock = SampleClock(rate)
        first = self._clock.count
        drift = self._clock.push(frames, end)
        change = RESTARTED if not counting else DRIFTED if drift else GOES_ON
        return self._clock.time_of(first), change


class SpeechGate:
    """Says which blocks to leave out because the robot itself was speaking, or has just spoken."""

    def __init__(self, tail_ns: int):
        """`tail_ns` is how long sound stays left out after the robot ends: echo, and messages under way."""
        self.tail_ns = tail_ns
        self.reset()

    def reset(self):
        """Forget: the robot is silent."""
        self._spans = deque(maxlen=64)  # [begin, end or None]

    @property
    def speaking(self) -> bool:
        """Whether the robot is speaking, as last told."""
        return bool(self._spans) and self._spans[-1][1] is None

    def tell(self, speaking: bool, now_ns: int):
        """Take a `robot_speaking` received at `now_ns`."""
        if speaking and not self.speaking:
            self._spans.append([now_ns, None])
        elif not speaking and self.speaking:
            self._spans[-1][1] = now_ns

    def covers(self, begin_ns: int, end_ns: int) -> bool:
        """Return whether any of the block from `begin_ns` to `end_ns` falls into the robot's speech or tail."""
        return any(begin < end_ns and (end is None or begin_ns < end + self.tail_ns)
                   for begin, end in self._spans)
