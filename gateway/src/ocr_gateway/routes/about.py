"""GET /v1/capabilities and /v1/models: what this service can do, and with which models."""

from importlib.metadata import version

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.config import Config
from ocr_gateway.documents.source import MAX_DOCUMENTS
from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.problems import Problem
from ocr_gateway.routes.answers import (
    CapabilitiesAnswer,
    FormatAnswer,
    JobLimits,
    LimitsAnswer,
    ModelsAnswer,
    OptionAnswer,
)
from ocr_gateway.routes.described import MEDIA_TYPES, ReadOptions
from ocr_gateway.routes.jobs import MAX_WAIT_SECONDS
from ocr_gateway.routes.openapi import parameters
from ocr_gateway.routes.operation import UPSTREAM, Operation, Reply
from ocr_gateway.services import exchange_of, services_of, while_connected
from ocr_gateway.upstream.client import Call
from ocr_wire import raster
from ocr_wire.card import ModelCard


class _Metadata(BaseModel):
    model: ModelCard


async def capabilities(request: Request) -> Response:
    """Options, formats, limits and models."""
    config = services_of(request).config
    answer = CapabilitiesAnswer(
        version=version("kubeocr"),
        formats_in=list(MEDIA_TYPES[1:]),
        formats_out=[FormatAnswer(name=name, media_type=made.media_type) for name, made in FORMATS.items()],
        options=[OptionAnswer.model_validate(parameter) for parameter in parameters(ReadOptions)],
        limits=LimitsAnswer(
            max_body_bytes=config.max_body_bytes,
            max_pages=config.max_pages,
            max_image_pixels=config.max_image_pixels,
            min_image_side=raster.MIN_SIDE,
            max_batch_documents=MAX_DOCUMENTS,
            request_timeout_seconds=config.request_timeout_seconds,
        ),
        jobs=_job_limits(config),
        models=await models_of(request),
    )
    return _json(answer)


async def models(request: Request) -> Response:
    """The model that the model servers serve; there is one a service."""
    return _json(ModelsAnswer(models=await models_of(request)))


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _job_limits(config: Config) -> JobLimits | None:
    jobs = config.jobs
    if jobs.job_store == "off":
        return None
    return JobLimits(
        store=jobs.job_store,
        max_jobs=jobs.max_jobs,
        max_bytes=jobs.max_job_bytes,
        timeout_seconds=jobs.job_timeout_seconds,
        ttl_seconds=jobs.job_ttl_seconds,
        max_wait_seconds=MAX_WAIT_SECONDS,
    )


async def models_of(request: Request) -> list[ModelCard]:
    """What the model servers say that they serve; raises Problem."""
    answer = await while_connected(request, _metadata(request))
    try:
        return [_Metadata.model_validate_json(answer).model]
    except ValidationError:
        raise Problem("upstream_error", "A model server did not say which model it serves.") from None


async def _metadata(request: Request) -> bytes:
    services = services_of(request)
    deadline = services.deadline()
    async with deadline.enforced():
        call = Call("GET", "/v2/models/ocr", exchange_of(request).request_id)
        answer = await services.upstream.send(call, deadline)
        answer.raise_for_problem()
        return answer.body


OPERATIONS = (
    Operation(
        "GET",
        "/v1/capabilities",
        capabilities,
        "What this service takes and gives, its options, limits and models.",
        {200: Reply("All of it.", {"application/json": CapabilitiesAnswer})},
        problems=UPSTREAM,
    ),
    Operation(
        "GET",
        "/v1/models",
        models,
        "The models that read documents here: names, digests, languages and licences.",
        {200: Reply("The models.", {"application/json": ModelsAnswer})},
        problems=UPSTREAM,
    ),
)
