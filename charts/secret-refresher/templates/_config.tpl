{{/* The configuration as the daemon understands it, as far as objects follow from it. */}}

{{/*
layer: puts `over` over `under` into `under`, as `defaults` is read: maps merge, lists and scalars
replace, null removes, and one of two that exclude each other removes the other.
*/}}
{{- define "secret-refresher.layer" -}}
{{- $under := .under -}}
{{- range $key, $value := .over -}}
  {{- if kindIs "invalid" $value -}}
    {{- $_ := unset $under $key -}}
  {{- else -}}
    {{- $rival := get (dict "clientId" "clientIdFile" "clientIdFile" "clientId") $key -}}
    {{- if $rival -}}{{- $_ := unset $under $rival -}}{{- end -}}
    {{- if kindIs "map" $value -}}
      {{- $beneath := get $under $key -}}
      {{- $within := ternary $beneath dict (kindIs "map" $beneath) -}}
      {{- include "secret-refresher.layer" (dict "under" $within "over" $value) -}}
      {{- $_ := set $under $key $within -}}
    {{- else -}}
      {{- $_ := set $under $key $value -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/*
tokens: of a configuration, as JSON: what objects follow from, with the defaults in it and {name}
expanded. `at` is the token's place for people, `files` are read, `sinks` are written, `rollouts` are
restarted.
config; path: where the configuration stands in the values.
*/}}
{{- define "secret-refresher.tokens" -}}
{{- $found := list -}}
{{- $defaults := pick (.config.defaults | default dict) "state" "tokenUrl" "issuer" "auth" "tls" "refresh" "sinks" "notify" -}}
{{- $path := .path -}}
{{- range $index, $token := .config.tokens -}}
  {{- $both := deepCopy $defaults -}}
  {{- include "secret-refresher.layer" (dict "under" $both "over" (pick $token "name" "state" "tokenUrl" "issuer" "auth" "tls" "refresh" "sinks" "notify")) -}}
  {{- $at := printf "%s.tokens[%d]" $path $index -}}
  {{- $auth := $both.auth | default dict -}}
  {{- $files := list -}}
  {{- $absent := eq ($both.state | default "present") "absent" -}}
  {{- if not $absent -}}
    {{- $method := $auth.method | default "" -}}
    {{- if and (not $auth.clientId) (or $auth.clientIdFile (ne $method "client_assertion")) -}}
      {{- $files = append $files (dict "key" "auth.clientIdFile" "path" ($auth.clientIdFile | default "/etc/secret-refresher/credentials/{name}/client_id")) -}}
    {{- end -}}
    {{- if eq $method "private_key_jwt" -}}
      {{- $files = append $files (dict "key" "auth.privateKeyFile" "path" ($auth.privateKeyFile | default "/etc/secret-refresher/credentials/{name}/private_key")) -}}
    {{- else if eq $method "client_assertion" -}}
      {{- $files = append $files (dict "key" "auth.assertionFile" "path" ($auth.assertionFile | default "/etc/secret-refresher/credentials/{name}/assertion")) -}}
    {{- else if not (hasSuffix "tls_client_auth" $method) -}}
      {{- $files = append $files (dict "key" "auth.clientSecretFile" "path" ($auth.clientSecretFile | default "/etc/secret-refresher/credentials/{name}/client_secret")) -}}
      {{- with $auth.previousClientSecretFile -}}
        {{- $files = append $files (dict "key" "auth.previousClientSecretFile" "path" .) -}}
      {{- end -}}
    {{- end -}}
    {{- range $key, $file := pick ($both.tls | default dict) "caFile" "certFile" "keyFile" -}}
      {{- with $file -}}
        {{- $files = append $files (dict "key" (printf "tls.%s" $key) "path" .) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- range $files -}}
    {{- $_ := set . "path" (replace "{name}" $token.name .path) -}}
  {{- end -}}
  {{- $sinks := list -}}
  {{- range $number, $sink := $both.sinks -}}
    {{- $here := printf "%s.sinks[%d]" (ternary $at (printf "%s.defaults" $path) (kindIs "slice" $token.sinks)) $number -}}
    {{- if $sink.secret -}}
      {{- $secret := $sink.secret -}}
      {{- $sinks = append $sinks (dict "kind" "secret" "at" $here
            "name" (replace "{name}" $token.name $secret.name)
            "selects" (kindIs "map" $secret.namespaceSelector)
            "namespaces" ($secret.namespaces | default (list ($secret.namespace | default "")))) -}}
    {{- else if hasKey $sink "file" -}}
      {{- $file := $sink.file | default dict -}}
      {{- $sinks = append $sinks (dict "kind" "file" "at" $here
            "path" ($file.path | default "/var/run/secret-refresher/{name}" | replace "{name}" $token.name)
            "mode" ($file.mode | default "")) -}}
    {{- end -}}
  {{- end -}}
  {{- $rollouts := list -}}
  {{- range ternary list $both.notify $absent -}}
    {{- with .rollout -}}
      {{- $rollouts = append $rollouts (dict "resource" (printf "%ss" (lower .kind))
            "namespace" (.namespace | default "") "name" (replace "{name}" $token.name .name)) -}}
    {{- end -}}
  {{- end -}}
  {{- $refresh := $both.refresh | default dict -}}
  {{- $found = append $found (dict "name" $token.name "at" $at "files" $files "sinks" $sinks "rollouts" $rollouts
        "endpoint" ($both.tokenUrl | default $both.issuer | default "")
        "absent" $absent
        "latest" ($refresh.at | default 0.75)
        "deletes" (eq ($refresh.onExpired | default "keep") "delete")) -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/* source: the tokens of the token source. */}}
{{- define "secret-refresher.source" -}}
{{- include "secret-refresher.tokens" (dict "config" .Values.config "path" "config") -}}
{{- end -}}

{{/*
writesSecrets: "true" where one of the tokens (a list) goes to a Secret, or restarts a workload: the
API server is asked then. Else empty.
*/}}
{{- define "secret-refresher.writesSecrets" -}}
{{- range . -}}
  {{- range .sinks -}}{{- if eq .kind "secret" -}}true{{- end -}}{{- end -}}
  {{- range .rollouts -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/* appearance: the section `kubernetes` as JSON; this release is the owner unless another is named. */}}
{{- define "secret-refresher.appearance" -}}
{{- $section := deepCopy (.Values.config.kubernetes | default dict) -}}
{{- if not $section.owner -}}
  {{- $_ := set $section "owner" (printf "%s/%s" .Release.Namespace (include "secret-refresher.fullname" .)) -}}
{{- end -}}
{{- toJson $section -}}
{{- end -}}

{{/*
election: the section `election` as JSON, empty where there is none; Leases are called as this release
unless another name is given.
*/}}
{{- define "secret-refresher.election" -}}
{{- $section := deepCopy (.Values.config.election | default dict) -}}
{{- if and $section (not $section.name) -}}
  {{- $_ := set $section "name" (include "secret-refresher.fullname" .) -}}
{{- end -}}
{{- toJson $section -}}
{{- end -}}

{{/* port: where a configuration serves metrics and probes. */}}
{{- define "secret-refresher.port" -}}
{{- (.server | default dict).address | default ":9797" | splitList ":" | last -}}
{{- end -}}

{{/* host: the host part of that address. */}}
{{- define "secret-refresher.host" -}}
{{- (.server | default dict).address | default ":9797" | trimSuffix (include "secret-refresher.port" .) | trimSuffix ":" -}}
{{- end -}}
