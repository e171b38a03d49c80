#!/usr/bin/env bash
# Shows what a change would do to the cluster: everything that Argo CD syncs, rendered at two commits and compared.
#
#   argocd/diff.sh origin/main          what HEAD changes
#   argocd/diff.sh origin/main BRANCH
#
# Exit status, as of diff: 0 nothing changes, 1 something does, 2 usage, or one of the two cannot be rendered.
set -euo pipefail
cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel)"

if [[ $# -lt 1 || $# -gt 2 ]]; then
  echo "usage: argocd/diff.sh BASE [HEAD]" >&2
  exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Everything of one commit, as files in a folder.
render() {
  local tree="$folder/tree-$2" out="$folder/$2"
  mkdir -p "$tree" "$out" \
    && git archive "$1" argocd charts crds | tar --extract --directory="$tree" \
    && cp -r "$tree/argocd/root.yaml" "$tree/argocd/config" "$tree/argocd/services" "$tree/crds" "$out" \
    && helm template ocr-root "$tree/argocd/apps" --namespace argocd \
      --set repository=REPOSITORY,revision=REVISION >"$out/apps.yaml" \
    && helm template ocr-operator "$tree/charts/ocr-operator" --namespace ocr-system --skip-tests \
      --values "$tree/argocd/operator-values.yaml" --set crds.install=false >"$out/operator.yaml"
}

for side in "base $1" "head ${2:-HEAD}"; do
  if ! render "${side#* }" "${side%% *}"; then
    echo "error: ${side#* } cannot be rendered" >&2
    exit 2
  fi
done
cd "$folder"
diff --recursive --new-file --unified base head
