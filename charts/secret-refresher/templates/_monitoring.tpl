{{/* job: by which alerts and dashboard know the release, with whichever monitor. */}}
{{- define "secret-refresher.job" -}}
{{- include "secret-refresher.fullname" . -}}
{{- end -}}

{{/*
endpoint: what both monitors say of it.
root; monitor: `serviceMonitor` or `podMonitor` of the values.
*/}}
{{- define "secret-refresher.endpoint" -}}
port: metrics
path: /metrics
{{- with .monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with .monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
relabelings:
  - targetLabel: job
    replacement: {{ include "secret-refresher.job" .root }}
  {{- with .monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
