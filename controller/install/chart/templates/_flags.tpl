{{- /* The arguments of the controller. Numbers may come as texts and texts as numbers, as in values for Bitnami's. */ -}}
{{- define "sealed-secrets.flags" -}}
{{- $v := .Values -}}
- {{ printf "--key-prefix=%v" $v.secretName | quote }}
- --update-status={{ $v.updateStatus }}
- {{ include "sealed-secrets.fullname" . | printf "--lease-name=%s" | quote }}
- --listen-addr=:{{ $v.containerPorts.http }}
- --listen-metrics-addr=:{{ $v.containerPorts.metrics }}
{{- if $v.skipRecreate }}
- --skip-recreate
{{- end }}
{{- if $v.watchForSecrets }}
- --watch-for-secrets
{{- end }}
{{- if $v.logInfoStdout }}
- --log-info-stdout
{{- end }}
{{- if $v.requireIdentity }}
- --require-identity
{{- with $v.tokenAudiences }}
- {{ join "," . | printf "--token-audiences=%s" | quote }}
{{- end }}
{{- end }}
{{- if $v.auditLog.enabled }}
{{- /* One replica goes on with the chain of the pod before it; of several each has its own. */}}
- --audit-log=/var/lib/sealer/{{ ternary "$(POD_NAME)" "log" (gt (int $v.replicaCount) 1) }}
{{- end }}
{{- $flags := dict
  "key-renew-period" $v.keyrenewperiod
  "key-ttl" $v.keyttl
  "key-cutoff-time" $v.keycutofftime
  "rate-limit" $v.rateLimit
  "rate-limit-burst" $v.rateLimitBurst
  "privatekey-annotations" (include "sealed-secrets.pairs" $v.privateKeyAnnotations)
  "privatekey-labels" (include "sealed-secrets.pairs" $v.privateKeyLabels)
  "additional-namespaces" (join "," $v.additionalNamespaces)
  "cluster" $v.cluster
  "label-selector" $v.labelSelector
  "log-level" $v.logLevel
  "log-format" $v.logFormat
  "max-unseal-retries" $v.maxRetries
  "kubeclient-qps" $v.kubeClientQPS
  "kubeclient-burst" $v.kubeClientBurst
  "workers" $v.workers -}}
{{- range $name, $value := $flags }}
{{- if ne (toString $value) "" }}
- {{ printf "--%s=%s" $name (toString $value) | quote }}
{{- end }}
{{- end }}
{{- if not (or $v.rbac.clusterRole $v.additionalNamespaces) }}
- --all-namespaces=false
{{- end }}
{{- end -}}

{{- /* A probe. Takes a list: what is set for it, what is in its place, the path. */ -}}
{{- define "sealed-secrets.probe" -}}
{{- $set := index . 0 -}}
{{- if index . 1 -}}
{{- toYaml (index . 1) -}}
{{- else if $set.enabled -}}
httpGet:
  path: {{ index . 2 }}
  port: http
{{ toYaml (omit $set "enabled") }}
{{- end -}}
{{- end -}}
