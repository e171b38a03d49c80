"""Every field by itself: what it takes, its limits, and the words of a refusal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.unit import crd_autoscaling
from tests.unit.crd_case import Case, Refusal, at, both, short, spoken

LABEL_VALUE = "write only A-Z, a-z, 0-9, '-', '_' and '.', with a letter or digit first and last"
LABEL_KEY = "write a key such as team or example.com/team; its name has up to 63"
AMOUNT = "write an amount such as 2, 0.5, 500m, 512Mi or 1.5Gi"
OBJECT_NAME = "write the name of an object: only a-z, 0-9, '-' and '.'"


@dataclass(frozen=True)
class Text:
    """A string field: what it takes, what it refuses and with which words, and its greatest length."""

    good: Sequence[str]
    bad: Sequence[str]
    says: str
    longest: int


KEY = Text(
    ("team", "Team_1.x", "example.com/team", "a" * 63, f"{'a' * 253}/{'b' * 63}"),
    (
        "",
        "-team",
        "team-",
        "a b",
        "example.com/",
        "/team",
        "a/b/c",
        "a..b/c",
        "A.com/x",
        "a" * 64,
        "é",
        "a\n",
    ),
    LABEL_KEY,
    317,
)
VALUE = Text(("", "x", "A-b_c.d", "9"), ("-x", "x-", "a b", "a/b", "é", "x\n"), LABEL_VALUE, 63)
NAME = Text(
    ("a", "high", "a.b-c", "9"), ("", "-a", "a-", "A", "a..b", ".a", "a.", "a_b", "a\n"), OBJECT_NAME, 253
)
CLAIM = Text(
    ("https://login.example.com/", "ocr", "a'b"),
    ("", "a b", "é", "$(HOST)", "a\n"),
    "write it as in the tokens: visible ASCII without spaces and without '$'",
    512,
)
SECRET_KEY = Text(
    ("token", ".dockerconfigjson", "A_b-c.d"),
    ("", ".", "..", "..a", "a/b", "a b", "é"),
    "write a key of the Secret: only A-Z, a-z, 0-9, '-', '_' and '.'",
    253,
)
QUANTITY = Text(
    ("1", "0.5", "500m", "512Mi", "1.5Gi", "2k", "0"),
    ("", "-1", "+1", "1.", ".5", "1 Gi", "1GB", "1e3", "many", "1Gi\n"),
    AMOUNT,
    32,
)
NETWORK = Text(
    ("10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::ffff:10.0.0.0/104"),
    ("", "10.0.0.0", "10.0.0.0/", "example.com/8", "fe80::1%eth0/64", "10.0.0.0/8\n"),
    "write a network such as 10.0.0.0/8 or fd00::/8",
    49,
)
HOST = Text(
    ("ocr.example.com", "a", "1.b-c.d9"),
    ("", "10.0.0.1", "*.example.com", "ocr.example.com:443", "OCR.example.com", "a..b", "-a", "a.", "a\n"),
    "write a host name such as ocr.example.com: no address, no port, no wildcard",
    253,
)
ZONE = Text(
    ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"),
    ("", "/UTC", "Europe/", "../etc/passwd", "Europe Berlin", "é", "UTC\n"),
    "write a time zone of the IANA database, such as Europe/Berlin or UTC",
    64,
)
SCHEDULE_NAME = Text(
    ("office", "a", "9-to-5"),
    ("", "Office", "-a", "a-", "a_b", "a b", "a\n"),
    "write only a-z, 0-9 and '-', with a letter or digit first and last",
    63,
)
START = Text(
    ("00:00", "08:30", "23:59"),
    ("", "8:00", "24:00", "08:60", "0800", "8 am"),
    "write hours and minutes in quotes, such as 08:00",
    5,
)
END = Text(
    ("00:00", "18:30", "24:00"),
    ("", "6:00", "24:01", "25:00", "18.30", "6 pm"),
    "write hours and minutes in quotes, such as 18:00 or 24:00",
    5,
)
TEXTS = {
    "profileRef.name": NAME,
    "imagePullSecrets[].name": NAME,
    "expose.service.loadBalancerClass": KEY,
    "expose.service.loadBalancerSourceRanges[]": NETWORK,
    "expose.ingress.className": NAME,
    "expose.ingress.host": HOST,
    "expose.ingress.tlsSecretRef.name": NAME,
    "expose.ingress.annotations{}": Text(("", "any thing: é\n"), (), "", 4096),
    "expose.gatewayAPI.parentRefs[].name": NAME,
    "expose.gatewayAPI.parentRefs[].namespace": Text(
        ("a", "9-b"), ("", "a.b", "A", "-a", "a-", "a\n"), "write the name of a namespace", 63
    ),
    "expose.gatewayAPI.parentRefs[].sectionName": NAME,
    "expose.gatewayAPI.hostnames[]": HOST,
    "version": Text(
        ("0.1.0", "10.20.30", "1.2.3-rc.1"),
        ("", "1", "1.2", "v1.2.3", "1.2.3-", "1.2.3+x", "latest", "1.2.3\n"),
        "write a version such as 0.1.0 or 0.2.0-rc.1, in quotes",
        64,
    ),
    "model.name": Text(
        ("balanced", "a", "ppocr-v4.1"),
        ("", "PPOCR", "a_b", "-a", "a-", "a/b", "a b"),
        "write the name of a catalogue entry, such as balanced",
        63,
    ),
    "model.languages[]": Text(
        ("en", "zh-Hant", "fil"),
        ("", "EN", "e", "engl", "zh-hant", "zh_Hant", "de-AT", "en,de", "é"),
        "write a language, such as en, or one with its script, such as zh-Hant",
        8,
    ),
    "model.source.persistentVolumeClaim.claimName": NAME,
    "model.source.persistentVolumeClaim.path": Text(
        ("a", "models/receipts", "v1.2/A_b-c", "_"),
        ("", "/models", "models/", "a//b", "..", "a/../b", ".hidden", "a b", "$(HOST)", "é", "a\n"),
        "write a folder such as models/receipts",
        512,
    ),
    "model.source.http.url": Text(
        (
            "https://models.example.com",
            "https://models.example.com/receipts/v1.2/",
            "https://10.0.0.1:8443/a%20b/~c",
            "https://[fd00::1]:443/m",
        ),
        (
            "",
            "http://models.example.com/",
            "HTTPS://models.example.com/",
            "models.example.com",
            "https://",
            "https:///models/",
            "https://user:pass@models.example.com/",
            "https://a:0/",
            "https://a/?token=x",
            "https://a/#x",
            "https://a/$(HOST)",
            "https://a/b c",
            "https://é/",
            "https://a/\n",
        ),
        "write the folder's URL, such as https://models.example.com/receipts/: no user, no query",
        2048,
    ),
    "model.source.http.authorization.secretKeyRef.name": NAME,
    "model.source.http.authorization.secretKeyRef.key": SECRET_KEY,
    "model.source.http.caBundle.secretKeyRef.name": NAME,
    "model.source.http.caBundle.secretKeyRef.key": SECRET_KEY,
    "model.sha256": Text(
        ("0" * 64, "0123456789abcdef" * 4),
        ("", "0" * 63, "A" * 64, "sha256:" + "0" * 57, "g" * 64),
        "write the 64 hex digits that ocr-modelserver digest DIR prints",
        64,
    ),
    "modelServer.env[].name": Text(
        ("LOG_FORMAT", "_", "a1"),
        ("", "1A", "A-B", "A.B", "A B", "É"),
        "write only A-Z, a-z, 0-9 and '_', and no digit first, such as LOG_FORMAT",
        128,
    ),
    "modelServer.env[].value": Text(("", "any thing: é\n"), (), "", 4096),
    "modelServer.env[].secretKeyRef.name": NAME,
    "modelServer.env[].secretKeyRef.key": SECRET_KEY,
    "gateway.auth.secretRef.name": NAME,
    "gateway.auth.jwt.issuer": CLAIM,
    "gateway.auth.jwt.audience": CLAIM,
    "gateway.auth.jwt.jwksSecretRef.name": NAME,
    "gateway.tls.secretRef.name": NAME,
    "gateway.jobs.redis.secretKeyRef.name": NAME,
    "gateway.jobs.redis.secretKeyRef.key": SECRET_KEY,
    "expose.service.annotations{}": Text(("", "any thing: é\n"), (), "", 4096),
    "observability.serviceMonitor.labels{}": VALUE,
    "observability.tracing.endpoint": Text(
        ("http://collector.observability:4318", "https://[fd00::1]:4318/otlp", "https://a.example.com/x?y=z"),
        (
            "",
            "collector:4318",
            "grpc://a:4317",
            "http://",
            "http://a b",
            "http://a/$(HOST)",
            "http://a/é",
            "http://a:",
            "http://a:b",
            "http://a:0",
            "http://fd00::1",
        ),
        "write the collector's URL for OTLP over HTTP",
        512,
    ),
    "observability.tracing.sampleRatio": Text(
        ("0", "1", "0.1", "0.0625", "1.0"),
        ("", "2", "1.1", ".5", "0,5", "-0.1", "10%", "1e-1"),
        "write a number from 0 to 1 in quotes",
        8,
    ),
    "rollout.canary.analysis.maxErrorRate": Text(
        ("0%", "1%", "0.25%", "99.9%", "100%"),
        ("", "1", "101%", "100.5%", "-1%", ".5%", "1 %", "0,5%", "1%\n"),
        "write a part of the requests in quotes, such as '1%' or '0.5%'",
        8,
    ),
    "observability.serviceMonitor.interval": Text(
        ("1s", "30s", "9999m"),
        ("", "0s", "30", "1h", "1.5s", "30 s", "10000s", "-1s"),
        "write seconds or minutes, such as 30s or 2m",
        16,
    ),
}
INTEGERS = {
    "modelServer.replicas": (0, 1000),
    "modelServer.runtime.threads": (0, 128),
    "modelServer.runtime.maxQueue": (1, 1024),
    "modelServer.startupTimeoutSeconds": (10, 3600),
    "gateway.replicas": (0, 100),
    "gateway.limits.maxBodyBytes": (1024, 2**30),
    "gateway.limits.maxPages": (1, 2000),
    "gateway.limits.maxImagePixels": (10_000, 200_000_000),
    "gateway.limits.requestTimeoutSeconds": (1, 900),
    "gateway.limits.ratePerClient.requestsPerSecond": (1, 10_000),
    "gateway.limits.ratePerClient.burst": (1, 100_000),
    "gateway.jobs.ttlSeconds": (60, 86_400),
    "gateway.jobs.timeoutSeconds": (1, 86_400),
    "gateway.jobs.maxJobs": (1, 100_000),
    "gateway.drainSeconds": (0, 300),
    "rollout.canary.replicas": (1, 1000),
    "rollout.canary.steps[].weight": (1, 99),
    "rollout.canary.steps[].pauseSeconds": (0, 86_400),
    "rollout.canary.analysis.maxP99Ms": (1, 60_000),
    "rollout.canary.analysis.minSamples": (1, 1_000_000),
    "rollout.progressDeadlineSeconds": (10, 86_400),
    "expose.service.port": (1, 65_535),
    "expose.service.nodePort": (1, 65_535),
    "networkPolicy.extraEgress[].ports[].port": (1, 65_535),
}
BOOLEANS = ("suspend", "modelServer.runtime.warmup")
CHOICES: dict[str, tuple[str, ...]] = {
    "upgradePolicy": ("Manual", "Auto"),
    "modelServer.autoscaling.metrics[].type": crd_autoscaling.METRICS,
    "modelServer.runtime.mode": ("throughput", "latency"),
    "expose.service.type": ("ClusterIP", "NodePort", "LoadBalancer"),
    "expose.service.externalTrafficPolicy": ("Cluster", "Local"),
    "expose.gatewayAPI.protocol": ("HTTPS", "HTTP"),
    "networkPolicy.mode": ("Isolated", "Disabled"),
    "networkPolicy.extraEgress[].ports[].protocol": ("TCP", "UDP", "SCTP"),
    "observability.serviceMonitor.mode": ("Auto", "Enabled", "Disabled"),
    "observability.logLevel": ("debug", "info", "warning", "error"),
}
OBJECTS = [
    "profileRef",
    "model",
    "model.source",
    "model.source.persistentVolumeClaim",
    "model.source.http",
    "model.source.http.authorization",
    "model.source.http.authorization.secretKeyRef",
    "model.source.http.caBundle",
    "model.source.http.caBundle.secretKeyRef",
    "modelServer",
    "modelServer.runtime",
    "modelServer.env[]",
    "modelServer.env[].secretKeyRef",
    "gateway",
    "gateway.limits",
    "gateway.limits.ratePerClient",
    "gateway.auth",
    "gateway.auth.secretRef",
    "gateway.auth.jwt",
    "gateway.auth.jwt.jwksSecretRef",
    "gateway.tls",
    "gateway.tls.secretRef",
    "gateway.jobs",
    "gateway.jobs.redis",
    "gateway.jobs.redis.secretKeyRef",
    "expose",
    "expose.service",
    "expose.ingress",
    "expose.ingress.tlsSecretRef",
    "expose.gatewayAPI",
    "expose.gatewayAPI.parentRefs[]",
    "imagePullSecrets[]",
    "networkPolicy",
    "networkPolicy.extraEgress[]",
    "networkPolicy.extraEgress[].ports[]",
    "rollout",
    "rollout.canary",
    "rollout.canary.steps[]",
    "rollout.canary.analysis",
    "observability",
    "observability.serviceMonitor",
    "observability.tracing",
]
LISTS = {
    "modelServer.autoscaling.metrics": 3,
    "modelServer.env": 32,
    "model.languages": 64,
    "imagePullSecrets": 8,
    "rollout.canary.steps": 8,
    "expose.service.loadBalancerSourceRanges": 16,
    "expose.gatewayAPI.parentRefs": 8,
    "expose.gatewayAPI.hostnames": 16,
    "networkPolicy.extraEgress": 16,
    "networkPolicy.extraEgress[].ports": 16,
}
MAPS = {
    "expose.service.annotations": 32,
    "expose.ingress.annotations": 32,
    "observability.serviceMonitor.labels": 16,
}

# Gateway and model server have these in common.
for _component in ("modelServer", "gateway"):
    _scheduling = f"{_component}.scheduling"
    _tolerations = f"{_scheduling}.tolerations"
    TEXTS |= {
        f"{_component}.resources.{kind}.{resource}": QUANTITY
        for kind in ("requests", "limits")
        for resource in ("cpu", "memory")
    }
    TEXTS |= {
        f"{_scheduling}.nodeSelector{{}}": VALUE,
        f"{_scheduling}.priorityClassName": NAME,
        f"{_scheduling}.runtimeClassName": NAME,
        f"{_component}.podLabels{{}}": VALUE,
        f"{_component}.podAnnotations{{}}": Text(("", "any thing: é\n"), (), "", 4096),
        f"{_tolerations}[].key": KEY,
        f"{_tolerations}[].value": VALUE,
    }
    INTEGERS[f"{_tolerations}[].tolerationSeconds"] = (0, 86_400)
    CHOICES |= {
        f"{_scheduling}.topologySpread": ("None", "Host", "Zone"),
        f"{_tolerations}[].operator": ("Exists", "Equal"),
        f"{_tolerations}[].effect": ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    }
    OBJECTS += [f"{_component}.resources", f"{_component}.resources.requests"]
    OBJECTS += [f"{_component}.resources.limits", _scheduling, f"{_tolerations}[]"]
    LISTS[_tolerations] = 16
    MAPS |= {
        f"{_scheduling}.nodeSelector": 16,
        f"{_component}.podLabels": 16,
        f"{_component}.podAnnotations": 32,
    }
    _autoscaling = f"{_component}.autoscaling"
    TEXTS |= {
        f"{_autoscaling}.schedules[].name": SCHEDULE_NAME,
        f"{_autoscaling}.schedules[].timeZone": ZONE,
        f"{_autoscaling}.schedules[].start": START,
        f"{_autoscaling}.schedules[].end": END,
    }
    INTEGERS |= {f"{_autoscaling}.{name}": limits for name, limits in crd_autoscaling.INTEGERS.items()}
    CHOICES[f"{_autoscaling}.schedules[].days[]"] = crd_autoscaling.DAYS
    OBJECTS += [_autoscaling, *(f"{_autoscaling}.{name}" for name in crd_autoscaling.OBJECTS)]
    LISTS |= {f"{_autoscaling}.schedules": 16, f"{_autoscaling}.schedules[].days": 7}

# Wherever peers are named.
for _peers in (
    "networkPolicy.ingressFrom",
    "networkPolicy.metricsFrom",
    "networkPolicy.extraEgress[].to",
    "gateway.jobs.redis.egressTo",
):
    LISTS |= {_peers: 16, f"{_peers}[].ipBlock.except": 16}
    TEXTS |= {f"{_peers}[].ipBlock.cidr": NETWORK, f"{_peers}[].ipBlock.except[]": NETWORK}
    OBJECTS += [f"{_peers}[]", f"{_peers}[].ipBlock"]
    for _selector in (f"{_peers}[].namespaceSelector", f"{_peers}[].podSelector"):
        OBJECTS.append(_selector)
        TEXTS[f"{_selector}.matchLabels{{}}"] = VALUE
        MAPS[f"{_selector}.matchLabels"] = 16

ITEMS: dict[str, object] = {
    "languages": "en",
    "tolerations": {"key": "x"},
    "extraEgress": {"ports": [{"port": 1}]},
    "ports": {"port": 1},
    "except": "10.1.0.0/16",
    "loadBalancerSourceRanges": "10.0.0.0/8",
    "parentRefs": {"name": "edge"},
    "hostnames": "ocr.example.com",
    **{name: {"podSelector": {}} for name in ("ingressFrom", "metricsFrom", "to", "egressTo")},
}


def wrong_type(path: str, value: object, server: str, model: str) -> Case:
    """A refusal because of the value's type."""
    refusal = Refusal(spoken(path), f"must be of type {server}", f"Input should be {model}")
    return Case(f"{path} is refused as {value!r}", at(path, value), refusal)


def texts() -> Iterator[Case]:
    """Strings: each good and bad value, the lengths around the limit, a number."""
    for path, text in TEXTS.items():
        for value in text.good:
            yield Case(f"{path} takes {short(value)}", at(path, value), covers=path)
        for value in text.bad:
            yield Case(f"{path} refuses {short(value)}", at(path, value), both(spoken(path), text.says))
        limit = f"at most {text.longest} characters"
        too_long = Refusal(spoken(path), f"may not be more than {text.longest} bytes", limit)
        yield Case(
            f"{path} refuses {text.longest + 1} characters", at(path, "1" * (text.longest + 1)), too_long
        )
        if text is QUANTITY:
            yield Case(f"{path} takes a number", at(path, 2))
            yield Case(f"{path} refuses a negative number", at(path, -1), both(spoken(path), text.says))
            yield wrong_type(path, 1.5, "integer,string", "a valid string")
            yield wrong_type(path, True, "integer,string", "a valid string")
        else:
            yield wrong_type(path, 1, "string", "a valid string")


def integers() -> Iterator[Case]:
    """Integers: the bounds, one beyond them, other types."""
    for path, (least, most) in INTEGERS.items():
        yield Case(f"{path} takes {least}", at(path, least), covers=path)
        yield Case(f"{path} takes {most}", at(path, most))
        low, high = f"greater than or equal to {least}", f"less than or equal to {most}"
        yield Case(f"{path} refuses {least - 1}", at(path, least - 1), both(spoken(path), low))
        yield Case(f"{path} refuses {most + 1}", at(path, most + 1), both(spoken(path), high))
        for value in (str(least), least + 0.5, True):
            yield wrong_type(path, value, "integer", "a valid integer")


def switches_and_choices() -> Iterator[Case]:
    """Booleans and enumerations: every value, and one that is none."""
    for path in BOOLEANS:
        yield Case(f"{path} takes true", at(path, True), covers=path)
        yield Case(f"{path} takes false", at(path, False))
        for value in ("true", 1):
            yield wrong_type(path, value, "boolean", "a valid boolean")
    for path, choices in CHOICES.items():
        for choice in choices:
            yield Case(f"{path} takes {choice}", at(path, choice), covers=path)
        for other in ("other", choices[0].swapcase(), ""):
            known = " or ".join(f"'{choice}'" for choice in choices[-2:])
            listed = ", ".join(f'"{choice}"' for choice in choices)
            refusal = Refusal(spoken(path), f"supported values: {listed}", known)
            yield Case(f"{path} refuses {other!r}", at(path, other), refusal)


def _item(path: str, place: int) -> object:
    """A member of the list."""
    if ".autoscaling." in path:
        return crd_autoscaling.item(path, place)
    if path == "rollout.canary.steps":
        return {"weight": place + 1}
    if path.endswith("env"):
        return {"name": f"A{place}", "value": "x"}
    return {"name": f"a{place}"} if path == "imagePullSecrets" else ITEMS[path.rpartition(".")[2]]


def containers() -> Iterator[Case]:
    """Objects, lists and maps: unknown members, other types, one too many."""
    for path in OBJECTS:
        where = f"{spoken(path)}.surprise"
        unknown = Refusal(where, f'unknown field "{where}"', "unknown field")
        yield Case(f"{path} refuses an unknown member", at(path, {"surprise": 1}), unknown, covers=path)
        yield wrong_type(path, "text", "object", "an object")
        yield wrong_type(path, [], "object", "an object")
    for path, most in LISTS.items():
        items = [_item(path, place) for place in range(most + 1)]
        yield Case(f"{path} takes {most} items", at(path, items[:-1]), covers=path)
        more = Refusal(spoken(path), f"must have at most {most} items", f"at most {most} items")
        yield Case(f"{path} refuses {most + 1} items", at(path, items), more)
        yield wrong_type(path, {}, "array", "a valid array")
        if isinstance(items[0], dict):
            yield wrong_type(f"{path}[]", None, "object", "an object")
    for path, most in MAPS.items():
        values = {f"key-{i}": "x" for i in range(most)}
        yield Case(f"{path} takes {most} members", at(path, values), covers=path)
        more = Refusal(spoken(path), f"must have at most {most} items", f"at most {most} items")
        yield Case(f"{path} refuses {most + 1} members", at(path, {**values, "another": "x"}), more)
        yield wrong_type(path, [], "object", "an object")
        for key in KEY.good:
            yield Case(f"{path} takes the key {short(key)}", at(path, {key: "x"}))
        for key in KEY.bad:
            yield Case(
                f"{path} refuses the key {short(key)}", at(path, {key: "x"}), both(spoken(path), LABEL_KEY)
            )
