{{- /* Who hears of the Applications of a project: config/argocd-notifications-cm.yaml has the triggers and the receiver. */ -}}
{{- define "kubeocr.subscriptions" -}}
notifications.argoproj.io/subscribe.on-ocr-degraded.ocr-alerts: ""
notifications.argoproj.io/subscribe.on-ocr-not-synced.ocr-alerts: ""
{{- end -}}

{{- define "kubeocr.automated" -}}
automated: {prune: {{ .prune }}, selfHeal: true}
retry:
  limit: {{ .retries }}
  refresh: true
  backoff: {duration: 5s, factor: 2, maxDuration: 3m}
{{- end -}}
