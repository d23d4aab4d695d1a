{{/*
A sidecar for another chart. That chart has this one as a dependency, sets `sidecar.config` and
`sidecar.credentials` in its values, and includes, with this chart's scope:

  {{- $refresher := index .Subcharts "secret-refresher" }}
  initContainers:
    {{- include "secret-refresher.sidecar.container" $refresher | nindent 4 }}
  containers:
    - name: app
      volumeMounts:
        {{- include "secret-refresher.sidecar.volumeMount" $refresher | nindent 8 }}
  volumes:
    {{- include "secret-refresher.sidecar.volumes" $refresher | nindent 4 }}

Each gives entries of a list. `index .Subcharts` takes the dependency's alias where it has one.
*/}}

{{- define "secret-refresher.sidecar.container" -}}
- {{ include "secret-refresher.sidecarContainer" (dict "root" . "profile" (include "secret-refresher.sidecar.profile" . | fromJson)) | nindent 2 | trim }}
{{- end -}}

{{- define "secret-refresher.sidecar.volumes" -}}
{{- include "secret-refresher.sidecarVolumes" (dict "root" . "profile" (include "secret-refresher.sidecar.profile" . | fromJson)) -}}
{{- end -}}

{{- define "secret-refresher.sidecar.volumeMount" -}}
- {{ include "secret-refresher.sidecarMount" . | nindent 2 | trim }}
{{- end -}}

{{- define "secret-refresher.sidecar.profile" -}}
{{- pick .Values.sidecar "config" "credentials" "caBundles" | toJson -}}
{{- end -}}

{{/* The application's mount. */}}
{{- define "secret-refresher.sidecarMount" -}}
name: secret-refresher
mountPath: {{ include "secret-refresher.folder.output" . }}
readOnly: true
{{- end -}}

{{/*
sidecarConfig: of a profile, with mode 0444 where a file has none: the application is likely
another user than the sidecar, and nobody outside of the pod sees the volume.
*/}}
{{- define "secret-refresher.sidecarConfig" -}}
{{- $config := deepCopy .config -}}
{{- range concat (list ($config.defaults | default dict)) ($config.tokens | default list) -}}
  {{- range .sinks -}}
    {{- if hasKey . "file" -}}
      {{- $file := .file | default dict -}}
      {{- $_ := set $file "mode" ($file.mode | default "0444") -}}
      {{- $_ := set . "file" $file -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- include "secret-refresher.yaml" $config -}}
{{- end -}}

{{/* sidecarTokens: of a profile, as JSON. */}}
{{- define "secret-refresher.sidecarTokens" -}}
{{- include "secret-refresher.tokens" (dict "config" (include "secret-refresher.sidecarConfig" . | fromYaml) "path" "config") -}}
{{- end -}}

{{/*
sidecarContainer: a native sidecar.
root; profile: config, credentials, caBundles.
*/}}
{{- define "secret-refresher.sidecarContainer" -}}
{{- $values := .root.Values.sidecar -}}
{{- $tokens := include "secret-refresher.sidecarTokens" .profile | fromJsonArray -}}
{{- $port := include "secret-refresher.port" .profile.config -}}
name: secret-refresher
image: {{ include "secret-refresher.image" .root | quote }}
{{- with .root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
restartPolicy: Always
args: [run]
env:
  - name: SECRET_REFRESHER_CONFIG_YAML
    {{- /* Kubernetes would expand $(NAME) in it, and makes $ of $$. */}}
    value: {{ include "secret-refresher.sidecarConfig" .profile | replace "$" "$$" | quote }}
  {{- with $values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: token-metrics
    containerPort: {{ $port }}
startupProbe:
  httpGet:
    path: /startupz
    port: {{ $port }}
  {{- toYaml $values.startupProbe | nindent 2 }}
livenessProbe:
  httpGet:
    path: /livez
    port: {{ $port }}
  {{- toYaml $values.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet:
    path: /freshz
    port: {{ $port }}
  {{- toYaml $values.readinessProbe | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
securityContext:
  {{- toYaml $values.securityContext | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - name: secret-refresher
    mountPath: {{ include "secret-refresher.folder.output" . }}
  {{- range $kind := list "credentials" "ca" }}
  {{- $folder := include (printf "secret-refresher.folder.%s" $kind) $ }}
  {{- if include "secret-refresher.mounted" (dict "tokens" $tokens "folder" $folder) | fromJson }}
  - name: secret-refresher-{{ $kind }}
    mountPath: {{ trimSuffix "/" $folder }}
    readOnly: true
  {{- end }}
  {{- end }}
{{- end -}}

{{/*
sidecarVolumes: a list of them. Credentials can be read by every user, since the sidecar's may be
in no group of the pod; no other container mounts them.
root; profile.
*/}}
{{- define "secret-refresher.sidecarVolumes" -}}
{{- $tokens := include "secret-refresher.sidecarTokens" .profile | fromJsonArray -}}
- name: secret-refresher
  emptyDir:
    medium: Memory
    sizeLimit: {{ .root.Values.sidecar.sizeLimit }}
{{- range $kind, $entries := dict "credentials" .profile.credentials "ca" .profile.caBundles }}
{{- with include "secret-refresher.volume" (dict
      "name" (printf "secret-refresher-%s" $kind)
      "tokens" $tokens
      "folder" (include (printf "secret-refresher.folder.%s" $kind) $)
      "entries" ($entries | default dict)
      "mode" 0444) }}
- {{ . | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end -}}
