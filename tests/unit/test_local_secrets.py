"""Secrets of the user's file without a cluster: read strictly, kept as private files, given to programs."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ocr_operator.cluster.local.manifests import ManifestError, parse
from ocr_operator.cluster.local.processes import Place, environment, localised, mounts
from ocr_operator.cluster.local.secrets import SecretFolders
from ocr_operator.cluster.local.store import Store
from ocr_operator.models.manifest import SECRET, Ref
from ocr_operator.models.service import Key

SERVICE = "apiVersion: kubeocr.dev/v1alpha1\nkind: OCRService\nmetadata: {name: a}\n"
HEAD = "---\napiVersion: v1\nkind: Secret\n"
KEYS = Ref(SECRET, "papers", "keys")


def holding(data: dict[str, str]) -> dict[str, Any]:
    text = "".join(f"\n  {name}: {value!r}" for name, value in data.items()) or " {}"
    found = parse(f"{SERVICE}{HEAD}metadata: {{name: keys, namespace: papers}}\nstringData:{text}\n", "f")
    return dict(found.secrets[Key("papers", "keys")])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(clock=lambda: datetime.now(UTC))
    SecretFolders(made, lambda namespace: tmp_path / namespace)
    return made


def test_plain_text_wins_over_base64_as_at_the_api_server() -> None:
    text = f"{SERVICE}{HEAD}metadata: {{name: s}}\ndata: {{a: b2xk, b: YmVl}}\nstringData: {{a: new}}\n"
    (secret,) = parse(text, "f").secrets.values()
    assert secret["data"] == {"a": "bmV3", "b": "YmVl"}
    assert secret["metadata"] == {"name": "s", "namespace": "default"}


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("metadata: {name: s}\ndata: {a: '%hidden%'}\n", "data.a: "),
        ("metadata: {name: s}\nstringData: {../a: hidden}\n", "write a key of the Secret"),
        ("metadata: {name: s}\nstringData: {a: 1}\n", "stringData.a: "),
        ("metadata: {name: s}\nstringdata: {a: hidden}\n", "stringdata: "),
        ("metadata: {name: ../s}\n", "metadata.name: "),
        ("metadata: {name: s, namespace: ../s}\n", "metadata.namespace: "),
        (f"metadata: {{name: s}}\n{HEAD}metadata: {{name: s}}\n", "Secret default/s is there twice"),
    ],
)
def test_a_wrong_secret_is_refused_by_field_and_without_its_value(rest: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(SERVICE + HEAD + rest, "f")
    assert said in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_secret_is_a_folder_of_private_files_that_follows_it(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "papers" / "keys"
    store.put(holding({"one": "1", "two": "2"}), manager="user")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"one": "1", "two": "2"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    store.put(holding({"two": "3"}), manager="user")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"two": "3"}
    store.remove(KEYS)
    assert not folder.exists()


def test_a_mounted_secret_is_found_by_its_path_on_this_host() -> None:
    pod = {
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "tls", "secret": {"secretName": "web"}}],
        "containers": [
            {
                "volumeMounts": [
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a pod's
                    {"name": "tls", "mountPath": "/etc/kubeocr/tls"},
                ]
            }
        ],
    }
    folders = mounts(pod, Place("pod", 1, Path("/endpoints"), Path("/secrets")))
    assert localised("--tls-key-file=/etc/kubeocr/tls/tls.key", folders) == (
        "--tls-key-file=/secrets/web/tls.key"
    )
    assert localised("--host=/tmp", folders) == "--host=/tmp"


def test_a_variable_takes_its_value_from_the_secret(store: Store, tmp_path: Path) -> None:
    store.put(holding({"word": "abc"}), manager="user")
    place = Place("pod", 1, tmp_path, tmp_path / "papers")

    def values(key: str) -> dict[str, str]:
        source = {"secretKeyRef": {"name": "keys", "key": key}}
        return environment({"env": [{"name": "WORD", "valueFrom": source}]}, place)

    assert values("word")["WORD"] == "abc"
    with pytest.raises(FileNotFoundError, match="couldn't find key other in Secret papers/keys"):
        values("other")
