"""What the operator builds from a spec. Whole manifests are in tests/golden."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from ocr_operator.desired.build import build, kept
from ocr_operator.desired.model_server import build_model_server
from ocr_operator.desired.plan import Plan, operand_version
from ocr_operator.desired.revision import policy, revision
from ocr_operator.desired.scales import build_scales
from ocr_operator.desired.traffic import build_traffic
from ocr_operator.models.manifest import OPTIONAL_KINDS, SERVICE_MONITOR, Manifest, ref
from ocr_operator.models.names import SLOTS
from ocr_operator.models.revisions import Candidate, Revisions, Slot
from ocr_operator.models.spec import Spec
from tests.unit.samples import OPERANDS, ocr_service, plan
from tests.unit.strategies import specs

TLS = {"tls": {"secretRef": {"name": "s"}}}


def rendered(made: Plan) -> list[Manifest]:
    scales = (scale.manifest for scale in build_scales(made))
    return [*filter(None, [build_traffic(made)]), *build(made), *scales]


def by_name(made: Plan, kind: str, name: str) -> Manifest:
    return next(m for m in build(made) if m["kind"] == kind and m["metadata"]["name"] == name)


def container(made: Plan, component: str) -> dict[str, Any]:
    manifest = by_name(made, "Deployment", f"invoices-{component}")
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return found


@given(specs())
def test_every_valid_spec_builds_restricted_pods_owned_by_the_service(spec: Spec) -> None:
    made = plan(spec.dump(), served=OPTIONAL_KINDS)
    for manifest in build(made):
        metadata = manifest["metadata"]
        assert len(metadata["name"]) <= 63
        assert [owner["uid"] for owner in metadata["ownerReferences"]] == ["u-1"]
        assert not any("argocd" in label for label in metadata["labels"])
        assert "null" not in json.dumps(manifest)
        if manifest["kind"] == "Deployment":
            template = manifest["spec"]["template"]
            assert (
                manifest["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
            )
            assert_restricted(template["spec"])


def assert_restricted(pod: dict[str, Any]) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted and more."""
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert not pod["automountServiceAccountToken"]
    assert not pod["enableServiceLinks"]
    for one in (*pod.get("initContainers", ()), *pod["containers"]):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }


@given(specs())
def test_building_twice_gives_the_same(spec: Spec) -> None:
    assert rendered(plan(spec.dump())) == rendered(plan(spec.dump()))


@given(specs(), specs())
def test_selectors_never_change_with_the_spec(one: Spec, other: Spec) -> None:
    def selectors(spec: Spec) -> list[Any]:
        return [m["spec"]["selector"] for m in build(plan(spec.dump())) if m["kind"] == "Deployment"]

    assert selectors(one) == selectors(other)


def test_the_deployment_leaves_replicas_to_their_own_field_manager() -> None:
    made = plan({"modelServer": {"replicas": 5}})
    assert all("replicas" not in m["spec"] for m in build(made) if m["kind"] == "Deployment")
    assert {ref(s.manifest).name: s.manifest["spec"]["replicas"] for s in build_scales(made)} == {
        "invoices-gateway": 2,
        "invoices-model-server": 5,
    }


def test_a_suspended_service_keeps_its_children_and_runs_no_pods() -> None:
    made = plan({"suspend": True, "modelServer": {"replicas": 5}})
    assert {scale.manifest["spec"]["replicas"] for scale in build_scales(made)} == {0}
    kept = {"ServiceAccount", "NetworkPolicy", "Service", "Deployment"}
    assert {m["kind"] for m in build(made)} == kept


@pytest.mark.parametrize(("replicas", "budget"), [(0, False), (1, False), (2, True), (7, True)])
def test_a_disruption_budget_exists_from_two_replicas_on(replicas: int, budget: bool) -> None:
    names = {
        m["metadata"]["name"]
        for m in build(plan({"modelServer": {"replicas": replicas}}))
        if m["kind"] == "PodDisruptionBudget"
    }
    assert ("invoices-model-server" in names) == budget


@pytest.mark.parametrize(
    ("resources", "threads", "expected"),
    [
        ({"requests": {"cpu": "1"}}, 0, 1),
        ({"requests": {"cpu": "250m"}}, 0, 1),
        ({"requests": {"cpu": "1500m"}}, 0, 2),
        ({"requests": {"cpu": "1"}, "limits": {"cpu": 4}}, 0, 4),
        ({"requests": {"memory": "1Gi"}}, 0, 0),
        ({"requests": {"cpu": "1"}}, 3, 3),
    ],
)
def test_threads_come_from_the_pod_never_from_the_host(
    resources: dict[str, Any], threads: int, expected: int
) -> None:
    made = plan({"modelServer": {"resources": resources, "runtime": {"threads": threads}}})
    assert f"--threads={expected}" in container(made, "model-server")["args"]


def test_a_pod_may_drain_and_answer_its_last_request_before_it_is_killed() -> None:
    made = plan({"gateway": {"drainSeconds": 7, "limits": {"requestTimeoutSeconds": 30}}})
    for component in ("gateway", "model-server"):
        pod = by_name(made, "Deployment", f"invoices-{component}")["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] >= 7 + 7 + 30
        assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}


def test_without_a_drain_there_is_no_pre_stop_hook() -> None:
    assert "lifecycle" not in container(plan({"gateway": {"drainSeconds": 0}}), "gateway")


def test_a_secret_reaches_the_pod_as_a_reference_only() -> None:
    made = plan({"modelServer": {"env": [{"name": "TOKEN", "secretKeyRef": {"name": "s", "key": "k"}}]}})
    assert {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}} in container(
        made, "model-server"
    )["env"]


@pytest.mark.parametrize("component", ["gateway", "model-server"])
def test_without_tracing_no_program_is_told_of_opentelemetry(component: str) -> None:
    assert not any(each["name"].startswith("OTEL_") for each in container(plan({}), component).get("env", ()))


def test_a_variable_of_the_users_goes_before_ours() -> None:
    tracing = {"endpoint": "http://collector:4318"}
    own = {"name": "OTEL_TRACES_SAMPLER_ARG", "value": "1"}
    made = plan({"observability": {"tracing": tracing}, "modelServer": {"env": [own]}})
    given = container(made, "model-server")["env"]
    assert [each for each in given if each["name"] == own["name"]] == [own]
    assert {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"} in given


def pod(made: Plan, component: str = "gateway") -> dict[str, Any]:
    found: dict[str, Any] = by_name(made, "Deployment", f"invoices-{component}")["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(
    ("gateway", "arguments", "folder"),
    [
        (
            {"auth": {"type": "APIKey", "secretRef": {"name": "s"}}},
            ["--api-keys-dir=/etc/kubeocr/api-keys"],
            "api-keys",
        ),
        (
            {
                "auth": {
                    "type": "JWT",
                    "jwt": {"issuer": "i", "audience": "a", "jwksSecretRef": {"name": "s"}},
                }
            },
            ["--jwks-file=/etc/kubeocr/jwks/jwks.json", "--jwt-issuer=i", "--jwt-audience=a"],
            "jwks",
        ),
        (
            {"tls": {"secretRef": {"name": "s"}}},
            ["--tls-cert-file=/etc/kubeocr/tls/tls.crt", "--tls-key-file=/etc/kubeocr/tls/tls.key"],
            "tls",
        ),
        (
            {
                "jobs": {
                    "store": "Redis",
                    "redis": {"secretKeyRef": {"name": "s", "key": "url"}},
                    "maxJobs": 9,
                }
            },
            [
                "--job-store=redis",
                "--redis-url-file=/etc/kubeocr/redis/url",
                "--job-ttl-seconds=3600",
                "--job-timeout-seconds=900",
                "--max-jobs=9",
            ],
            "redis",
        ),
    ],
)
def test_a_secret_of_the_gateway_is_a_folder_that_its_user_can_read_and_nobody_can_write(
    gateway: dict[str, Any], arguments: list[str], folder: str
) -> None:
    made = plan({"gateway": gateway})
    secret = {"secretName": "s", "defaultMode": 0o444, "optional": False}
    assert {"name": folder, "secret": secret} in pod(made)["volumes"]
    mount = {"name": folder, "mountPath": f"/etc/kubeocr/{folder}", "readOnly": True}
    assert mount in container(made, "gateway")["volumeMounts"]
    assert container(made, "gateway")["args"][-len(arguments) :] == arguments
    assert [volume["name"] for volume in pod(made, "model-server")["volumes"]] == ["tmp"]


def test_with_tls_everything_that_calls_the_gateway_speaks_https() -> None:
    made = plan({"gateway": {"tls": {"secretRef": {"name": "s"}}}}, served=OPTIONAL_KINDS)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container(made, "gateway")[probe]["httpGet"]
        assert (asked["port"], asked["scheme"]) == ("https", "HTTPS")
    assert by_name(made, "Service", "invoices-gateway")["spec"]["ports"] == [
        {"name": "https", "port": 443, "targetPort": "https", "protocol": "TCP"}
    ]
    schemes = {
        e["port"]: e.get("scheme") for e in by_name(made, "ServiceMonitor", "invoices")["spec"]["endpoints"]
    }
    assert schemes == {"http": None, "https": "https"}


@pytest.mark.parametrize(
    ("rate", "flags"),
    [
        ({"requestsPerSecond": 5}, ["--client-rate=5"]),
        ({"requestsPerSecond": 5, "burst": 9}, ["--client-rate=5", "--client-burst=9"]),
    ],
)
def test_a_rate_per_client_reaches_the_gateway(rate: dict[str, int], flags: list[str]) -> None:
    arguments = container(plan({"gateway": {"limits": {"ratePerClient": rate}}}), "gateway")["args"]
    assert [argument for argument in arguments if argument.startswith("--client-")] == flags


@pytest.mark.parametrize(
    ("mode", "served", "made"),
    [("Auto", True, True), ("Auto", False, False), ("Enabled", True, True), ("Disabled", True, False)],
)
def test_a_service_monitor_is_made_when_wanted_and_known(mode: str, served: bool, made: bool) -> None:
    spec = {"observability": {"serviceMonitor": {"mode": mode, "labels": {"release": "prom"}}}}
    kinds = frozenset({SERVICE_MONITOR} if served else ())
    monitors = [m for m in build(plan(spec, served=kinds)) if m["kind"] == "ServiceMonitor"]
    assert len(monitors) == made
    assert all(m["metadata"]["labels"]["release"] == "prom" for m in monitors)


def test_the_operand_version_is_as_asked_else_held_else_the_default() -> None:
    held = {"version": {"operand": "0.1.0", "operator": "0.1.0"}}
    newer = OPERANDS.model_copy(update={"default": "0.2.0"})
    assert operand_version(ocr_service(), newer) == "0.2.0"
    assert operand_version(ocr_service(status=held), newer) == "0.1.0"
    assert operand_version(ocr_service({"version": "0.2.0"}, status=held), newer) == "0.2.0"


def test_a_new_service_that_follows_new_versions_begins_with_the_newest() -> None:
    held = {"version": {"operand": "0.1.0", "operator": "0.1.0"}}
    assert operand_version(ocr_service({"upgradePolicy": "Auto"}), OPERANDS) == "0.2.0"
    assert operand_version(ocr_service({"upgradePolicy": "Auto"}, status=held), OPERANDS) == "0.1.0"


INGRESS = {"host": "ocr.example.com"}
ROUTE = {"parentRefs": [{"name": "edge"}], "hostnames": ["ocr.example.com"]}


@pytest.mark.parametrize(
    ("gateway", "service", "port"),
    [
        ({}, {}, ("http", 80)),
        ({}, {"port": 81}, ("http", 81)),
        (TLS, {}, ("https", 443)),
        (TLS, {"port": 80}, ("https", 80)),
    ],
)
def test_ways_in_lead_to_the_port_that_the_gateways_service_has(
    gateway: dict[str, Any], service: dict[str, Any], port: tuple[str, int]
) -> None:
    spec = {"gateway": gateway, "expose": {"service": service, "ingress": INGRESS}}
    (rule,) = by_name(plan(spec), "Ingress", "invoices-gateway")["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {
        "name": "invoices-gateway",
        "port": {"name": port[0]},
    }
    spec = {"gateway": gateway, "expose": {"service": service, "gatewayAPI": ROUTE}}
    made = plan(spec, served=OPTIONAL_KINDS)
    (rule,) = by_name(made, "HTTPRoute", "invoices-gateway")["spec"]["rules"]
    assert rule == {"backendRefs": [{"name": "invoices-gateway", "port": port[1]}]}
    (served,) = by_name(made, "Service", "invoices-gateway")["spec"]["ports"]
    assert (served["name"], served["port"]) == port


def test_without_its_kind_no_route_is_made_and_without_a_wish_none_of_both() -> None:
    made = [*build(plan({"expose": {"gatewayAPI": ROUTE}})), *build(plan(served=OPTIONAL_KINDS))]
    assert not {m["kind"] for m in made} & {"Ingress", "HTTPRoute"}


@given(specs())
def test_what_users_put_onto_pods_never_replaces_what_is_ours(spec: Spec) -> None:
    plain = {m["metadata"]["name"]: m for m in build(plan({})) if m["kind"] == "Deployment"}
    for m in build(plan({**spec.dump(), "version": None})):
        if m["kind"] == "Deployment":
            ours = plain[m["metadata"]["name"]]["spec"]["template"]["metadata"]
            got = m["spec"]["template"]["metadata"]
            assert ours["labels"].items() <= got["labels"].items()
            assert ours["annotations"].items() <= got["annotations"].items()


@pytest.mark.parametrize(
    "spec",
    [
        {"imagePullSecrets": [{"name": "registry"}]},
        {"gateway": {"podLabels": {"team": "papers"}}},
        {"gateway": {"podAnnotations": {"team": "papers"}}},
        {"gateway": {"scheduling": {"runtimeClassName": "gvisor"}}},
    ],
)
def test_what_is_asked_of_pods_rolls_them(spec: dict[str, Any]) -> None:
    def template(made: Plan) -> Any:
        return by_name(made, "Deployment", "invoices-gateway")["spec"]["template"]

    assert template(plan(spec)) != template(plan())


def trying(slot: Slot = "model-server", weight: int = 5, **spec: Any) -> Plan:
    """A service whose stable revision is another one than its spec asks for, in that slot."""
    made = plan({"rollout": {"strategy": "Canary"}, **spec})
    candidate = Candidate(
        revision=revision(made), policy=policy(made), step=1, weight=weight, since="2026-01-02T03:04:05Z"
    )
    revisions = Revisions(
        slot=slot, stable="old", served=True, candidate=candidate, split="1970-01-01T00:01:00Z"
    )
    return replace(made, revisions=revisions)


@pytest.mark.parametrize(
    ("slot", "other"), [("model-server", "model-server-b"), ("model-server-b", "model-server")]
)
def test_a_candidate_runs_beside_the_stable_deployment_which_is_left_as_it_is(slot: Any, other: str) -> None:
    made = trying(slot)
    names = [m["metadata"]["name"] for m in build(made) if m["kind"] == "Deployment"]
    assert names == [f"invoices-{other}", "invoices-gateway"]
    assert [identity.name for identity in kept(made)] == [f"invoices-{slot}"]
    assert {ref(s.manifest).name: s.manifest["spec"]["replicas"] for s in build_scales(made)} == {
        "invoices-gateway": 2,
        f"invoices-{slot}": 2,
        f"invoices-{other}": 1,
    }
    budgets = [m["metadata"]["name"] for m in build(made) if m["kind"] == "PodDisruptionBudget"]
    assert budgets == ["invoices-gateway", f"invoices-{slot}"]


@pytest.mark.parametrize("slot", SLOTS)
def test_an_autoscaler_aims_at_the_stable_revision(slot: Slot) -> None:
    made = trying(slot, modelServer={"autoscaling": {"maxReplicas": 9}})
    autoscaler = by_name(made, "HorizontalPodAutoscaler", "invoices-model-server")
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == f"invoices-{slot}"
    floors = {ref(scale.manifest).name: scale.floor for scale in build_scales(made)}
    other = next(each for each in SLOTS if each != slot)
    assert floors == {"invoices-gateway": False, f"invoices-{slot}": True, f"invoices-{other}": False}


def test_pods_of_two_revisions_are_never_taken_for_each_other() -> None:
    made = trying()
    stable, candidate = (build_model_server(made, slot) for slot in SLOTS)
    for one, other in ((stable, candidate), (candidate, stable)):
        labels = one["spec"]["template"]["metadata"]["labels"].items()
        assert one["spec"]["selector"]["matchLabels"].items() <= labels
        assert not other["spec"]["selector"]["matchLabels"].items() <= labels


def test_the_gateways_read_the_split_from_their_key_of_the_shared_config_map() -> None:
    made = trying(weight=5)
    manifest = build_traffic(made)
    assert manifest is not None
    assert manifest["metadata"]["name"] == "kubeocr-traffic"
    assert json.loads(manifest["data"]["invoices"]) == {
        "weights": {"invoices-model-server:8080": 95, "invoices-model-server-b:8080": 5},
        "since": 60,
    }
    pod = by_name(made, "Deployment", "invoices-gateway")["spec"]["template"]["spec"]
    [volume] = [volume for volume in pod["volumes"] if "configMap" in volume]
    assert volume["configMap"]["items"] == [{"key": "invoices", "path": "traffic.json"}]
    assert "--traffic-file=/etc/kubeocr/traffic/traffic.json" in container(made, "gateway")["args"]
    assert not any(argument.startswith("--upstream") for argument in container(made, "gateway")["args"])


def test_a_split_and_a_step_are_no_change_of_the_gateways() -> None:
    templates = {
        json.dumps(by_name(made, "Deployment", "invoices-gateway")["spec"]["template"])
        for made in (trying(), trying(weight=0), trying("model-server-b"), plan(dict(CANARY)))
    }
    assert len(templates) == 1


CANARY = {"rollout": {"strategy": "Canary"}}


def test_without_a_canary_the_gateways_go_to_the_slot_that_is_stable() -> None:
    made = plan()
    assert build_traffic(made) is None
    other = replace(made, revisions=Revisions(slot="model-server-b"))
    assert "--upstream=invoices-model-server:8080" in container(made, "gateway")["args"]
    assert "--upstream=invoices-model-server-b:8080" in container(other, "gateway")["args"]
    services = [m["metadata"]["name"] for m in build(other) if m["kind"] == "Service"]
    assert services == ["invoices-model-server-b", "invoices-gateway"]


def test_a_revision_is_known_by_its_template_only() -> None:
    same = ({}, {"modelServer": {"replicas": 9}}, {"gateway": {"replicas": 9}}, {"suspend": True}, CANARY)
    assert len({revision(plan(dict(spec))) for spec in same}) == 1
    other = ({}, {"model": {"name": "fast"}}, {"modelServer": {"env": [{"name": "A", "value": "b"}]}})
    assert len({revision(plan(dict(spec))) for spec in other}) == 3
    assert policy(plan()) == policy(plan({"modelServer": {"replicas": 9}}))
    assert policy(plan()) != policy(plan({"rollout": {"progressDeadlineSeconds": 99}}))


@pytest.mark.parametrize(
    ("path", "folder"),
    [({}, "/etc/kubeocr/model"), ({"path": "receipts/v1"}, "/etc/kubeocr/model/receipts/v1")],
)
def test_an_own_model_is_mounted_read_only_and_held_to_its_digest(path: dict[str, str], folder: str) -> None:
    claim = {"persistentVolumeClaim": {"claimName": "models", **path}}
    made = plan({"model": {"name": "receipts", "source": claim, "sha256": "a" * 64}})
    server = container(made, "model-server")
    assert f"--model-dir={folder}" in server["args"]
    assert f"--model-sha256={'a' * 64}" in server["args"]
    assert {"name": "model", "mountPath": "/etc/kubeocr/model", "readOnly": True} in server["volumeMounts"]
    pods = by_name(made, "Deployment", "invoices-model-server")["spec"]["template"]["spec"]
    assert pods["volumes"][1:] == [
        {"name": "model", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}}
    ]


def test_another_digest_is_another_revision() -> None:
    def revised(digit: str) -> str:
        claim = {"persistentVolumeClaim": {"claimName": "models"}}
        return revision(plan({"model": {"name": "receipts", "source": claim, "sha256": digit * 64}}))

    assert revised("a") == revised("a") != revised("b")


def fetched(**http: Any) -> Plan:
    """The plan of a service with an own model of a server."""
    source = {"http": {"url": "https://models.example.com/receipts/", **http}}
    return plan({"model": {"name": "receipts", "source": source, "sha256": "a" * 64}})


def model_pods(made: Plan) -> dict[str, Any]:
    found: dict[str, Any] = by_name(made, "Deployment", "invoices-model-server")["spec"]["template"]["spec"]
    return found


def test_a_model_of_a_server_is_fetched_before_the_model_server_starts_which_only_reads_it() -> None:
    pods = model_pods(fetched())
    (puller,), (server,) = pods["initContainers"], pods["containers"]
    assert puller["image"] == server["image"]
    assert puller["args"] == [
        "pull",
        "--url=https://models.example.com/receipts/",
        f"--sha256={'a' * 64}",
        "--dest=/etc/kubeocr/model",
        "--timeout-seconds=120",
    ]
    folder = {"name": "model", "mountPath": "/etc/kubeocr/model"}
    assert folder in puller["volumeMounts"]
    assert {**folder, "readOnly": True} in server["volumeMounts"]
    assert {"--model-dir=/etc/kubeocr/model", f"--model-sha256={'a' * 64}"} <= {*server["args"]}
    assert pods["volumes"][1:] == [{"name": "model", "emptyDir": {"sizeLimit": "5Gi"}}]


def test_only_what_fetches_a_model_sees_the_credentials_and_only_as_files() -> None:
    of = {
        name: {"secretKeyRef": {"name": name.lower(), "key": "k"}} for name in ("authorization", "caBundle")
    }
    pods = model_pods(fetched(**of))
    (puller,), (server,) = pods["initContainers"], pods["containers"]
    assert puller["args"][-2:] == [
        "--authorization-file=/etc/kubeocr/model-authorization/k",
        "--ca-file=/etc/kubeocr/model-ca/k",
    ]
    assert [mount["name"] for mount in puller["volumeMounts"] if mount.get("readOnly")] == [
        "model-authorization",
        "model-ca",
    ]
    assert [mount["name"] for mount in server["volumeMounts"]] == ["tmp", "model"]
    assert {v["secret"]["secretName"] for v in pods["volumes"] if "secret" in v} == {
        "authorization",
        "cabundle",
    }
    assert "env" not in puller


def test_fetching_has_time_and_room_of_its_own_and_makes_no_pod_larger() -> None:
    made = plan({"model": fetched().service.spec.model.dump(), "modelServer": {"startupTimeoutSeconds": 500}})
    (puller,), (server,) = model_pods(made)["initContainers"], model_pods(made)["containers"]
    assert "--timeout-seconds=500" in puller["args"]
    assert puller["resources"] == server["resources"]
    deadline = by_name(made, "Deployment", "invoices-model-server")["spec"]["progressDeadlineSeconds"]
    assert deadline == 600 + 500 + 500


def test_another_place_of_the_same_model_is_another_revision_and_a_new_value_of_a_secret_is_none() -> None:
    key = {"authorization": {"secretKeyRef": {"name": "a", "key": "k"}}}
    assert len({revision(made) for made in (fetched(), fetched(url="https://b/"), fetched(**key))}) == 3
    assert revision(fetched(**key)) == revision(fetched(**key))


def test_a_model_of_a_server_is_fetched_in_the_slot_of_a_canary_too() -> None:
    tried = trying(model=fetched().service.spec.model.dump())
    manifest = by_name(tried, "Deployment", "invoices-model-server-b")
    assert [c["name"] for c in manifest["spec"]["template"]["spec"]["initContainers"]] == ["pull-model"]
