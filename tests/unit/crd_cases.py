"""Specs that users write, right and wrong, and what they are told: for the models and for a real apiserver.

A path such as `modelServer.env[].name` is a member of each item of a list; `{}` stands for a map's values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """The field that is named, and a part of what the apiserver and the models say of it."""

    path: str
    server: str
    model: str


@dataclass(frozen=True)
class Case:
    """One OCRService and what becomes of it."""

    title: str
    spec: object
    refusal: Refusal | None = None
    name: str = "case"
    covers: str = field(default="", kw_only=True)

    @property
    def body(self) -> dict[str, Any]:
        """The whole object."""
        head = {"apiVersion": "kubeocr.dev/v1alpha1", "kind": "OCRService", "metadata": {"name": self.name}}
        return {**head, "spec": self.spec}


def both(path: str, says: str) -> Refusal:
    """A refusal in the same words on both sides, as CEL rules and their twins have."""
    return Refusal(path, says, says)


LABEL_VALUE = "write only A-Z, a-z, 0-9, '-', '_' and '.', with a letter or digit first and last"
LABEL_KEY = "write a key such as team or example.com/team; its name has up to 63"
AMOUNT = "write an amount such as 2, 0.5, 500m, 512Mi or 1.5Gi"
OBJECT_NAME = "write the name of an object: only a-z, 0-9, '-' and '.'"
NAME_FORM = "metadata.name must start with a letter and hold only a-z, 0-9 and '-'"
NAME_SIZE = "metadata.name may have at most 40 characters"


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
TEXTS = {
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
    "expose.service.port": (1, 65_535),
    "expose.service.nodePort": (1, 65_535),
}
BOOLEANS = ("suspend", "modelServer.runtime.warmup")
CHOICES: dict[str, tuple[str, ...]] = {
    "modelServer.runtime.mode": ("throughput", "latency"),
    "expose.service.type": ("ClusterIP", "NodePort", "LoadBalancer"),
    "observability.serviceMonitor.mode": ("Auto", "Enabled", "Disabled"),
    "observability.logLevel": ("debug", "info", "warning", "error"),
}
OBJECTS = [
    "model",
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
    "observability",
    "observability.serviceMonitor",
]
LISTS = {"modelServer.env": 32, "model.languages": 64}
MAPS = {"expose.service.annotations": 32, "observability.serviceMonitor.labels": 16}

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
    MAPS[f"{_scheduling}.nodeSelector"] = 16

# What a field needs beside it to be valid.
BESIDE: dict[str, Spec] = {
    "env[].name": {"value": "x"},
    "env[].value": {"name": "A"},
    "env[].secretKeyRef": {"name": "A"},
    "secretKeyRef.name": {"key": "token"},
    "secretKeyRef.key": {"name": "keys"},
    "tolerations[].operator": {"key": "gpu"},
    "tolerations[].value": {"key": "gpu"},
    "tolerations[].effect": {"key": "gpu"},
    "tolerations[].tolerationSeconds": {"key": "gpu", "effect": "NoExecute"},
    "service.nodePort": {"type": "NodePort"},
    "gateway.jobs": {"replicas": 1},
    "jobs.redis": {"store": "Redis"},
    "auth.secretRef": {"type": "APIKey"},
    "auth.jwt": {"type": "JWT"},
    "jwt.issuer": {"audience": "ocr", "jwksSecretRef": {"name": "jwks"}},
    "jwt.audience": {"issuer": "me", "jwksSecretRef": {"name": "jwks"}},
    "jwt.jwksSecretRef": {"issuer": "me", "audience": "ocr"},
    "ratePerClient.burst": {"requestsPerSecond": 1},
}


def at(path: str, value: object) -> Spec:
    """A spec with the value at the path, and beside it what makes the rest of the spec valid."""
    whole: Any = value
    parts = path.split(".")
    for depth in range(len(parts), 0, -1):
        name, beside = parts[depth - 1], BESIDE.get(".".join(parts[max(0, depth - 2) : depth]), {})
        if name.endswith("[]"):
            whole = [whole]
        if name.endswith("{}"):
            whole = {"key": whole}
        whole = {**beside, name.rstrip("[]{}"): whole}
    return dict(whole)


def short(value: str) -> str:
    """The value, or how long it is, for a title."""
    return repr(value) if len(value) < 30 else f"{value[:3]}... of {len(value)} characters"


def spoken(path: str) -> str:
    """The path as messages print it for the spec of `at`; only the map's name, for they differ in the key."""
    return "spec." + path.replace("[]", "[0]").removesuffix("{}")


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
    if path == "model.languages":
        return "en"
    return {"name": f"A{place}", "value": "x"} if path.endswith("env") else {"key": "x"}


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


def env(*variables: Spec) -> Spec:
    """A spec with environment variables."""
    return {"modelServer": {"env": list(variables)}}


def tolerations(toleration: Spec) -> Spec:
    """A spec with one toleration."""
    return {"gateway": {"scheduling": {"tolerations": [toleration]}}}


SOURCE = both("spec.modelServer.env[0]", "set exactly one of value and secretKeyRef")
RESERVED = both(
    "spec.modelServer.env[0]", "HOST, PORT and names that start with OCR_ are set by the operator"
)
EXISTS = both("tolerations[0]", "takes no value; remove value or write operator: Equal")
KEYLESS = both("tolerations[0]", "a toleration without key needs operator: Exists")
SECONDS = both("tolerations[0]", "tolerationSeconds needs effect: NoExecute; set the effect or remove")
NODE_PORT = both("spec.expose.service", "nodePort needs type: NodePort; set the type or remove nodePort")
SECRET = {"name": "keys", "key": "token"}


def rules() -> Iterator[Case]:
    """Rules between fields, each kept and broken in every way."""
    yield Case("a variable of a Secret", env({"name": "A", "secretKeyRef": SECRET}))
    yield Case("a variable without a source", env({"name": "A"}), SOURCE)
    yield Case("a variable with two", env({"name": "A", "value": "", "secretKeyRef": SECRET}), SOURCE)
    for name in ("HOST", "PORT", "OCR_", "OCR_MODELS_DIR"):
        yield Case(f"the reserved variable {name}", env({"name": name, "value": "x"}), RESERVED)
    for name in ("HOSTS", "host", "OCR", "MY_OCR_X"):
        yield Case(f"the free variable {name}", env({"name": name, "value": "x"}))
    twice = Refusal(
        "spec.modelServer", 'Duplicate value: {"name":"A"}', "every name in env may stand only once"
    )
    yield Case("a variable twice", env({"name": "A", "value": "x"}, {"name": "A", "value": "y"}), twice)
    yield Case("a toleration of everything", tolerations({"operator": "Exists"}))
    yield Case("a toleration of a value", tolerations({"key": "gpu", "operator": "Equal", "value": "a"}))
    yield Case("Exists with value", tolerations({"key": "a", "operator": "Exists", "value": ""}), EXISTS)
    yield Case("no key, no operator", tolerations({"value": "a"}), KEYLESS)
    yield Case("an empty toleration", tolerations({}), KEYLESS)
    yield Case("no key, but Equal", tolerations({"operator": "Equal"}), KEYLESS)
    yield Case("seconds without effect", tolerations({"key": "a", "tolerationSeconds": 0}), SECONDS)
    short = {"operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 5}
    yield Case("seconds of another effect", tolerations(short), SECONDS)
    for kind in ("ClusterIP", "LoadBalancer"):
        yield Case(
            f"nodePort of {kind}", {"expose": {"service": {"type": kind, "nodePort": 30080}}}, NODE_PORT
        )
    yield Case("nodePort without type", {"expose": {"service": {"nodePort": 30080}}}, NODE_PORT)


def auth(**members: object) -> Spec:
    """A spec with these members of auth."""
    return {"gateway": {"auth": members}}


AUTH_SECRET = both("spec.gateway.auth", "secretRef names the Secret of the keys and goes with type: APIKey")
AUTH_JWT = both("spec.gateway.auth", "jwt says which tokens are taken and goes with type: JWT")
KEYS = {"name": "keys"}
TOKENS = {"issuer": "me", "audience": "ocr", "jwksSecretRef": {"name": "jwks"}}


def protection() -> Iterator[Case]:
    """Each way of authentication has what it needs, and nothing of another's."""
    yield Case("no auth", auth(type="None"), covers="gateway.auth.type")
    yield Case("API keys", auth(type="APIKey", secretRef=KEYS))
    yield Case("tokens", auth(type="JWT", jwt=TOKENS))
    yield Case("API keys without their Secret", auth(type="APIKey"), AUTH_SECRET)
    yield Case("tokens that nothing is said of", auth(type="JWT"), AUTH_JWT)
    yield Case("a Secret of keys without type", auth(secretRef=KEYS), AUTH_SECRET)
    yield Case("a Secret of keys for nobody", auth(type="None", secretRef=KEYS), AUTH_SECRET)
    yield Case("tokens without type", auth(jwt=TOKENS), AUTH_JWT)
    yield Case("a Secret of keys beside tokens", auth(type="JWT", jwt=TOKENS, secretRef=KEYS), AUTH_SECRET)
    yield Case("tokens beside API keys", auth(type="APIKey", secretRef=KEYS, jwt=TOKENS), AUTH_JWT)
    for other in ("other", "apikey", ""):
        refusal = Refusal(
            "spec.gateway.auth.type", 'supported values: "None", "APIKey", "JWT"', "'APIKey' or 'JWT'"
        )
        yield Case(f"auth of type {other!r}", auth(type=other), refusal)


def jobs(replicas: int | None, **members: object) -> Spec:
    """A spec with these members of jobs."""
    return {"gateway": {"jobs": members, **({} if replicas is None else {"replicas": replicas})}}


JOBS_REDIS = both(
    "spec.gateway.jobs", "redis says where it is and goes with store: Redis; set both or neither"
)
JOBS_MEMORY = both("spec.gateway", "jobs in memory are known to one gateway only; set replicas: 1")
URL = {"secretKeyRef": {"name": "redis", "key": "url"}}


def stores() -> Iterator[Case]:
    """Jobs in memory are of one gateway; those in Redis say where that is."""
    yield Case("jobs in memory", jobs(1, store="Memory"), covers="gateway.jobs.store")
    yield Case("jobs in memory without saying so", jobs(1))
    yield Case("jobs in memory of no gateway", jobs(0))
    yield Case("jobs in Redis", jobs(None, store="Redis", redis=URL))
    yield Case("jobs in memory of two gateways", jobs(2, store="Memory"), JOBS_MEMORY)
    yield Case("jobs in memory of as many gateways as there are", jobs(None), JOBS_MEMORY)
    yield Case("jobs in Redis, nobody knows where", jobs(1, store="Redis"), JOBS_REDIS)
    yield Case("jobs in memory with a Redis", jobs(1, store="Memory", redis=URL), JOBS_REDIS)
    for other in ("other", "redis", ""):
        refusal = Refusal(
            "spec.gateway.jobs.store", 'supported values: "Memory", "Redis"', "'Memory' or 'Redis'"
        )
        yield Case(f"jobs in store {other!r}", jobs(1, store=other), refusal)


def required() -> Iterator[Case]:
    """The few members that must be there."""
    for path, rest in {
        "modelServer.env[].name": env({"value": "x"}),
        "modelServer.env[].secretKeyRef.name": env({"name": "A", "secretKeyRef": {"key": "token"}}),
        "modelServer.env[].secretKeyRef.key": env({"name": "A", "secretKeyRef": {"name": "keys"}}),
        "gateway.auth.secretRef.name": auth(type="APIKey", secretRef={}),
        **{
            f"gateway.auth.jwt.{name}": auth(
                type="JWT", jwt={key: value for key, value in TOKENS.items() if key != name}
            )
            for name in TOKENS
        },
        "gateway.auth.jwt.jwksSecretRef.name": auth(type="JWT", jwt={**TOKENS, "jwksSecretRef": {}}),
        "gateway.tls.secretRef": {"gateway": {"tls": {}}},
        "gateway.tls.secretRef.name": {"gateway": {"tls": {"secretRef": {}}}},
        "gateway.jobs.redis.secretKeyRef": jobs(2, store="Redis", redis={}),
        **{
            f"gateway.jobs.redis.secretKeyRef.{name}": jobs(
                2, store="Redis", redis={"secretKeyRef": {other: URL["secretKeyRef"][other]}}
            )
            for name, other in (("name", "key"), ("key", "name"))
        },
        "gateway.limits.ratePerClient.requestsPerSecond": {"gateway": {"limits": {"ratePerClient": {}}}},
    }.items():
        yield Case(f"{path} must be there", rest, Refusal(spoken(path), "Required value", "Field required"))


def whole() -> Iterator[Case]:
    """The object as a whole: its name, and a spec that says nothing or is none."""
    yield Case("a spec that says nothing", {})
    yield Case("no spec", None)
    yield Case("a spec that is a list", [], Refusal("spec", "must be of type object", "an object"))
    yield Case(
        "null is as good as absent", {"version": None, "modelServer": {"replicas": None}, "gateway": None}
    )
    yield Case("null in a map", at("gateway.scheduling.nodeSelector", {"a": None}))
    snake = Refusal("spec.model_server", 'unknown field "spec.model_server"', "unknown field")
    yield Case("a member in Python's spelling", {"model_server": {}}, snake)
    yield Case("a name of 1 character", {}, name="a")
    yield Case("a name of 40 characters", {}, name="a" * 40)
    yield Case("a name of 41 characters", {}, both("", NAME_SIZE), name="a" * 41)
    for name in ("a.b", "9a", "1"):
        yield Case(f"the name {name}", {}, both("", NAME_FORM), name=name)
    for name in ("A", "a_b", "a-", "-a"):
        refusal = Refusal("metadata.name", "a lowercase RFC 1123 subdomain must consist of", NAME_FORM)
        yield Case(f"the name {name}", {}, refusal, name=name)


CASES = (
    *texts(),
    *integers(),
    *switches_and_choices(),
    *containers(),
    *rules(),
    *protection(),
    *stores(),
    *required(),
    *whole(),
)
