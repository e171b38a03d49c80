#!/usr/bin/env bash
# Brings KubeOCR to the cluster of kubectl's current context by Argo CD. From then on, commits do everything.
#
#   argocd/bootstrap.sh                      with the Argo CD in the namespace argocd
#   argocd/bootstrap.sh --install v3.2.11    install that version of Argo CD first, or a manifest from a file
#
# It can run again at any time. Exit status: 0 all is synced and healthy, 1 it is not, 2 usage, or something is missing.
set -euo pipefail
cd "$(dirname "$0")"

fail() {
  echo "error: $*" >&2
  exit 2
}

manifest=""
case "${1:-} $#" in
  " 0") ;;
  "--install 2") manifest=$2 ;;
  *) fail "usage: argocd/bootstrap.sh [--install VERSION|FILE]" ;;
esac
if grep --quiet 'git\.example\.com' root.yaml; then
  fail "argocd/root.yaml: put your repository's address in the place of git.example.com, and push that"
fi

apply() {
  kubectl apply --namespace argocd --server-side "$@"
}

if [[ $manifest ]]; then
  if [[ ! -f $manifest ]]; then
    manifest="https://raw.githubusercontent.com/argoproj/argo-cd/$manifest/manifests/install.yaml"
  fi
  kubectl create namespace argocd --dry-run=client --output=yaml | kubectl apply --server-side --filename=-
elif ! kubectl get crd applications.argoproj.io applicationsets.argoproj.io appprojects.argoproj.io >/dev/null; then
  fail "no Argo CD in this cluster: --install VERSION installs it"
fi
# Before Argo CD starts, so that it starts with them.
apply --field-manager=kubeocr --filename=config
if [[ $manifest ]]; then
  apply --filename="$manifest"
  kubectl wait --for=condition=Established --timeout=60s \
    crd/applications.argoproj.io crd/applicationsets.argoproj.io crd/appprojects.argoproj.io
fi
apply --field-manager=kubeocr --filename=root.yaml

# Argo CD does not track CRDs, so their events refresh no Application: by itself it sees at its next poll, minutes later,
# that this one is established. The operator is the wave after it.
for _ in {1..60}; do
  kubectl wait --namespace argocd application/ocr-operator --for=create --timeout=5s 2>/dev/null && break
  kubectl annotate --namespace argocd --overwrite application/ocr-crds argocd.argoproj.io/refresh=normal 2>/dev/null || true
done

status=0
for state in sync.status=Synced health.status=Healthy; do
  kubectl wait --namespace argocd application/ocr-root --for="jsonpath={.status.${state%=*}}=${state#*=}" \
    --timeout=10m || status=1
done
kubectl get applications --namespace argocd
exit "$status"
