"""What the API says about itself: /openapi.json, /v1/capabilities, /v1/models."""

from pathlib import Path

from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from ocr_gateway.options import OPTION_NAMES
from ocr_gateway.problems import CODES
from ocr_gateway.routes import api
from ocr_gateway.routes.answers import Answer
from ocr_gateway.routes.openapi import describe
from tests.unit.gateway_kit import gateway, image, model_server, tiff

# The router's own answers, where there is no operation.
OF_THE_ROUTER = {"method_not_allowed"}


def test_every_problem_code_is_declared_by_some_operation() -> None:
    declared = {code for operation in api.operations(jobs=True) for code in operation.codes}
    assert set(CODES) - declared - OF_THE_ROUTER == set()
    assert declared <= set(CODES)


def test_every_schema_of_the_description_is_a_json_schema() -> None:
    description = describe(api.operations(jobs=True))
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_the_options_are_query_parameters_form_fields_and_json_members_alike() -> None:
    description = describe(api.operations(jobs=False))
    post = description["paths"]["/v1/ocr"]["post"]
    content = post["requestBody"]["content"]
    assert {parameter["name"] for parameter in post["parameters"]} == OPTION_NAMES
    assert set(content["multipart/form-data"]["schema"]["properties"]) == OPTION_NAMES | {"file"}
    assert set(description["components"]["schemas"]["ReadOptions"]["properties"]) == OPTION_NAMES


def test_every_operation_has_a_name_of_its_own() -> None:
    paths = describe(api.operations(jobs=True))["paths"].values()
    names = [operation["operationId"] for path in paths for operation in path.values()]
    assert len(set(names)) == len(names)


async def test_the_gateway_serves_its_description(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.get("/openapi.json")
        assert answer.json() == describe(api.operations(jobs=False))


async def test_the_json_answer_has_only_members_that_are_described(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr?level=word", content=tiff([1, 2]))
        document = answer.json()
        described = TypeAdapter(Answer)
        assert described.dump_python(described.validate_json(answer.content), mode="json") == document


async def test_capabilities_tell_the_options_the_limits_and_the_models(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double, max_pages=7) as running:
        answer = (await running.client.get("/v1/capabilities")).json()
        options = {option["name"]: option["schema"] for option in answer["options"]}
        assert set(options) == OPTION_NAMES
        assert [options["min_confidence"][name] for name in ("minimum", "maximum", "default")] == [0, 1, 0]
        outputs = [made["name"] for made in answer["formats_out"]]
        assert options["output"]["enum"] == outputs
        assert answer["limits"]["max_pages"] == 7
        assert answer["jobs"] is None
        models = (await running.client.get("/v1/models")).json()
        assert models == {"models": answer["models"]}
        assert models["models"][0]["name"] == "double"


async def test_a_model_server_that_does_not_say_what_it_serves_is_a_fault_behind_the_gateway(
    tmp_path: Path,
) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        double.card = None
        answer = await running.client.get("/v1/models")
        assert (answer.status_code, answer.json()["code"]) == (502, "upstream_error")
        assert (await running.client.post("/v1/ocr", content=image())).status_code == 200
