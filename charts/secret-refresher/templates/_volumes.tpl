{{/* Mounts that follow from the files which tokens read. */}}

{{/*
mounted: files below one of our folders, as JSON: by entry (the folder within), the file names.
tokens; folder.
*/}}
{{- define "secret-refresher.mounted" -}}
{{- $found := dict -}}
{{- $folder := .folder -}}
{{- range .tokens -}}
  {{- range .files -}}
    {{- if hasPrefix $folder .path -}}
      {{- $rest := splitList "/" (trimPrefix $folder .path) -}}
      {{- if eq (len $rest) 2 -}}
        {{- $_ := set $found (first $rest) (append (get $found (first $rest) | default list) (last $rest) | uniq | sortAlpha) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/*
volume: one projected volume for all entries of one folder; empty where no file is read from it.
Every source is optional: what one tenant did not deliver must not hold up the others. The daemon
says which file is missing, and takes it once the kubelet has brought it.
name; tokens; folder; entries: `credentials` or `caBundles`; mode: of the files.
*/}}
{{- define "secret-refresher.volume" -}}
{{- $mounted := include "secret-refresher.mounted" . | fromJson -}}
{{- if $mounted -}}
{{- $entries := .entries -}}
name: {{ .name }}
projected:
  defaultMode: {{ .mode }}
  sources:
    {{- range $entry, $files := $mounted }}
    {{- $given := get $entries $entry | default dict }}
    {{- $keys := $given.keys | default dict }}
    {{- with $given.serviceAccountToken }}
    {{- range $file := $files }}
    - serviceAccountToken:
        audience: {{ $given.serviceAccountToken.audience | quote }}
        expirationSeconds: {{ $given.serviceAccountToken.expirationSeconds | default 3600 }}
        path: {{ printf "%s/%s" $entry $file | quote }}
    {{- end }}
    {{- else }}
    - {{ ternary "secret" "configMap" (hasKey $given "secretName") }}:
        name: {{ $given.secretName | default $given.configMapName }}
        optional: true
        items:
          {{- range $file := $files }}
          - key: {{ get $keys $file | default $file | quote }}
            path: {{ printf "%s/%s" $entry $file | quote }}
          {{- end }}
    {{- end }}
    {{- end }}
{{- end -}}
{{- end -}}

{{- define "secret-refresher.folder.config" -}}/etc/secret-refresher/config{{- end -}}
{{- define "secret-refresher.folder.credentials" -}}/etc/secret-refresher/credentials/{{- end -}}
{{- define "secret-refresher.folder.ca" -}}/etc/secret-refresher/ca/{{- end -}}
{{- define "secret-refresher.folder.output" -}}/var/run/secret-refresher{{- end -}}
