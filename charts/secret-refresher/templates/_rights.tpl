{{/* The least rights, as `secret-refresher rbac` prints them. */}}

{{/*
rights: of tokens (a list), as JSON: by namespace, names by what is needed on them, which is written
resource|group|verbs. The namespace "" stands for the whole cluster. Where a Secret is created, read,
repaired and removed, the rights say so name by name.
root; tokens.
*/}}
{{- define "secret-refresher.rights" -}}
{{- $home := .root.Release.Namespace -}}
{{- $drift := (.root.Values.config.kubernetes | default dict).drift | default "auto" -}}
{{- /* Up to 64 Secrets are watched one by one; the pod's own namespace counts as "" here. */ -}}
{{- $targets := dict -}}
{{- $wanted := dict -}}
{{- $restarted := dict -}}
{{- range $token := .tokens -}}
  {{- range $sink := .sinks -}}
    {{- if eq .kind "secret" -}}
      {{- $verbs := list "get" "patch" -}}
      {{- if not $token.absent -}}{{- $verbs = append $verbs "create" -}}{{- end -}}
      {{- if or $sink.selects $token.absent $token.deletes -}}{{- $verbs = append $verbs "delete" -}}{{- end -}}
      {{- range $where := ternary (list "") $sink.namespaces $sink.selects -}}
        {{- $_ := set $targets (printf "%s/%s" $where $sink.name) true -}}
        {{- $namespace := ternary "" ($where | default $home) $sink.selects -}}
        {{- $names := get $wanted $namespace | default dict -}}
        {{- $_ := set $names $sink.name (concat (get $names $sink.name | default list) $verbs | uniq) -}}
        {{- $_ := set $wanted $namespace $names -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- range .rollouts -}}
    {{- $namespace := .namespace | default $home -}}
    {{- $needed := printf "%s|apps|get,patch" .resource -}}
    {{- $names := get $restarted $namespace | default dict -}}
    {{- $_ := set $names $needed (append (get $names $needed | default list) .name | uniq) -}}
    {{- $_ := set $restarted $namespace $names -}}
  {{- end -}}
{{- end -}}
{{- $election := include "secret-refresher.election" .root | fromJson -}}
{{- if $election.enabled -}}
  {{- $leases := list $election.name -}}
  {{- range $shard := untilStep 1 (int ($election.shards | default 1)) 1 -}}
    {{- $leases = append $leases (printf "%s-%d" $election.name $shard) -}}
  {{- end -}}
  {{- $namespace := $election.namespace | default $home -}}
  {{- $names := get $restarted $namespace | default dict -}}
  {{- $_ := set $names "leases|coordination.k8s.io|create,get,patch" ($leases | sortAlpha) -}}
  {{- $_ := set $restarted $namespace $names -}}
{{- end -}}
{{- $watched := and (eq $drift "auto") (le (len $targets) 64) -}}
{{- $rights := dict -}}
{{- range $namespace := concat (keys $wanted) (keys $restarted) | uniq -}}
  {{- $alike := get $restarted $namespace | default dict -}}
  {{- range $name, $verbs := get $wanted $namespace | default dict -}}
    {{- $key := ternary (concat $verbs (list "list" "watch")) $verbs $watched | uniq | sortAlpha | join "," | printf "secrets||%s" -}}
    {{- $_ := set $alike $key (append (get $alike $key | default list) $name) -}}
  {{- end -}}
  {{- $_ := set $rights $namespace $alike -}}
{{- end -}}
{{- toJson $rights -}}
{{- end -}}

{{/*
rules: of one namespace.
root; namespace; names: by what is needed on them, as above.
*/}}
{{- define "secret-refresher.rules" -}}
{{- $secrets := false }}
{{- range $needed, $names := .names }}
{{- $parts := splitList "|" $needed }}
{{- if eq (first $parts) "secrets" }}{{- $secrets = true }}{{- end }}
- apiGroups: [{{ index $parts 1 | quote }}]
  resources: [{{ first $parts }}]
  resourceNames:
    {{- toYaml $names | nindent 4 }}
  verbs: [{{ last $parts | splitList "," | join ", " }}]
{{- end }}
{{- if and $secrets (eq ((.root.Values.config.kubernetes | default dict).drift | default "auto") "namespace") }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- end }}
{{- if not .namespace }}
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
{{- end }}
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}
