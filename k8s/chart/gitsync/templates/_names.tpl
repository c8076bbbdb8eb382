{{/* The name of everything: that of the release. */}}
{{- define "gitsync.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* What finds the pods. */}}
{{- define "gitsync.selector" -}}
app.kubernetes.io/name: gitsync
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gitsync.labels" -}}
{{ include "gitsync.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* Whether there are replicas that tell each other of webhooks. */}}
{{- define "gitsync.peers" -}}
{{- if and .Values.poll.webhook.secret (not .Values.poll.webhook.peers) (gt (int .Values.replicas) 1) }}true{{ end -}}
{{- end }}

{{/* The values of the sidecar, which is told where the other replicas and the file of its repositories are. */}}
{{- define "gitsync.poll" -}}
{{- $values := deepCopy .Values.poll }}
{{- if .Values.config }}
{{- if $values.configMap }}
{{- fail "config and poll.configMap are given: leave one of them out" }}
{{- end }}
{{- $_ := set $values "configMap" (printf "%s-config" (include "gitsync.name" .)) }}
{{- end }}
{{- if include "gitsync.peers" . }}
{{- $peers := printf "%s-peers:%s" (include "gitsync.name" .) (include "gitsync.text" .Values.poll.webhook.port) }}
{{- $_ := set $values.webhook "peers" $peers }}
{{- end }}
{{- toYaml $values }}
{{- end }}

{{/* An Ingress: "values" of it, the "path" and its "type", and the "backend" with its "port". */}}
{{- define "gitsync.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ .backend }}
  labels:
    {{- include "gitsync.labels" .root | nindent 4 }}
  {{- with .values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .values.className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  {{- if .values.tlsSecret }}
  tls:
    - hosts:
        - {{ .values.host | quote }}
      secretName: {{ .values.tlsSecret | quote }}
  {{- end }}
  rules:
    - host: {{ required (printf "set %s.host" .title) .values.host | quote }}
      http:
        paths:
          - path: {{ .path }}
            pathType: {{ .type }}
            backend:
              service:
                name: {{ .backend }}
                port:
                  name: {{ .port }}
{{- end }}
