"""How long work takes, learned from the work that was done."""

_KEPT = 0.9  # of the past, at each new job: the last ten or so count


class Pace:
    """Seconds of one worker for one unit of size; a second until there is anything to learn from."""

    def __init__(self) -> None:
        self._seconds = self._units = self._jobs = 1.0

    def learn(self, seconds: float, units: float) -> None:
        """A job of so many units took one worker so long."""
        self._seconds = _KEPT * self._seconds + seconds
        self._units = _KEPT * self._units + units
        self._jobs = _KEPT * self._jobs + 1

    @property
    def typical_seconds(self) -> float:
        """What a job takes one worker on average."""
        return self._seconds / self._jobs

    def seconds(self, units: float) -> float:
        """What so many units will take one worker."""
        return units * self._seconds / self._units
