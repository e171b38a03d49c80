{{- /* What an empty spec means: nothing is written into a spec that its user left out. */ -}}
{{- define "ocr-operator.defaults" -}}
{{ .Files.Get "files/defaults.yaml" }}
{{- end -}}

{{- /*
What the limits speak of. Each is a list of what is asked for and, when a service is changed, of what it has.
A Scale, which `kubectl scale` sends, is a spec that says one thing only.
*/ -}}
{{- define "ocr-operator.limited" -}}
{{- $defaults := include "ocr-operator.defaults" . | fromYaml -}}
- name: changed
  expression: oldObject != null
- name: specs
  expression: >-
    request.?subResource.orValue("") == "scale" ?
    [object, oldObject].map(scale, {"modelServer": {"replicas": scale.spec.?replicas.orValue(0)}}) :
    (variables.changed ? [object, oldObject] : [object]).map(service, service.?spec.orValue({}))
{{- range $part := list "gateway" "modelServer" }}
{{- $default := index $defaults $part }}
- name: {{ $part }}Pods
  expression: >-
    variables.specs.map(spec, spec.?{{ $part }}.?autoscaling.hasValue() ?
    ([spec.{{ $part }}.autoscaling.maxReplicas] +
    spec.{{ $part }}.autoscaling.?schedules.orValue([]).map(each, each.?maxReplicas.orValue(0))).max() :
    spec.?{{ $part }}.?replicas.orValue({{ $default.replicas }}))
- name: {{ $part }}Resources
  expression: 'variables.specs.map(spec, spec.?{{ $part }}.?resources.orValue({{ toJson $default.resources }}))'
- name: {{ $part }}CPU
  expression: >-
    variables.{{ $part }}Resources.map(each,
    quantity(string(each.?limits.?cpu.or(each.?requests.?cpu).orValue("0"))))
- name: {{ $part }}Memory
  expression: variables.{{ $part }}Resources.map(each, quantity(string(each.?limits.?memory.orValue("0"))))
{{- /* A limit of 0 is none for the kubelet. */}}
- name: {{ $part }}Bounded
  expression: variables.{{ $part }}Memory.map(each, each.isGreaterThan(quantity("0")))
{{- end }}
- name: canaryPods
  expression: variables.specs.map(spec, spec.?rollout.?canary.?replicas.orValue(0))
- name: serviceType
  expression: variables.specs.map(spec, spec.?expose.?service.?type.orValue({{ toJson $defaults.expose.service.type }}))
- name: ingress
  expression: variables.specs.map(spec, spec.?expose.?ingress)
- name: gatewayAPI
  expression: variables.specs.map(spec, spec.?expose.?gatewayAPI)
- name: open
  expression: >-
    variables.specs.map(spec, spec.?gateway.?auth.?type.orValue({{ toJson $defaults.gateway.auth.type }}) == "None")
- name: plain
  expression: variables.specs.map(spec, !spec.?gateway.?tls.hasValue())
- name: plainIngress
  expression: variables.ingress.map(each, each.hasValue() && !each.?tlsSecretRef.hasValue())
- name: reachable
  expression: >-
    variables.specs.map(spec, spec.?networkPolicy.?mode.orValue({{ toJson $defaults.networkPolicy.mode }}) != "Isolated")
{{- end -}}

{{- /* Each limit of the values. What was over it before may stay as it is, and come nearer. */ -}}
{{- define "ocr-operator.limits" -}}
{{- $defaults := include "ocr-operator.defaults" . | fromYaml -}}
{{- $ask := "" -}}
{{- with .Values.policy.contact }}{{ $ask = printf "; ask %s for an exception" . }}{{ end -}}
{{- with .Values.policy }}
{{- range $part, $limit := dict "gateway" .gateway "modelServer" .modelServer }}
{{- $default := index $defaults $part }}
{{- with $limit.maxReplicas }}
- expression: >-
    variables.specs[0].?{{ $part }}.?autoscaling.hasValue() || variables.{{ $part }}Pods[0] <= {{ int . }} ||
    (variables.changed && variables.{{ $part }}Pods[0] <= variables.{{ $part }}Pods[1])
  message: "spec.{{ $part }}.replicas may be at most {{ int . }} here ({{ $default.replicas }} when absent){{ $ask }}"
  reason: Forbidden
- expression: >-
    !variables.specs[0].?{{ $part }}.?autoscaling.hasValue() || variables.{{ $part }}Pods[0] <= {{ int . }} ||
    (variables.changed && variables.{{ $part }}Pods[0] <= variables.{{ $part }}Pods[1])
  message: "spec.{{ $part }}.autoscaling.maxReplicas, and that of its schedules, may be at most {{ int . }} here{{ $ask }}"
  reason: Forbidden
{{- end }}
{{- with $limit.maxCPU }}
{{- $most := toJson . | trimAll "\"" }}
- expression: >-
    !variables.{{ $part }}CPU[0].isGreaterThan(quantity("{{ $most }}")) ||
    (variables.changed && !variables.{{ $part }}CPU[0].isGreaterThan(variables.{{ $part }}CPU[1]))
  message: "spec.{{ $part }}.resources.limits.cpu, or requests.cpu without it, may be at most {{ $most }} here
    ({{ $default.resources.limits.cpu | default $default.resources.requests.cpu }} when resources is absent){{ $ask }}"
  reason: Forbidden
{{- end }}
{{- with $limit.maxMemory }}
{{- $most := toJson . | trimAll "\"" }}
- expression: >-
    (variables.{{ $part }}Bounded[0] && !variables.{{ $part }}Memory[0].isGreaterThan(quantity("{{ $most }}"))) ||
    (variables.changed && (!variables.{{ $part }}Bounded[1] || (variables.{{ $part }}Bounded[0] &&
    !variables.{{ $part }}Memory[0].isGreaterThan(variables.{{ $part }}Memory[1]))))
  message: "spec.{{ $part }}.resources.limits.memory must be set, and at most {{ $most }} here
    ({{ $default.resources.limits.memory }} when resources is absent){{ $ask }}"
  reason: Forbidden
{{- end }}
{{- end }}
{{- with .modelServer.maxReplicas }}
- expression: >-
    variables.canaryPods[0] <= {{ int . }} ||
    (variables.changed && variables.canaryPods[0] <= variables.canaryPods[1])
  message: "spec.rollout.canary.replicas may be at most {{ int . }} here{{ $ask }}"
  reason: Forbidden
{{- end }}
{{- with .serviceTypes }}
- expression: >-
    variables.serviceType[0] in {{ toJson . }} ||
    (variables.changed && variables.serviceType[0] == variables.serviceType[1])
  message: "spec.expose.service.type must be {{ join " or " . }} here ({{ $defaults.expose.service.type }} when absent){{ $ask }}"
  reason: Forbidden
{{- end }}
{{- if not .allowIngress }}
- expression: >-
    !variables.ingress[0].hasValue() || (variables.changed && variables.ingress[0] == variables.ingress[1])
  message: "spec.expose.ingress is not allowed here{{ $ask }}"
  reason: Forbidden
{{- end }}
{{- if not .allowGatewayAPI }}
- expression: >-
    !variables.gatewayAPI[0].hasValue() ||
    (variables.changed && variables.gatewayAPI[0] == variables.gatewayAPI[1])
  message: "spec.expose.gatewayAPI is not allowed here{{ $ask }}"
  reason: Forbidden
{{- end }}
{{- if .requireAuth }}
- expression: "!variables.open[0] || (variables.changed && variables.open[1])"
  message: "spec.gateway.auth.type must be APIKey or JWT here ({{ $defaults.gateway.auth.type }} when absent){{ $ask }}"
  reason: Forbidden
{{- end }}
{{- if .requireTLS }}
- expression: "!variables.plain[0] || (variables.changed && variables.plain[1])"
  message: "spec.gateway.tls must be set here{{ $ask }}"
  reason: Forbidden
- expression: "!variables.plainIngress[0] || (variables.changed && variables.plainIngress[1])"
  message: "spec.expose.ingress.tlsSecretRef must be set here{{ $ask }}"
  reason: Forbidden
{{- end }}
{{- if .requireIsolation }}
- expression: "!variables.reachable[0] || (variables.changed && variables.reachable[1])"
  message: "spec.networkPolicy.mode must be Isolated here ({{ $defaults.networkPolicy.mode }} when absent){{ $ask }}"
  reason: Forbidden
{{- end }}
{{- end }}
{{- end -}}
