"""Which services take which profile."""

from __future__ import annotations

from ocr_operator.models.service import Key


class Profiles:
    """Remembers which profile each service named when it was looked at last.

    After a start it is filled by the first look at each service. Who was not looked at yet reads the profile
    as it is when that happens, so no change of it is missed.
    """

    def __init__(self) -> None:
        self._named: dict[Key, str] = {}

    def see(self, service: Key, profile: str | None) -> None:
        """What a service names now. To be told before the profile is read: what changes later finds it."""
        if profile is None:
            self._named.pop(service, None)
        else:
            self._named[service] = profile

    def users(self, namespace: str, profile: str) -> tuple[Key, ...]:
        """Services that take the profile of that namespace and name."""
        return tuple(
            service
            for service, named in self._named.items()
            if (service.namespace, named) == (namespace, profile)
        )
