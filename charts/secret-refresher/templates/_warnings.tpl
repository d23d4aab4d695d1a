{{/*
warnings: what only run time can know, or what was left out, for NOTES.
root; tokens.
*/}}
{{- define "secret-refresher.warnings" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $tokens := .tokens -}}
{{- $home := .root.Release.Namespace -}}
{{- $folder := include "secret-refresher.folder.credentials" . -}}
{{- $mounted := include "secret-refresher.mounted" (dict "tokens" $tokens "folder" $folder) | fromJson -}}
{{- /* Where there is no cluster to ask, nothing is missing. */ -}}
{{- $live := and $values.lookup ($root.Capabilities.APIVersions.Has "v1/Pod") -}}
{{- range $entry, $files := $mounted -}}
  {{- $given := get $values.credentials $entry -}}
  {{- if and $live $given.secretName -}}
    {{- $secret := lookup "v1" "Secret" $home $given.secretName -}}
    {{- if $secret -}}
      {{- range $file := $files -}}
        {{- $key := get ($given.keys | default dict) $file | default $file -}}
        {{- if not (hasKey ($secret.data | default dict) $key) -}}
          {{- printf "\n\nWARNING: credentials.%s: Secret %s has no key %s; its tokens wait for it." $entry $given.secretName $key -}}
        {{- end -}}
      {{- end -}}
    {{- else -}}
      {{- printf "\n\nWARNING: credentials.%s: there is no Secret %s in namespace %s yet; its tokens wait for it." $entry $given.secretName $home -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- range $entry, $_ := $values.credentials -}}
  {{- if not (hasKey $mounted $entry) -}}
    {{- printf "\n\nWARNING: credentials.%s: is read by no token, and so not mounted." $entry -}}
  {{- end -}}
{{- end -}}
{{- $bundles := include "secret-refresher.mounted" (dict "tokens" $tokens "folder" (include "secret-refresher.folder.ca" .)) | fromJson -}}
{{- range $entry, $_ := $values.caBundles -}}
  {{- if not (hasKey $bundles $entry) -}}
    {{- printf "\n\nWARNING: caBundles.%s: is read by no token, and so not mounted." $entry -}}
  {{- end -}}
{{- end -}}
{{- if and (not $values.rbac.create) (include "secret-refresher.writesSecrets" $tokens) -}}
  {{- printf "\n\nWARNING: rbac.create is false: ServiceAccount %s has no rights until somebody grants them. What it needs:\n  kubectl -n %s get configmap %s -o jsonpath='{.data.config\\.yaml}' > config.yaml\n  secret-refresher rbac --config config.yaml --service-account %s --namespace %s"
        (include "secret-refresher.serviceAccountName" $root) $home (include "secret-refresher.fullname" $root)
        (include "secret-refresher.serviceAccountName" $root) $home -}}
  {{- range (include "secret-refresher.absentNamespaces" . | fromJsonArray) -}}
    {{- printf "\n\nWARNING: %s.secret: namespace %s does not exist yet; its Secret waits for it." .at .namespace -}}
  {{- end -}}
{{- end -}}
{{- if and $live $values.injection.profiles (include "secret-refresher.canInject" $root) -}}
  {{- $mine := printf "inject.%s" (include "secret-refresher.clusterName" $root) -}}
  {{- range (lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicy" "" "").items -}}
    {{- if and (hasPrefix "inject." .metadata.name) (ne .metadata.name $mine) (eq (dig "labels" "helm.sh/chart" "" .metadata | splitList "-" | initial | join "-") $root.Chart.Name) -}}
      {{- printf "\n\nWARNING: injection.namespaceSelector: another release has a policy %s; each refuses the other's profiles, so let them select different namespaces." .metadata.name -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if $tokens -}}
  {{- if eq (int $values.replicas) 0 -}}
    {{- printf "\n\nWARNING: replicas is 0: no token is refreshed." -}}
  {{- end -}}
  {{- if and $values.networkPolicy.enabled (not $values.networkPolicy.metricsFrom) (or $values.serviceMonitor.enabled $values.podMonitor.enabled) -}}
    {{- printf "\n\nWARNING: networkPolicy.metricsFrom is empty: Prometheus cannot scrape." -}}
  {{- end -}}
{{- else -}}
  {{- range $key := list "serviceMonitor" "podMonitor" "prometheusRule" "networkPolicy" -}}
    {{- if (index $values $key).enabled -}}
      {{- printf "\n\nWARNING: %s was left out, since config.tokens is empty." $key -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}
