"""Prints the part of Argo CD's ConfigMap argocd-cm that KubeOCR needs: `make generate` writes argocd-cm.yaml.

The Lua stands in Argo CD's own layout, `resource_customizations/GROUP/KIND/health.lua`, its tests beside it.
"""

from __future__ import annotations

from pathlib import Path

HEAD = """\
# Written by `make generate` from resource_customizations/; applied beside what else argocd-cm holds.
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels:
    app.kubernetes.io/name: argocd-cm
    app.kubernetes.io/part-of: argocd
data:
  # Argo CD's default. By label, what the operator makes would seem to be Argo CD's.
  application.resourceTrackingMethod: annotation"""


def manifest(customizations: Path) -> str:
    """The ConfigMap as YAML, with the Lua as it is."""
    lines = [HEAD]
    for script in sorted(customizations.glob("*/*/health.lua")):
        group, kind = script.parts[-3:-1]
        lines.append(f"  resource.customizations.health.{group}_{kind}: |")
        lines += [f"    {line}".rstrip() for line in script.read_text().splitlines()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(manifest(Path(__file__).with_name("resource_customizations")))
