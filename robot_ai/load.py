"""What processes cost while they run: CPU time, resident memory, threads and file descriptors, by psutil."""
import time
from dataclasses import dataclass

from robot_ai.errors import ConfigurationError

MB = 1_000_000


@dataclass(frozen=True)
class Sample:
    """One look at a process. `time`: s (monotonic); `cpu`: s spent so far; `resident`: bytes."""

    time: float
    cpu: float
    resident: int
    threads: int
    descriptors: int


class LoadWatch:
    """Looks at processes; `samples[name]` grows with each `look`."""

    def __init__(self, pids: dict[str, int]):
        """`pids`: {name: process id}. ConfigurationError where psutil is not installed."""
        try:
            import psutil
        except ImportError:
            raise ConfigurationError('measuring processes needs psutil: pip install psutil') from None
        self._gone, self._machine = psutil.Error, psutil.cpu_times
        self._busy = []  # (s, CPU s of the whole machine, CPU s of all the processes watched)
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.samples = {name: [] for name in pids}

    def look(self):
        """Take a sample of each process that lives."""
        for name, process in self._processes.items():
            try:
                with process.oneshot():
                    used = process.cpu_times()
                    self.samples[name].append(Sample(
                        time.monotonic(), used.user + used.system + used.children_user + used.children_system,
                        process.memory_info().rss, process.num_threads(), process.num_fds()))
            except self._gone:
                continue
        used = self._machine()
        whole = sum(used) - used.idle - getattr(used, 'iowait', 0.0) - getattr(used, 'guest', 0.0)
        self._busy.append((time.monotonic(), whole, sum(taken[-1].cpu for taken in self.samples.values() if taken)))

    def cpu_seconds(self, name: str) -> float:
        """Return the CPU time between the first look and the last."""
        samples = self.samples[name]
        return samples[-1].cpu - samples[0].cpu if samples else 0.0

    def seconds(self, name: str) -> float:
        """Return the time between the first look and the last."""
        samples = self.samples[name]
        return samples[-1].time - samples[0].time if samples else 0.0

    def others_share(self, begin: float = float('-inf'), end: float = float('inf')) -> float:
        """Return how many cores everything else on the machine kept busy between two times (s, monotonic).

        nan where fewer than two looks fell between them.
        """
        looks = [look for look in self._busy if begin <= look[0] <= end]
        if len(looks) < 2:
            return float('nan')
        (begun, before, ours_before), (ended, after, ours_after) = looks[0], looks[-1]
        return max(0.0, (after - before) - (ours_after - ours_before)) / max(ended - begun, 1e-9)

    def resident_mb(self, name: str) -> float:
        """Return the most resident memory seen, in MB (10**6 bytes)."""
        return max((sample.resident for sample in self.samples[name]), default=0) / MB
