"""Every reason that the operator gives: its meaning, the way out, and the conditions that it stands in.

docs/conditions.md is made of this. A reason that is not here is `Passed`: Kubernetes' own word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType, Self

from ocr_operator.models.manifest import HTTP_ROUTE, INGRESS, SERVICE, SERVICE_MONITOR, Kind
from ocr_operator.models.status import ConditionStatus, ConditionType

Passed = NewType("Passed", str)


class Reason(StrEnum):
    """A word of the operator's own; `remedy` is empty where there is nothing to do."""

    meaning: str
    remedy: str

    def __new__(cls, word: str, meaning: str, remedy: str = "") -> Self:
        """As written below."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning, member.remedy = meaning, remedy
        return member

    SERVING = "Serving", "Pages that are sent now are read."
    SERVING_PREVIOUS_REVISION = (
        "ServingPreviousRevision",
        "Pages are read by what ran before; the newest spec does not get there.",
        "See the reason of Stalled.",
    )
    STARTING = "Starting", "The first pods come up.", "Wait; status.components has the numbers."
    SUSPENDED = "Suspended", "spec.suspend is true: no pods run.", "Set it to false to serve."
    SCALED_TO_ZERO = "ScaledToZero", "A component has 0 replicas.", "Raise them to serve."
    AVAILABLE = "Available", "At least one pod takes requests."
    UNAVAILABLE = (
        "Unavailable",
        "No pod takes requests.",
        "Wait while Reconciling is True; else see status.lastFailure.",
    )

    IDLE = "Idle", "Nothing is being rolled out: all runs as asked, or it is Stalled."
    PROGRESSING = (
        "Progressing",
        "Pods of the newest revision come up; the message says how far it is.",
        "Wait.",
    )
    UPGRADING = (
        "Upgrading",
        "The service moves to a newer version by itself; the message says how far it is.",
        "Wait.",
    )
    COMPLETE = "Complete", "All pods are of the newest revision, and ready."
    NOT_STALLED = "NotStalled", "Nothing needs a person's hand."

    ACCEPTED = "Accepted", "The spec is one that can be run."
    INVALID_SPEC = (
        "InvalidSpec",
        "The stored spec does not fit this operator's fields, as after a roll-back of the CRD, or it and its "
        "OCRProfile contradict each other.",
        "Change or remove the field that the message names.",
    )
    PROFILE_NOT_FOUND = (
        "ProfileNotFound",
        "The OCRProfile of spec.profileRef is not in the service's namespace.",
        "Create it, or name another; the service goes on by itself when it is there.",
    )
    UNSUPPORTED_VERSION = (
        "UnsupportedVersion",
        "This operator does not run spec.version, or the version that the service has.",
        "Choose one that the message lists, or upgrade the operator.",
    )
    UNKNOWN_MODEL = (
        "UnknownModel",
        "The version's catalogue has no model spec.model.name.",
        "Choose one that the message lists.",
    )
    UNKNOWN_LANGUAGE = (
        "UnknownLanguage",
        "The model does not read one of spec.model.languages.",
        "Take it out, or choose another model.",
    )
    MODEL_NAME_TAKEN = (
        "ModelNameTaken",
        "spec.model.source is of an own model, and spec.model.name is one of the version's catalogue.",
        "Give the own model another name.",
    )
    INVALID_RESOURCES = (
        "InvalidResources",
        "A request is more than its limit, or memory is so small that a unit must be missing.",
        "Lower the request, raise the limit, or write Mi or Gi.",
    )
    INVALID_AUTOSCALING = (
        "InvalidAutoscaling",
        "A metric counts in percent of a request that is not there.",
        "Set the request that the message names.",
    )
    UNKNOWN_TIME_ZONE = (
        "UnknownTimeZone",
        "A schedule's timeZone is not in the IANA database.",
        "Write one such as Europe/Berlin.",
    )
    INVALID_NETWORK = (
        "InvalidNetwork",
        "A network or a port is none, though it looks like one.",
        "Correct the field that the message names.",
    )
    SECRET_NOT_FOUND = (
        "SecretNotFound",
        "A Secret that the spec names is not in the service's namespace.",
        "Create it, or name another; it is looked for every 15 s.",
    )
    CLAIM_NOT_FOUND = (
        "ClaimNotFound",
        "The PersistentVolumeClaim of spec.model.source is not in the service's namespace.",
        "Create it, or name another; it is looked for every 15 s.",
    )

    APPLY_REJECTED = (
        "ApplyRejected",
        "The API server refuses an object of the service: a quota, an admission policy, or a name that "
        "belongs to somebody else.",
        "The message has its words; it is tried every 15 s.",
    )
    OPERATOR_FORBIDDEN = (
        "OperatorForbidden",
        "The operator's role lacks a right.",
        "Upgrade the chart, or give the operator the right that the message names.",
    )
    FAILED_CREATE = (
        "FailedCreate",
        "Kubernetes makes no pods: a quota, a LimitRange or Pod Security refuses them.",
        "The message has its words.",
    )
    MODEL_DIGEST_MISMATCH = (
        "ModelDigestMismatch",
        "The files of the own model are not those of spec.model.sha256; no pod serves them.",
        "Bring back the files, or set spec.model.sha256 to what the message says if they are the right ones.",
    )
    MODEL_UNAVAILABLE = (
        "ModelUnavailable",
        "The server of spec.model.source.http does not give the own model's files; no new pod starts.",
        "The message says why: mend the server or the field; pods try again by themselves.",
    )
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The roll-out, or a step of a canary, did not get on within spec.rollout.progressDeadlineSeconds.",
        "The message says what it waited for; `kubectl ocr status` shows the pods.",
    )
    ANALYSIS_FAILED = (
        "AnalysisFailed",
        "The calls of a canary failed or were slow, and it was taken back.",
        "The message has the figures; change the spec, or put it back.",
    )

    ROLLED_BACK = (
        "RolledBack",
        "A canary was taken back because somebody asked for it.",
        "Put the spec back; or change it to try another one.",
    )

    ADDRESS_KNOWN = "AddressKnown", "status.address says where to send pages."
    ADDRESS_PENDING = (
        "AddressPending",
        "A load balancer, an Ingress controller or a Gateway has given no address yet.",
        "Wait, or see whether the one that the message names runs.",
    )
    CERTIFICATE_PENDING = (
        "CertificatePending",
        "The Secret of spec.expose.ingress.tlsSecretRef is not there yet.",
        "Create it, or let cert-manager by an annotation.",
    )
    ROUTE_NOT_ACCEPTED = (
        "RouteNotAccepted",
        "The Gateway refuses the HTTPRoute.",
        "The message has its words; mend the Gateway's listener or spec.expose.gatewayAPI.",
    )
    SERVICE_MISSING = "ServiceMissing", "The gateway's Service is not made yet.", "See the reason of Stalled."
    INGRESS_MISSING = "IngressMissing", "The gateway's Ingress is not made yet.", "See the reason of Stalled."
    HTTP_ROUTE_MISSING = (
        "HTTPRouteMissing",
        "The HTTPRoute is not made: yet, or because the Gateway API's CRDs are not installed.",
        "Install them, or remove spec.expose.gatewayAPI.",
    )
    SERVICE_MONITOR_MISSING = (
        "ServiceMonitorMissing",
        "The Prometheus operator's CRDs are not installed, and serviceMonitor.mode is Enabled.",
        "Install them, or set the mode to Auto.",
    )
    PRESENT = "Present", "All kinds that the spec makes use of are installed."
    OPTIONAL_MISSING = "OptionalMissing", "A kind is not installed that the service can do without."

    DISABLED = "Disabled", "The spec asks for no autoscaling."
    PENDING = "Pending", "Kubernetes has not looked at the load yet.", "Wait a minute."
    ACTIVE = "Active", "The number of pods follows the load."
    AT_MAXIMUM = (
        "AtMaximum",
        "The load asks for more pods than maxReplicas.",
        "Raise maxReplicas if the cluster has room.",
    )

    NEWEST = "Newest", "The operator has no newer version."
    NOTHING_RUNS = "NothingRuns", "No version runs yet.", "See the reason of Ready."
    MANUAL = (
        "Manual",
        "There is a newer version, and spec.upgradePolicy leaves it to its user.",
        "Set spec.version to it, or spec.upgradePolicy to Auto.",
    )
    PINNED = "Pinned", "There is a newer version, and spec.version asks for another.", "Change spec.version."
    NOT_READY = (
        "NotReady",
        "There is a newer version; the service moves when it is Ready and nothing is being rolled out.",
        "See the reason of Ready.",
    )
    WAITING = (
        "Waiting",
        "There is a newer version, and services move one at a time.",
        "Wait; where the message names a service that has failed, mend that one.",
    )

    VERSION_CHANGED = "VersionChanged", "A service moved to another version."


# Told as an Event alone.
EVENTS: Final = (Reason.VERSION_CHANGED,)
# Of a kind that is wanted and not there.
MISSING: Final[Mapping[Kind, Reason]] = {
    SERVICE: Reason.SERVICE_MISSING,
    INGRESS: Reason.INGRESS_MISSING,
    HTTP_ROUTE: Reason.HTTP_ROUTE_MISSING,
    SERVICE_MONITOR: Reason.SERVICE_MONITOR_MISSING,
}


@dataclass(frozen=True, slots=True)
class Foreign:
    """Reasons that Kubernetes gives and the operator passes on: the usual ones, with what to do."""

    about: str
    usual: Mapping[str, str]


PODS: Final = Foreign(
    "What Kubernetes says of a pod or container that fails. `status.lastFailure` has the pod, the exit code "
    "and the last words. The first eight are `Stalled`, for no waiting mends them.",
    {
        "ImagePullBackOff": "It is not there or may not be pulled: see spec.version, spec.imagePullSecrets.",
        "ErrImageNeverPull": "The image is not on the node, and may not be pulled.",
        "InvalidImageName": "The operator's operands name an image wrongly: the chart's operands.versions.",
        "CreateContainerConfigError": "A Secret lacks the key that the spec names.",
        "CreateContainerError": "The container runtime refuses the container; the message has its words.",
        "RunContainerError": "The container runtime cannot start it; the message has its words.",
        "CrashLoopBackOff": "The program ends again and again; the message has its last words.",
        "OOMKilled": "It took more than its memory limit: raise it, or lower gateway.limits.maxImagePixels.",
        "Unschedulable": "No node has room, or scheduling fits none: lower the requests, or add nodes.",
        "SchedulerError": "The scheduler failed; it tries again by itself.",
        "Evicted": "The node was short of something; the pod is replaced.",
        "Error": "The program ended with an exit code that is not 0; the message has its last words.",
    },
)
AUTOSCALERS: Final = Foreign(
    "What the HorizontalPodAutoscaler says; `kubectl describe hpa` says more.",
    {
        "FailedGetResourceMetric": "Install metrics-server if the cluster has none; new pods take a minute.",
        "FailedGetObjectMetric": "Install an adapter that serves ocr_gateway_pages_waiting, or scale by CPU.",
        "ScalingDisabled": "The Deployment has 0 replicas.",
        "FailedGetScale": "The Deployment is not there yet.",
    },
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition may say with one status."""

    reasons: tuple[Reason, ...] = ()
    passed: Foreign | None = None


REFUSED: Final = (
    Reason.INVALID_SPEC,
    Reason.PROFILE_NOT_FOUND,
    Reason.UNSUPPORTED_VERSION,
    Reason.UNKNOWN_MODEL,
    Reason.UNKNOWN_LANGUAGE,
    Reason.MODEL_NAME_TAKEN,
    Reason.INVALID_RESOURCES,
    Reason.INVALID_AUTOSCALING,
    Reason.UNKNOWN_TIME_ZONE,
    Reason.INVALID_NETWORK,
    Reason.SECRET_NOT_FOUND,
    Reason.CLAIM_NOT_FOUND,
)
STUCK: Final = (
    Reason.APPLY_REJECTED,
    Reason.OPERATOR_FORBIDDEN,
    Reason.FAILED_CREATE,
    Reason.MODEL_DIGEST_MISMATCH,
    Reason.MODEL_UNAVAILABLE,
    Reason.PROGRESS_DEADLINE_EXCEEDED,
    Reason.ANALYSIS_FAILED,
    Reason.ROLLED_BACK,
)
UNREACHABLE: Final = (
    Reason.ADDRESS_PENDING,
    Reason.CERTIFICATE_PENDING,
    Reason.ROUTE_NOT_ACCEPTED,
    Reason.SERVICE_MISSING,
    Reason.INGRESS_MISSING,
    Reason.HTTP_ROUTE_MISSING,
)
_OF_PODS: Final[Mapping[ConditionStatus, Answer]] = {
    "True": Answer((Reason.AVAILABLE,)),
    "False": Answer((Reason.UNAVAILABLE, Reason.SUSPENDED, Reason.SCALED_TO_ZERO)),
}
CONDITIONS: Final[Mapping[ConditionType, Mapping[ConditionStatus, Answer]]] = {
    "Ready": {
        "True": Answer((Reason.SERVING, Reason.SERVING_PREVIOUS_REVISION)),
        "False": Answer(
            (Reason.STARTING, Reason.SUSPENDED, Reason.SCALED_TO_ZERO, *UNREACHABLE, *REFUSED, *STUCK), PODS
        ),
    },
    "Reconciling": {"True": Answer((Reason.PROGRESSING, Reason.UPGRADING)), "False": Answer((Reason.IDLE,))},
    "Stalled": {"True": Answer((*REFUSED, *STUCK), PODS), "False": Answer((Reason.NOT_STALLED,))},
    "SpecAccepted": {"True": Answer((Reason.ACCEPTED,)), "False": Answer(REFUSED)},
    "ModelServerAvailable": _OF_PODS,
    "GatewayAvailable": _OF_PODS,
    "Exposed": {"True": Answer((Reason.ADDRESS_KNOWN,)), "False": Answer(UNREACHABLE)},
    "RolloutHealthy": {
        "True": Answer((Reason.COMPLETE, Reason.PROGRESSING)),
        "False": Answer(STUCK, PODS),
    },
    "AutoscalingActive": {
        "True": Answer((Reason.ACTIVE, Reason.AT_MAXIMUM)),
        "False": Answer((Reason.DISABLED, Reason.SUSPENDED), AUTOSCALERS),
        "Unknown": Answer((Reason.PENDING,)),
    },
    "DependenciesPresent": {
        "True": Answer((Reason.PRESENT, Reason.OPTIONAL_MISSING)),
        "False": Answer((Reason.SERVICE_MONITOR_MISSING, Reason.HTTP_ROUTE_MISSING)),
    },
    "UpToDate": {
        "True": Answer((Reason.NEWEST,)),
        "False": Answer(
            (
                Reason.MANUAL,
                Reason.PINNED,
                Reason.NOT_READY,
                Reason.WAITING,
                Reason.UNKNOWN_MODEL,
                Reason.UNKNOWN_LANGUAGE,
                Reason.MODEL_NAME_TAKEN,
            )
        ),
        "Unknown": Answer((Reason.NOTHING_RUNS,)),
    },
}
