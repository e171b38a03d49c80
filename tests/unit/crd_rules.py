"""Rules between fields, each kept and broken."""

from collections.abc import Iterator

from tests.unit.crd_case import Case, Refusal, Spec, both, spoken


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


LOAD_BALANCER = both(
    "spec.expose.service", "loadBalancerClass and loadBalancerSourceRanges need type: LoadBalancer"
)
EXTERNAL = both("spec.expose.service", "externalTrafficPolicy needs type: NodePort or LoadBalancer")


def service(**members: object) -> Spec:
    """A spec with these members of expose.service."""
    return {"expose": {"service": members}}


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
    for kind in ("ClusterIP", "NodePort"):
        for member in ({"loadBalancerClass": "a/b"}, {"loadBalancerSourceRanges": ["10.0.0.0/8"]}):
            yield Case(f"{next(iter(member))} of {kind}", service(type=kind, **member), LOAD_BALANCER)
    yield Case("no source ranges of a ClusterIP", service(loadBalancerSourceRanges=[]))
    yield Case("externalTrafficPolicy without type", service(externalTrafficPolicy="Local"), EXTERNAL)
    yield Case(
        "externalTrafficPolicy of a load balancer",
        service(type="LoadBalancer", externalTrafficPolicy="Local"),
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


def policy(**members: object) -> Spec:
    """A spec with these members of networkPolicy."""
    return {"networkPolicy": members}


PEER = both("[0]", "a peer is either an ipBlock or a namespaceSelector, a podSelector or both")
EGRESS = both("spec.networkPolicy.extraEgress[0]", "say to whom or on which ports, or both")


def peers() -> Iterator[Case]:
    """A peer is one thing, and a rule says something."""
    block, every = {"cidr": "10.0.0.0/8"}, {"matchLabels": {"a": "b"}}
    for title, peer in {
        "a network": {"ipBlock": block},
        "every namespace": {"namespaceSelector": {}},
        "pods of every namespace": {"namespaceSelector": {}, "podSelector": every},
    }.items():
        yield Case(f"a peer that is {title}", policy(ingressFrom=[peer]))
        yield Case(
            f"a peer that is {title} and nobody for metrics", policy(ingressFrom=[peer], metricsFrom=[])
        )
    for title, peer in {
        "nothing": {},
        "a network and a namespace": {"ipBlock": block, "namespaceSelector": {}},
        "a network and pods": {"ipBlock": block, "podSelector": every},
    }.items():
        yield Case(f"a peer that is {title}", policy(metricsFrom=[peer]), PEER)
    yield Case("everything on one port", policy(extraEgress=[{"ports": [{"port": 443}]}]))
    yield Case("one network on every port", policy(extraEgress=[{"to": [{"ipBlock": block}], "ports": []}]))
    yield Case("egress of no words", policy(extraEgress=[{}]), EGRESS)
    yield Case("egress of empty words", policy(extraEgress=[{"to": [], "ports": []}]), EGRESS)


EDGE = {"parentRefs": [{"name": "edge"}], "hostnames": ["ocr.example.com"]}
ROUTE = both("spec.expose.gatewayAPI", "name at least one Gateway in parentRefs and one host in hostnames")
ONE_WAY = both("spec.expose", "ingress and gatewayAPI are two ways of the same; set one of them")


def ways_in() -> Iterator[Case]:
    """One way in, and it leads somewhere."""
    yield Case("an Ingress", {"expose": {"ingress": {"host": "a.b"}}})
    yield Case("a route", {"expose": {"gatewayAPI": EDGE}}, covers="expose.gatewayAPI")
    both_ways = {"ingress": {"host": "a.b"}, "gatewayAPI": EDGE}
    yield Case("an Ingress and a route", {"expose": both_ways}, ONE_WAY)
    for member in EDGE:
        yield Case(f"a route of no {member}", {"expose": {"gatewayAPI": {**EDGE, member: []}}}, ROUTE)


NOT_YOURS = (
    "kubectl.kubernetes.io/, kubeocr.dev/, pod-template-hash are not yours to set; choose another name"
)


def pods() -> Iterator[Case]:
    """What is on pods of ours stays ours."""
    for name in ("podLabels", "podAnnotations"):
        for key in (
            "cluster-autoscaler.kubernetes.io/safe-to-evict",
            "sidecar.istio.io/inject",
            "kubeocr.dev",
        ):
            yield Case(f"{name} of {key}", {"gateway": {name: {key: "true"}}})
        for key in (
            "app.kubernetes.io/name",
            "kubeocr.dev/service",
            "kubectl.kubernetes.io/default-container",
            "pod-template-hash",
            "container.apparmor.security.beta.kubernetes.io/gateway",
        ):
            refusal = both(f"spec.modelServer.{name}", NOT_YOURS)
            yield Case(f"{name} of {key}", {"modelServer": {name: {key: "x"}}}, refusal)
    twice = Refusal("spec", 'Duplicate value: {"name":"a"}', "may stand only once")
    yield Case("a pull Secret twice", {"imagePullSecrets": [{"name": "a"}, {"name": "a"}]}, twice)


def canary(*weights: int, **rollout: object) -> Spec:
    """A spec with a canary of these weights."""
    steps = {"steps": [{"weight": weight} for weight in weights]}
    return {"rollout": {"strategy": "Canary", "canary": steps, **rollout}}


RISE = both("spec.rollout.canary", "steps needs at least one entry, and each a greater weight than the one")
STRATEGY = both("spec.rollout", "canary goes with strategy: Canary; set the strategy or remove canary")


def rollouts() -> Iterator[Case]:
    """A canary has its strategy, and weights that rise."""
    yield Case("a canary as it comes", {"rollout": {"strategy": "Canary"}}, covers="rollout.strategy")
    yield Case("a rolling update", {"rollout": {"strategy": "RollingUpdate"}})
    yield Case("a canary of one step", canary(99))
    yield Case("a canary of eight steps", canary(1, 2, 5, 10, 25, 50, 75, 99))
    yield Case("a canary without steps", canary(), RISE)
    yield Case("a canary that falls", canary(10, 5), RISE)
    yield Case("a canary that stays", canary(5, 5), RISE)
    yield Case("a canary that nobody runs", canary(5, strategy="RollingUpdate"), STRATEGY)
    yield Case("a canary without strategy", {"rollout": {"canary": {}}}, STRATEGY)
    for other in ("other", "canary", ""):
        refusal = Refusal(
            "spec.rollout.strategy",
            'supported values: "RollingUpdate", "Canary"',
            "'RollingUpdate' or 'Canary'",
        )
        yield Case(f"a roll-out by {other!r}", {"rollout": {"strategy": other}}, refusal)


MOVING_PIN = both("spec", "remove version, or set upgradePolicy: Manual")


HTTP: Spec = {"http": {"url": "https://models.example.com/receipts/"}}
ONE_PLACE = both("spec.model.source", "set exactly one of persistentVolumeClaim and http")
CLAIM: Spec = {"persistentVolumeClaim": {"claimName": "models"}}
OWN = both("spec.model", "source says where an own model is, and sha256 which one it must be; set both")


def own_models() -> Iterator[Case]:
    """An own model is somewhere, and held to its digest."""
    yield Case("an own model", {"model": {"name": "receipts", "source": CLAIM, "sha256": "0" * 64}})
    yield Case(
        "an own model of a server", {"model": {"name": "receipts", "source": HTTP, "sha256": "0" * 64}}
    )
    for title, source in (("nowhere", {}), ("at two places", {**CLAIM, **HTTP})):
        yield Case(f"an own model {title}", {"model": {"source": source, "sha256": "0" * 64}}, ONE_PLACE)
    yield Case("an own model of any digest", {"model": {"name": "receipts", "source": CLAIM}}, OWN)
    yield Case("a digest of the catalogue's", {"model": {"sha256": "0" * 64}}, OWN)


def versions() -> Iterator[Case]:
    """A version is pinned or moves."""
    yield Case("a pinned version", {"version": "0.1.0", "upgradePolicy": "Manual"})
    yield Case("a version that moves", {"upgradePolicy": "Auto"})
    yield Case("a pinned version that moves", {"version": "0.1.0", "upgradePolicy": "Auto"}, MOVING_PIN)


def required() -> Iterator[Case]:
    """The few members that must be there."""
    for path, rest in {
        "profileRef.name": {"profileRef": {}},
        "modelServer.env[].name": env({"value": "x"}),
        "modelServer.env[].secretKeyRef.name": env({"name": "A", "secretKeyRef": {"key": "token"}}),
        "modelServer.env[].secretKeyRef.key": env({"name": "A", "secretKeyRef": {"name": "keys"}}),
        "model.source.http.url": {"model": {"source": {"http": {}}, "sha256": "0" * 64}},
        **{
            f"model.source.http.{name}.secretKeyRef": {
                "model": {"source": {"http": {**HTTP["http"], name: {}}}, "sha256": "0" * 64}
            }
            for name in ("authorization", "caBundle")
        },
        "model.source.persistentVolumeClaim.claimName": {
            "model": {"source": {"persistentVolumeClaim": {}}, "sha256": "0" * 64}
        },
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
        "networkPolicy.ingressFrom[].ipBlock.cidr": policy(ingressFrom=[{"ipBlock": {}}]),
        "networkPolicy.extraEgress[].ports[].port": policy(extraEgress=[{"ports": [{}]}]),
        "imagePullSecrets[].name": {"imagePullSecrets": [{}]},
        "expose.ingress.host": {"expose": {"ingress": {}}},
        "expose.ingress.tlsSecretRef.name": {"expose": {"ingress": {"host": "a.b", "tlsSecretRef": {}}}},
        "expose.gatewayAPI.parentRefs[].name": {"expose": {"gatewayAPI": {**EDGE, "parentRefs": [{}]}}},
        **{
            f"expose.gatewayAPI.{name}": {"expose": {"gatewayAPI": {other: EDGE[other]}}}
            for name, other in (("parentRefs", "hostnames"), ("hostnames", "parentRefs"))
        },
        "rollout.canary.steps[].weight": {
            "rollout": {"strategy": "Canary", "canary": {"steps": [{"pauseSeconds": 1}]}}
        },
        "gateway.limits.ratePerClient.requestsPerSecond": {"gateway": {"limits": {"ratePerClient": {}}}},
    }.items():
        yield Case(f"{path} must be there", rest, Refusal(spoken(path), "Required value", "Field required"))
