"""`/healthz`, `/readyz` and `/metrics` of the operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

# What is wrong, or None.
Check = Callable[[], str | None]


def limit(seconds: Callable[[], float], most: float, problem: str) -> Check:
    """A check that fails once `seconds()` is over `most`."""

    def check() -> str | None:
        now = seconds()
        return f"{problem} for {now:.0f} s" if now > most else None

    return check


@dataclass(slots=True)
class Health:
    """The checks by name. `alive`: no restart is needed. `ready`: it works, or stands by."""

    alive: dict[str, Check] = field(default_factory=dict)
    ready: dict[str, Check] = field(default_factory=dict)

    @staticmethod
    def problems(checks: Mapping[str, Check]) -> list[str]:
        """One line for each check that fails."""
        results = ((name, check()) for name, check in checks.items())
        return [f"{name}: {problem}" for name, problem in results if problem is not None]


def create_app(health: Health, expose: Callable[[], bytes], content_type: str) -> web.Application:
    """The web application over the checks and the metrics' text."""

    async def healthz(_: web.Request) -> web.Response:
        return _answer(health.problems(health.alive))

    async def readyz(_: web.Request) -> web.Response:
        return _answer(health.problems({**health.alive, **health.ready}))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=expose(), headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


def _answer(problems: list[str]) -> web.Response:
    return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)


async def serve(app: web.Application, host: str | None, port: int) -> web.AppRunner:
    """Listen, without a host on all addresses; `cleanup` of the answer ends it. Raises OSError."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
