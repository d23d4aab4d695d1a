{{/* Names and labels. */}}

{{- define "secret-refresher.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 53, so that what Kubernetes appends to a Deployment's name fits. */}}
{{- define "secret-refresher.fullname" -}}
{{- $name := include "secret-refresher.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The release among all of the cluster, for names without a namespace; no two can be equal. */}}
{{- define "secret-refresher.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "secret-refresher.fullname" .) -}}
{{- end -}}

{{- define "secret-refresher.serviceAccountName" -}}
{{- if or .Values.serviceAccount.name (not .Values.serviceAccount.create) -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- else -}}
{{- include "secret-refresher.fullname" . -}}
{{- end -}}
{{- end -}}

{{- define "secret-refresher.selectorLabels" -}}
app.kubernetes.io/name: {{ include "secret-refresher.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Ours stand last: a label that a selector needs cannot be replaced. */}}
{{- define "secret-refresher.labels" -}}
{{- $ours := dict
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/version" (.Chart.AppVersion | replace "+" "_")
      "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $all := merge (include "secret-refresher.selectorLabels" . | fromYaml) $ours .Values.commonLabels -}}
{{- toYaml $all -}}
{{- end -}}

{{/*
metadata: of one object.
root: the chart's scope; name; namespace: another than the release's, or "" for none; labels,
annotations: further ones.
*/}}
{{- define "secret-refresher.metadata" -}}
name: {{ .name }}
{{- if not (hasKey . "namespace") }}
namespace: {{ .root.Release.Namespace }}
{{- else if .namespace }}
namespace: {{ .namespace }}
{{- end }}
labels:
  {{- merge (include "secret-refresher.labels" .root | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "secret-refresher.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}
