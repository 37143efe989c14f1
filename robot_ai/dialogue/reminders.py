"""When reminders are due: from times of day and a time zone to s of ROS time, without reading a clock."""
import datetime

from robot_ai.dialogue import wording

DAYS_AHEAD = 8  # a reminder on one day of the week falls within these
MISSED_LOOK_BACK = 86_400.0  # s: how far back a restart looks for reminders missed meanwhile


class Reminders:
    """The reminders of one dialogue: which is due next, and which wait for a good moment."""

    def __init__(self, reminders, zone, now: float):
        self._all, self._zone = {r.name: r for r in reminders}, zone
        self.restart(now)

    def restart(self, now: float):
        """Count anew from `now`; what was waiting is forgotten."""
        self._due = {name: self._next(r, now) for name, r in self._all.items()}
        self._waiting = {}  # name -> when it was due
        self._woken = -1.0

    @property
    def next_due(self) -> float | None:
        """When something has to be looked at (s), or None."""
        times = [t for t in self._due.values() if t is not None]
        times += [t + self._all[n].wait for n, t in self._waiting.items() if t + self._all[n].wait > self._woken]
        return min(times, default=None)

    def wake(self, now: float):
        """Move what is due at `now` to the waiting ones."""
        self._woken = max(self._woken, now)
        for name, due in self._due.items():
            if due is not None and due <= now:
                self._waiting[name] = due
                self._due[name] = self._next(self._all[name], max(due, now))

    def take(self, now: float, resting: bool, interruptible: bool):
        """Return the Reminder to give now, or None; those too late are dropped."""
        for name, due in sorted(self._waiting.items(), key=lambda item: (item[1], item[0])):
            reminder = self._all[name]
            if now - due > reminder.late:
                del self._waiting[name]
            elif interruptible and (resting or now - due >= reminder.wait):
                del self._waiting[name]
                return reminder
        return None

    def snapshot(self) -> dict:
        """Return {name: time due} of those not given yet, as JSON values."""
        return {'waiting': dict(self._waiting), 'due': dict(self._due)}

    def restore(self, snapshot: dict, now: float):
        """Go on from a snapshot: what fell due while the robot was off waits now, unless it is too late."""
        self.restart(now)
        for part in ('waiting', 'due'):
            kept = snapshot.get(part)
            for name, due in (kept if isinstance(kept, dict) else {}).items():
                if name in self._all and isinstance(due, (int, float)) and now - MISSED_LOOK_BACK < due <= now:
                    self._waiting.setdefault(name, float(due))

    def today(self, now: float) -> list[tuple[int, int, str]]:
        """Return (hour, minute, title) of what has a title and is still due on the day of `now`, in order."""
        day = wording.moment(now, self._zone).date()
        out = []
        for reminder in self._all.values():
            due = self._next(reminder, now) if reminder.title else None
            if due is not None and wording.moment(due, self._zone).date() == day:
                out.append((reminder.minute // 60, reminder.minute % 60, reminder.title))
        return sorted(out)

    def _next(self, reminder, after: float) -> float | None:
        """Return the first time after `after` (s) at which the reminder is due."""
        try:
            today = datetime.datetime.fromtimestamp(after, self._zone).date()
            days = [reminder.date] if reminder.date else [
                today + datetime.timedelta(days=i) for i in range(DAYS_AHEAD)]
            for day in days:
                if reminder.days and day.weekday() not in reminder.days:
                    continue
                at = datetime.time(reminder.minute // 60, reminder.minute % 60)
                moment = datetime.datetime.combine(day, at, self._zone)
                if moment.timestamp() > after:
                    return moment.timestamp()
        except (OverflowError, ValueError, OSError):  # a clock beyond the calendar
            return None
        return None
