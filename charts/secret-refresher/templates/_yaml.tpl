{{/*
yaml: a value as YAML that every reader understands alike. Helm's own `toYaml` leaves words plain
that YAML 1.1, which Python reads, takes for something else: = and << and 1e-06.
*/}}
{{- define "secret-refresher.yaml" -}}
{{- include "secret-refresher.yaml.block" . | trimPrefix "\n" -}}
{{- end -}}

{{/* A mapping or a list begins with a new line, and anything else with a blank. */}}
{{- define "secret-refresher.yaml.block" -}}
{{- if and (kindIs "map" .) . -}}
{{- range $key, $value := . }}
{{ include "secret-refresher.yaml.text" $key }}:{{ include "secret-refresher.yaml.block" $value | replace "\n" "\n  " }}
{{- end -}}
{{- else if and (kindIs "slice" .) . -}}
{{- range . }}
- {{ include "secret-refresher.yaml.block" . | replace "\n" "\n  " | trim }}
{{- end -}}
{{- else if kindIs "string" . }} {{ include "secret-refresher.yaml.text" . -}}
{{- else }} {{ toJson . -}}
{{- end -}}
{{- end -}}

{{- define "secret-refresher.yaml.text" -}}
{{- if and (regexMatch "^[A-Za-z]([-A-Za-z0-9_./]*[A-Za-z0-9])?$" .) (not (regexMatch "^(?i)(y|n|yes|no|on|off|true|false|null)$" .)) -}}
{{- . -}}
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
