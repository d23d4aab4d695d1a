{{/*
cel: a value as a CEL literal. Lists and maps of mixed values need `dyn`, since Kubernetes wants
literals to be of one type. JSON's escapes in texts are CEL's too.
*/}}
{{- define "secret-refresher.cel" -}}
{{- if kindIs "map" . -}}
{
{{- $comma := "" -}}
{{- range $key, $value := . -}}
{{- $comma }}{{ toJson $key }}: dyn({{ include "secret-refresher.cel" $value }})
{{- $comma = ", " -}}
{{- end -}}
}
{{- else if kindIs "slice" . -}}
[
{{- $comma := "" -}}
{{- range . -}}
{{- $comma }}dyn({{ include "secret-refresher.cel" . }})
{{- $comma = ", " -}}
{{- end -}}
]
{{- else -}}
{{- toJson . -}}
{{- end -}}
{{- end -}}
