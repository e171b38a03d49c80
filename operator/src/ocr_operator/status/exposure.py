"""Where clients send pages: by the Ingress or the HTTPRoute that is there, else by the gateway's Service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocr_operator.desired.deployment import SERVICE_PORTS
from ocr_operator.models.manifest import HTTP_ROUTE, INGRESS, OPTIONAL_KINDS, SERVICE, Kind, Manifest
from ocr_operator.models.names import GATEWAY
from ocr_operator.models.reasons import MISSING, Reason
from ocr_operator.status.observation import Observation


@dataclass(frozen=True, slots=True)
class Exposure:
    """The base of the gateway's paths; without one, what is waited for."""

    url: str | None
    reason: Reason
    message: str


def exposure(seen: Observation) -> Exposure:
    """Where to send pages. What a refused spec left running is still the way."""
    if ingress := seen.child(INGRESS, GATEWAY):
        return _of_ingress(ingress, seen)
    if route := seen.child(HTTP_ROUTE, GATEWAY):
        return _of_route(route, seen)
    expose = seen.service.spec.expose
    if expose.ingress is not None and not seen.refusals:
        return _missing(INGRESS, seen)
    if expose.gateway_api is not None and not seen.refusals:
        return _missing(HTTP_ROUTE, seen)
    return _of_service(service) if (service := seen.child(SERVICE, GATEWAY)) else _missing(SERVICE, seen)


def _known(url: str) -> Exposure:
    return Exposure(url, Reason.ADDRESS_KNOWN, f"send pages to {url}")


def _pending(message: str) -> Exposure:
    return Exposure(None, Reason.ADDRESS_PENDING, message)


def _missing(kind: Kind, seen: Observation) -> Exposure:
    lacking = kind in OPTIONAL_KINDS and kind not in seen.served
    says = (
        f"the CRD of {kind.kind} is not installed"
        if lacking
        else f"the gateway's {kind.kind} does not exist yet"
    )
    return Exposure(None, MISSING[kind], says)


def _of_ingress(ingress: Manifest, seen: Observation) -> Exposure:
    spec = ingress["spec"]
    name, tls = ingress["metadata"]["name"], spec.get("tls") or ()
    for secret in (each["secretName"] for each in tls):
        if secret in seen.missing_secrets:
            says = (
                f"no Secret {secret} in this namespace yet; create it, or let cert-manager by an annotation"
            )
            return Exposure(None, Reason.CERTIFICATE_PENDING, f"spec.expose.ingress.tlsSecretRef: {says}")
    if not _addresses(ingress):
        return _pending(
            f"no controller has given Ingress {name} an address yet; is one running for its class?"
        )
    return _known(f"{'https' if tls else 'http'}://{spec['rules'][0]['host']}")


def _of_route(route: Manifest, seen: Observation) -> Exposure:
    name = route["metadata"]["name"]
    answers = [_answer(route, parent) for parent in (route.get("status") or {}).get("parents") or ()]
    if any(answer.accepted for answer in answers):
        asked = seen.service.spec.expose.gateway_api
        scheme = "https" if asked is None else asked.protocol.lower()
        return _known(f"{scheme}://{route['spec']['hostnames'][0]}")
    refused = [answer.refused for answer in answers if answer.refused]
    if refused:
        return Exposure(None, Reason.ROUTE_NOT_ACCEPTED, f"HTTPRoute {name}: {refused[0]}")
    return _pending(
        f"no Gateway has taken HTTPRoute {name} yet; does spec.expose.gatewayAPI name one that runs?"
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a Gateway says of a route as it is now."""

    accepted: bool
    refused: str | None


def _answer(route: Manifest, parent: dict[str, Any]) -> _Answer:
    """https://gateway-api.sigs.k8s.io/reference/spec/#gateway.networking.k8s.io/v1.RouteParentStatus."""
    generation = route["metadata"].get("generation", 0)
    said = {
        condition["type"]: condition
        for condition in parent.get("conditions") or ()
        if condition.get("observedGeneration", generation) >= generation
    }
    for kind in ("Accepted", "ResolvedRefs"):
        if (condition := said.get(kind, {})).get("status") == "False":
            words = f"{condition['reason']}: {condition['message']}"
            return _Answer(accepted=False, refused=f"Gateway {parent['parentRef']['name']} says {words}")
    return _Answer(accepted=said.get("Accepted", {}).get("status") == "True", refused=None)


def _of_service(service: Manifest) -> Exposure:
    """The load balancer's address, else the name that pods of the cluster resolve."""
    metadata, spec = service["metadata"], service["spec"]
    scheme, port = spec["ports"][0]["name"], spec["ports"][0]["port"]
    if addresses := _addresses(service):
        host = addresses[0].get("hostname") or addresses[0]["ip"]
        port = (addresses[0].get("ports") or [{"port": port}])[0]["port"]
    elif spec.get("type") == "LoadBalancer":
        return _pending("the load balancer has given no address yet")
    else:
        host = f"{metadata['name']}.{metadata['namespace']}.svc"
    return _known(f"{scheme}://{host}" + ("" if port == SERVICE_PORTS[scheme] else f":{port}"))


def _addresses(balanced: Manifest) -> list[dict[str, Any]]:
    """Where a load balancer or a controller lets a Service's or an Ingress' traffic in."""
    return list(((balanced.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ())
