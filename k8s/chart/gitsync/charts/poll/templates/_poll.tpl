{{/*
For charts of other apps: docs/kubernetes.md has the lines. Each takes the values of this chart.
*/}}

{{/* One container: an item of initContainers, or of containers if it is not native. */}}
{{- define "gitsync.container" -}}
{{- $site := printf "?repo=%s" .link -}}
{{- if .configMap }}
{{- range $part := list "options" "secretOptions" }}
{{- range $name, $_ := index $ $part }}
{{- if not (regexMatch (printf "\\b%s\\b" $name) (include "gitsync.ofTheProcess" $)) }}
{{- fail (printf "%s.%s is for one repository, and the file of config or configMap has them all: write it there" $part $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
name: poll
image: {{ printf "%s:%s" .image.repository .image.tag | quote }}
imagePullPolicy: {{ .image.pullPolicy }}
{{- if .native }}
restartPolicy: Always
{{- end }}
env:
  {{- if .configMap }}
  - name: GITSYNC_CONFIG
    value: /etc/gitsync/config/gitsync.yaml
  {{- else }}
  - name: GITSYNC_REPO
    value: {{ required "set options.repo: the URL of the repository" .options.repo | quote }}
  - name: GITSYNC_LINK
    value: {{ .link | quote }}
  {{- end }}
  - name: GITSYNC_HTTP_BIND
    value: {{ printf ":%s" (include "gitsync.text" .port) | quote }}
  {{- if .webhook.secret }}
  - name: GITSYNC_RECEIVER_SECRET_FILE
    value: /etc/gitsync/webhook/secret
  - name: GITSYNC_RECEIVER_BIND
    value: {{ printf ":%s" (include "gitsync.text" .webhook.port) | quote }}
  {{- with .webhook.peers }}
  - name: GITSYNC_PEERS
    value: {{ . | quote }}
  {{- end }}
  {{- end }}
  {{- range $name, $value := omit .options "repo" }}
  - name: {{ include "gitsync.variable" $name }}
    value: {{ include "gitsync.text" $value | quote }}
  {{- end }}
  {{- range $name, $from := .secretOptions }}
  - name: {{ include "gitsync.variable" $name }}
    valueFrom:
      secretKeyRef:
        name: {{ $from.name | quote }}
        key: {{ $from.key | quote }}
  {{- end }}
  {{- with .env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: poll-metrics
    containerPort: {{ include "gitsync.text" .port }}
  {{- if .webhook.secret }}
  - name: poll-receiver
    containerPort: {{ include "gitsync.text" .webhook.port }}
  {{- end }}
{{- if .native }}
# What comes after it starts when this succeeds.
startupProbe:
  httpGet:
    path: /readyz{{ $site }}
    port: poll-metrics
  periodSeconds: 1
  failureThreshold: {{ include "gitsync.text" .startSeconds }}
{{- end }}
readinessProbe:
  httpGet:
    path: /readyz{{ $site }}
    port: poll-metrics
  periodSeconds: 5
livenessProbe:
  httpGet:
    path: /healthz{{ ternary "" $site (not (empty .configMap)) }}
    port: poll-metrics
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
resources:
  {{- $storage := ternary (dict) (dict "requests" (dict "ephemeral-storage" .size)) (not (empty .volume)) }}
  {{- toYaml (mergeOverwrite (deepCopy $storage) .resources) | nindent 2 }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ include "gitsync.text" .user }}
  runAsGroup: {{ include "gitsync.text" .group }}
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
  seccompProfile:
    type: RuntimeDefault
volumeMounts:
  - name: poll-content
    mountPath: /git
  - name: poll-tmp
    mountPath: /tmp
  {{- if .loginSecret }}
  - name: poll-login
    mountPath: /etc/git-secret
    readOnly: true
  {{- end }}
  {{- if .configMap }}
  - name: poll-config
    mountPath: /etc/gitsync/config
    readOnly: true
  {{- end }}
  {{- if .webhook.secret }}
  - name: poll-webhook
    mountPath: /etc/gitsync/webhook
    readOnly: true
  {{- end }}
  {{- with .volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Items of volumes. Mount `poll-content` in the container that uses it, read-only. */}}
{{- define "gitsync.volumes" -}}
- name: poll-content
  {{- if .volume }}
  {{- toYaml .volume | nindent 2 }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .size }}
  {{- end }}
- name: poll-tmp
  emptyDir:
    sizeLimit: 16Mi
{{- with .configMap }}
- name: poll-config
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- /* No other container has these, and without an fsGroup 0440 would be for root alone. */}}
{{- with .loginSecret }}
- name: poll-login
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0444
{{- end }}
{{- with .webhook.secret }}
- name: poll-webhook
  secret:
    secretName: {{ . | quote }}
    optional: true
    defaultMode: 0444
{{- end }}
{{- end }}

{{/* What there may be in options beside a file of several repositories. scripts/docs writes it. */}}
{{- define "gitsync.ofTheProcess" -}}
parallel syncOnSignal httpPage httpMetrics httpPprof receiverProvider receiverSpacing receiverJitter peersSecretFile shutdownTimeout
logFormat verbose terminationLog strict addUser ssh
{{- end }}

{{/* The variable of an option. */}}
{{- define "gitsync.variable" -}}
{{ printf "GITSYNC_%s" (snakecase . | upper) }}
{{- end }}

{{/* A value as people write it: numbers are floats to Helm, and large ones would get an exponent. */}}
{{- define "gitsync.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ toString . }}{{ end -}}
{{- end }}
