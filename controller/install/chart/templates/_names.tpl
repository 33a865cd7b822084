{{- /* Names as Bitnami's chart makes them: the release's, if that already says sealed-secrets. */ -}}
{{- define "sealed-secrets.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sealed-secrets.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "sealed-secrets.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sealed-secrets.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sealed-secrets.namespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end -}}

{{- /* The name of something that is there once in a cluster, told apart from that of a release of this name elsewhere; a
colon is in no name of a namespace. Takes a list: the context, the name. */ -}}
{{- define "sealed-secrets.wide" -}}
{{- $namespace := include "sealed-secrets.namespace" (index . 0) -}}
{{- index . 1 }}{{ if ne $namespace "kube-system" }}:{{ $namespace }}{{ end }}
{{- end -}}

{{- define "sealed-secrets.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sealed-secrets.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* The claim of the audit log. */ -}}
{{- define "sealed-secrets.audit" -}}
{{- default (include "sealed-secrets.fullname" . | printf "%s-audit") .Values.auditLog.existingClaim -}}
{{- end -}}

{{- define "sealed-secrets.image" -}}
{{- $tag := toString (default .Chart.AppVersion .Values.image.tag) -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if hasPrefix "sha256:" $tag }}@{{ else }}:{{ end }}{{ $tag }}
{{- end -}}

{{- /* What the Deployment selects its pods by; it can't be changed in an upgrade, so it is Bitnami's. */ -}}
{{- define "sealed-secrets.selector" -}}
app.kubernetes.io/name: {{ include "sealed-secrets.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sealed-secrets.labels" -}}
{{- $ours := dict
  "app.kubernetes.io/name" (include "sealed-secrets.name" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/component" "controller"
  "app.kubernetes.io/part-of" "sealed-secrets"
  "helm.sh/chart" (printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version))
  "name" "sealed-secrets-controller" -}}
{{- toYaml (merge $ours .Values.commonLabels) -}}
{{- end -}}

{{- /* The metadata of an object. Takes a list: the context, the name, then whatever differs from the usual: namespace
("" for none), labels, annotations. */ -}}
{{- define "sealed-secrets.metadata" -}}
{{- $root := index . 0 -}}
{{- $more := dict -}}
{{- if gt (len .) 2 }}{{ $more = index . 2 }}{{ end -}}
{{- $annotations := merge (dict) (default (dict) $more.annotations) $root.Values.commonAnnotations -}}
{{- $namespace := include "sealed-secrets.namespace" $root -}}
{{- if hasKey $more "namespace" }}{{ $namespace = $more.namespace }}{{ end -}}
name: {{ index . 1 }}
{{- with $namespace }}
namespace: {{ . }}
{{- end }}
labels: {{- merge (include "sealed-secrets.labels" $root | fromYaml) (default (dict) $more.labels) | toYaml | nindent 2 }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "sealed-secrets.pairs" -}}
{{- $pairs := list -}}
{{- range $name, $value := . }}{{ $pairs = append $pairs (printf "%s=%s" $name (toString $value)) }}{{ end -}}
{{- join "," $pairs -}}
{{- end -}}
