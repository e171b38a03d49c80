"""The gateway's Deployment."""

from __future__ import annotations

from collections.abc import Iterator

from ocr_operator.desired import tracing
from ocr_operator.desired.deployment import PORT, ConfigFolder, Program, SecretFolder, build_deployment
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.desired.traffic import TRAFFIC_FILE
from ocr_operator.models.gateway import Gateway
from ocr_operator.models.jobs import Jobs, Redis
from ocr_operator.models.manifest import Manifest
from ocr_operator.models.names import GATEWAY, TRAFFIC
from ocr_operator.models.protection import Auth, Limits, Tls

STARTUP_SECONDS = 60


def build_gateway(plan: Plan) -> Manifest:
    """The Deployment of the HTTP front door."""
    gateway = plan.service.spec.gateway
    limits = gateway.limits
    return build_deployment(
        plan,
        GATEWAY,
        Program(
            name=GATEWAY,
            image=plan.operand.gateway,
            arguments=(
                f"--service={plan.service.metadata.name}",
                _upstream(plan),
                f"--max-body-bytes={limits.max_body_bytes}",
                f"--max-pages={limits.max_pages}",
                f"--max-image-pixels={limits.max_image_pixels}",
                f"--request-timeout-seconds={limits.request_timeout_seconds}",
                f"--drain-seconds={gateway.drain_seconds}",
                f"--log-level={plan.service.spec.observability.log_level}",
                *_rate(limits),
                *_auth(gateway.auth),
                *_tls(gateway.tls),
                *_jobs(gateway.jobs),
            ),
            environment=tracing.environment(plan, tracing.GATEWAY_SAMPLER),
            resources=gateway.resources,
            # Alive, not ready: a gateway without model servers waits for them, a restart would not help.
            startup_path="/livez",
            startup_seconds=STARTUP_SECONDS,
            drain_seconds=gateway.drain_seconds,
            request_seconds=limits.request_timeout_seconds,
            folders=(*_secrets(gateway), *_traffic(plan)),
            tls=gateway.tls is not None,
        ),
    )


def _upstream(plan: Plan) -> str:
    for folder in _traffic(plan):
        return f"--traffic-file={folder.path}/{folder.file}"
    return f"--upstream={child_name(plan.service.metadata.name, plan.revisions.slot)}:{PORT}"


def _traffic(plan: Plan) -> Iterator[ConfigFolder]:
    if plan.canary:
        yield ConfigFolder("traffic", TRAFFIC, plan.service.metadata.name, TRAFFIC_FILE)


def _secrets(gateway: Gateway) -> Iterator[SecretFolder]:
    if folder := _auth_folder(gateway.auth):
        yield folder
    if gateway.tls:
        yield _tls_folder(gateway.tls)
    if gateway.jobs and gateway.jobs.redis:
        yield _redis_folder(gateway.jobs.redis)


def _auth_folder(auth: Auth) -> SecretFolder | None:
    if auth.secret_ref:
        return SecretFolder("api-keys", auth.secret_ref.name)
    return SecretFolder("jwks", auth.jwt.jwks_secret_ref.name) if auth.jwt else None


def _tls_folder(tls: Tls) -> SecretFolder:
    return SecretFolder("tls", tls.secret_ref.name)


def _redis_folder(redis: Redis) -> SecretFolder:
    return SecretFolder("redis", redis.secret_key_ref.name)


def _rate(limits: Limits) -> Iterator[str]:
    if rate := limits.rate_per_client:
        yield f"--client-rate={rate.requests_per_second}"
        if rate.burst is not None:
            yield f"--client-burst={rate.burst}"


def _auth(auth: Auth) -> Iterator[str]:
    folder = _auth_folder(auth)
    if folder is None:
        return
    if auth.jwt is None:
        yield f"--api-keys-dir={folder.path}"
        return
    yield f"--jwks-file={folder.path}/jwks.json"
    yield f"--jwt-issuer={auth.jwt.issuer}"
    yield f"--jwt-audience={auth.jwt.audience}"


def _tls(tls: Tls | None) -> Iterator[str]:
    if tls is not None:
        path = _tls_folder(tls).path
        yield f"--tls-cert-file={path}/tls.crt"
        yield f"--tls-key-file={path}/tls.key"


def _jobs(jobs: Jobs | None) -> Iterator[str]:
    if jobs is None:
        return
    yield f"--job-store={jobs.store.lower()}"
    if jobs.redis:
        yield f"--redis-url-file={_redis_folder(jobs.redis).path}/{jobs.redis.secret_key_ref.key}"
    yield f"--job-ttl-seconds={jobs.ttl_seconds}"
    yield f"--job-timeout-seconds={jobs.timeout_seconds}"
    yield f"--max-jobs={jobs.max_jobs}"
