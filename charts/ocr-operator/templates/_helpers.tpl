{{- define "ocr-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ocr-operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* The pod of `helm test`, which is none of the operator's. */ -}}
{{- define "ocr-operator.test-selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ocr-operator.pod-labels" -}}
{{ include "ocr-operator.selector" . }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: kubeocr
{{- range $key, $value := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io|helm\\.sh)/" $key }}
{{- fail (printf "commonLabels: %s is the chart's own label; take a prefix of yours" $key) }}
{{- end }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "ocr-operator.labels" -}}
{{ include "ocr-operator.pod-labels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "ocr-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "ocr-operator.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.create is false: set serviceAccount.name to an existing ServiceAccount" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* NAME of an image in the registry of the values. */ -}}
{{- define "ocr-operator.in-registry" -}}
{{- $values := index . 0 -}}
{{- $name := index . 1 -}}
{{- if $values.registry -}}{{ trimSuffix "/" $values.registry }}/{{ end -}}{{ $name }}
{{- end -}}

{{- define "ocr-operator.image" -}}
{{- $image := .Values.image -}}
{{- $name := include "ocr-operator.in-registry" (list .Values $image.repository) -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "ocr-operator.pod-security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ocr-operator.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* The chart's operand versions, less those that the values replace, and the values' own. */ -}}
{{- define "ocr-operator.operands" -}}
{{- $packaged := .Files.Get "files/operands.yaml" | fromYaml -}}
{{- $own := list -}}
{{- range .Values.operands.versions -}}
{{- if has .version $own }}{{ fail (printf "operands.versions: %s is there twice" .version) }}{{ end -}}
{{- $own = append $own .version -}}
{{- end -}}
{{- $versions := list -}}
{{- range $packaged.versions -}}
{{- if not (has .version $own) -}}
{{- $gateway := include "ocr-operator.in-registry" (list $.Values .gateway) -}}
{{- $modelServer := include "ocr-operator.in-registry" (list $.Values .modelServer) -}}
{{- $versions = append $versions (merge (dict "gateway" $gateway "modelServer" $modelServer) .) -}}
{{- end -}}
{{- end -}}
{{- $versions = concat $versions .Values.operands.versions -}}
{{- $default := .Values.operands.default | default $packaged.default -}}
{{- $names := list -}}
{{- range $versions }}{{ $names = append $names .version }}{{ end -}}
{{- if not (has $default $names) -}}
{{- fail (printf "operands.default: %s is none of the versions %s" $default (join ", " $names)) -}}
{{- end -}}
{{- toYaml (dict "default" $default "versions" $versions) -}}
{{- end -}}

{{- /* What the operator does in the namespaces that it works in; no more. */ -}}
{{- define "ocr-operator.rules" -}}
- apiGroups: [kubeocr.dev]
  resources: [ocrservices, ocrprofiles]
  verbs: [get, list, watch]
- apiGroups: [kubeocr.dev]
  resources: [ocrservices/status]
  verbs: [patch]
# Owner references with blockOwnerDeletion need it where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [kubeocr.dev]
  resources: [ocrservices/finalizers]
  verbs: [update]
# Server-side apply is a patch, and a create where there is no object yet.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies, ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [servicemonitors]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# Only whether a Secret or a claim is there: metadata is asked for, never a Secret's content.
- apiGroups: [""]
  resources: [secrets, persistentvolumeclaims]
  verbs: [get]
# How gateways divide requests while a canary is tried; no other ConfigMap can be read or changed.
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [kubeocr-traffic]
  verbs: [get, create, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- /* The groups of files/rules as YAML, without the alerts that are disabled. */ -}}
{{- define "ocr-operator.rule-groups" -}}
{{- $values := .Values.prometheusRule -}}
{{- $alerts := list -}}
{{- $groups := list -}}
{{- range $path, $content := .Files.Glob "files/rules/*.yaml" -}}
{{- range (toString $content | fromYaml).groups -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- if .alert }}{{ $alerts = append $alerts .alert }}{{ end -}}
{{- if and .alert $values.runbookBaseURL -}}
{{- $_ := set .annotations "runbook_url" (printf "%s/%s" (trimSuffix "/" $values.runbookBaseURL) (base .annotations.runbook_url)) -}}
{{- end -}}
{{- if not (has .alert $values.disabledAlerts) }}{{ $rules = append $rules . }}{{ end -}}
{{- end -}}
{{- if $rules }}{{ $groups = append $groups (merge (dict "rules" $rules) .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $values.disabledAlerts -}}
{{- if not (has . $alerts) -}}
{{- fail (printf "prometheusRule.disabledAlerts: %s is none of the alerts %s" . (join ", " $alerts)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $groups -}}
{{- end -}}
