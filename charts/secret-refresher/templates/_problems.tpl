{{/*
What is wrong with values and what a schema cannot say: one problem a line, each with the value's
name and a remedy, all of them at once. Empty where nothing is wrong.
*/}}

{{- define "secret-refresher.problems" -}}
{{- $tokens := include "secret-refresher.source" . | fromJsonArray -}}
{{- include "secret-refresher.problems.tokens" (dict
      "root" . "tokens" $tokens "path" "" "config" .Values.config
      "credentials" .Values.credentials "caBundles" .Values.caBundles
      "mounts" .Values.volumeMounts) -}}
{{- include "secret-refresher.problems.source" (dict "root" . "tokens" $tokens) -}}
{{- include "secret-refresher.problems.monitoring" . -}}
{{- include "secret-refresher.problems.network" (dict "root" . "tokens" $tokens) -}}
{{- include "secret-refresher.problems.injection" . -}}
{{- if .Values.sidecar.config -}}
  {{- include "secret-refresher.problems.sidecar" (dict "root" . "profile" .Values.sidecar "path" "sidecar.") -}}
{{- end -}}
{{- end -}}

{{/*
Of tokens, wherever they run.
root; tokens; config; path: what stands before `config` and `credentials`; credentials; caBundles;
mounts: further ones.
*/}}
{{- define "secret-refresher.problems.tokens" -}}
{{- $given := . -}}
{{- $path := .path -}}
{{- $names := dict -}}
{{- $secrets := dict -}}
{{- range $token := .tokens -}}
  {{- with get $names .name -}}
    {{- printf "\n%s%s.name: is the name of %s%s too; choose another" $path $token.at $path . -}}
  {{- end -}}
  {{- $_ := set $names .name .at -}}
  {{- if not .sinks -}}
    {{- printf "\n%s%s.sinks: is missing; name a Secret or a file, or nobody gets the token" $path .at -}}
  {{- end -}}
  {{- if not (or .endpoint .absent) -}}
    {{- printf "\n%s%s.tokenUrl: is missing; write the URL of the token endpoint, or issuer" $path .at -}}
  {{- end -}}
  {{- range .files -}}
    {{- include "secret-refresher.problems.file" (dict "given" $given "file" . "at" (printf "%s%s.%s" $path $token.at .key)) -}}
  {{- end -}}
  {{- range $sink := .sinks -}}
    {{- if eq .kind "secret" -}}
      {{- range .namespaces -}}
        {{- $target := printf "%s/%s" (ternary "selected" (. | default $given.root.Release.Namespace) $sink.selects) $sink.name -}}
        {{- with get $secrets $target -}}
          {{- if ne . $token.at -}}
            {{- printf "\n%s%s.secret.name: is the Secret of %s%s too; choose another" $path $sink.at $path . -}}
          {{- end -}}
        {{- end -}}
        {{- if not $sink.selects -}}{{- $_ := set $secrets $target $token.at -}}{{- end -}}
      {{- end -}}
    {{- else if not (include "secret-refresher.covered" (dict "path" .path "mounts" $given.mounts)) -}}
      {{- printf "\n%s%s.file.path: lies on no volume that can be written; add one in volumes and volumeMounts, or write a Secret" $path .at -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- include "secret-refresher.problems.numbers" (dict "value" .config "at" (printf "%sconfig" $path)) -}}
{{- $host := include "secret-refresher.host" .config -}}
{{- if or (hasPrefix "127." $host) (eq $host "[::1]") (eq $host "localhost") -}}
  {{- printf "\n%sconfig.server.address: is loopback, where the kubelet cannot ask the probes; write \"[::]:%s\"" $path (include "secret-refresher.port" .config) -}}
{{- end -}}
{{- end -}}

{{/* Of one file that a token reads: it has to be mounted. */}}
{{- define "secret-refresher.problems.file" -}}
{{- $file := .file -}}
{{- $at := .at -}}
{{- $ours := false -}}
{{- range $value, $folder := dict
      "credentials" (include "secret-refresher.folder.credentials" .)
      "caBundles" (include "secret-refresher.folder.ca" .) -}}
  {{- if hasPrefix $folder $file.path -}}
    {{- $ours = true -}}
    {{- $rest := splitList "/" (trimPrefix $folder $file.path) -}}
    {{- if ne (len $rest) 2 -}}
      {{- printf "\n%s: must be one folder and one file below %s, as %smine/%s" $at $folder $folder (last $rest) -}}
    {{- else if not (get (get $.given $value | default dict) (first $rest)) -}}
      {{- printf "\n%s%s.%s: is missing; name what holds the files below %s%s, as {secretName: my-secret}" $.given.path $value (first $rest) $folder (first $rest) -}}
    {{- else if and (get (get $.given $value) (first $rest)).serviceAccountToken (ne $file.key "auth.assertionFile") -}}
      {{- printf "\n%s: is read from %s%s.%s, which is a ServiceAccount token; only auth.assertionFile can be one, so name another entry" $at $.given.path $value (first $rest) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if not (or $ours (eq $file.key "tls.caFile") (include "secret-refresher.covered" (dict "path" $file.path "mounts" .given.mounts))) -}}
  {{- printf "\n%s: is mounted by nothing; read it below %s, or add it in volumes and volumeMounts" $at (include "secret-refresher.folder.credentials" .) -}}
{{- end -}}
{{- end -}}

{{/* covered: "true" where one of the mounts holds a path, else empty. */}}
{{- define "secret-refresher.covered" -}}
{{- $path := .path -}}
{{- range .mounts -}}
  {{- if or (eq $path .mountPath) (hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) $path) -}}true{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Helm holds numbers with 53 bits; larger ones would reach the daemon changed. Very small ones are
written as 1e-07, which YAML 1.1 takes for a text.
*/}}
{{- define "secret-refresher.problems.numbers" -}}
{{- $at := .at -}}
{{- if kindIs "map" .value -}}
  {{- range $key, $value := .value -}}
    {{- include "secret-refresher.problems.numbers" (dict "value" $value "at" (printf "%s.%s" $at $key)) -}}
  {{- end -}}
{{- else if kindIs "slice" .value -}}
  {{- range $index, $value := .value -}}
    {{- include "secret-refresher.problems.numbers" (dict "value" $value "at" (printf "%s[%d]" $at $index)) -}}
  {{- end -}}
{{- else if or (kindIs "float64" .value) (kindIs "int64" .value) -}}
  {{- $number := float64 .value -}}
  {{- if or (gt $number 9007199254740991.0) (lt $number -9007199254740991.0) (and (lt $number 0.000001) (gt $number -0.000001) (ne $number 0.0)) -}}
    {{- printf "\n%s: is a number that Helm would change; write it in quotes" $at -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/* Of the token source. */}}
{{- define "secret-refresher.problems.source" -}}
{{- $values := .root.Values -}}
{{- $elected := (($values.config | default dict).election | default dict).enabled -}}
{{- if and (gt (int $values.replicas) 1) (not $elected) -}}
  {{- printf "\nreplicas: must be 1 without election, or each replica would ask for every token; more of them do not make it faster" -}}
{{- end -}}
{{- $writes := include "secret-refresher.writesSecrets" .tokens -}}
{{- if and $writes $values.rbac.create (not $values.serviceAccount.create) (not $values.serviceAccount.name) -}}
  {{- printf "\nserviceAccount.name: is missing; name the account that gets the rights, or write serviceAccount.create: true" -}}
{{- end -}}
{{- if $values.rbac.create -}}
  {{- range (include "secret-refresher.absentNamespaces" . | fromJsonArray) -}}
    {{- printf "\n%s.secret: namespace %s does not exist; create it first, or write another" .at .namespace -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/*
absentNamespaces: what sinks name and the cluster does not have, as JSON. Nothing where there is no
cluster to ask, as in `helm template`, or where that is not wanted.
root; tokens.
*/}}
{{- define "secret-refresher.absentNamespaces" -}}
{{- $root := .root -}}
{{- $home := $root.Release.Namespace -}}
{{- $absent := list -}}
{{- $seen := dict -}}
{{- range .tokens -}}
  {{- range $sink := .sinks -}}
    {{- if eq .kind "secret" -}}
      {{- range .namespaces -}}
        {{- if and $root.Values.lookup . (ne . $home) (not $sink.selects) -}}
          {{- if not (hasKey $seen .) -}}
            {{- $_ := set $seen . (lookup "v1" "Namespace" "" . | empty) -}}
          {{- end -}}
          {{- if get $seen . -}}
            {{- $absent = append $absent (dict "at" $sink.at "namespace" .) -}}
          {{- end -}}
        {{- end -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- /* With --create-namespace the release's own comes later; `default` is always there. */ -}}
{{- if and $absent (not (or (lookup "v1" "Namespace" "" $home) (lookup "v1" "Namespace" "" "default"))) -}}
  {{- $absent = list -}}
{{- end -}}
{{- toJson $absent -}}
{{- end -}}

{{- define "secret-refresher.problems.monitoring" -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
  {{- printf "\npodMonitor.enabled: cannot stand beside serviceMonitor.enabled, or everything is counted twice; turn one off" -}}
{{- end -}}
{{- if and .Values.prometheusRule.enabled (not (or .Values.serviceMonitor.enabled .Values.podMonitor.enabled)) -}}
  {{- printf "\nprometheusRule.enabled: needs serviceMonitor.enabled or podMonitor.enabled; its alerts select the job that they make" -}}
{{- end -}}
{{- end -}}

{{- define "secret-refresher.problems.network" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- if and $policy.enabled .tokens -}}
  {{- if not $policy.egress -}}
    {{- printf "\nnetworkPolicy.egress: is missing; name the addresses of token endpoints, as [{cidr: 203.0.113.0/24, ports: [443]}]" -}}
  {{- end -}}
  {{- if and (include "secret-refresher.writesSecrets" .tokens) (not $policy.apiServer.cidrs) -}}
    {{- printf "\nnetworkPolicy.apiServer.cidrs: is missing; name the addresses that `kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes` shows" -}}
  {{- end -}}
  {{- range $index, $cidr := $policy.apiServer.cidrs -}}
    {{- include "secret-refresher.problems.cidr" (dict "cidr" $cidr "at" (printf "networkPolicy.apiServer.cidrs[%d]" $index)) -}}
  {{- end -}}
  {{- range $index, $target := $policy.egress -}}
    {{- include "secret-refresher.problems.cidr" (dict "cidr" $target.cidr "at" (printf "networkPolicy.egress[%d].cidr" $index)) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "secret-refresher.problems.injection" -}}
{{- if .Values.injection.profiles -}}
  {{- if not (include "secret-refresher.canInject" .) -}}
    {{- printf "\ninjection.profiles: needs MutatingAdmissionPolicy of admissionregistration.k8s.io/v1, which this cluster (%s) does not serve; that is Kubernetes 1.36. Leave it empty and use the sidecar's templates or snippet (offline: --kube-version 1.36)" .Capabilities.KubeVersion.Version -}}
  {{- end -}}
  {{- range $name, $profile := .Values.injection.profiles -}}
    {{- include "secret-refresher.problems.sidecar" (dict "root" $ "profile" $profile "path" (printf "injection.profiles.%s." $name)) -}}
    {{- /* The API server's limit for one CEL expression. */ -}}
    {{- if gt (include "secret-refresher.injectionPatch" (dict "root" $ "profile" $profile) | len) 100000 -}}
      {{- printf "\ninjection.profiles.%s.config: is larger than an admission policy may be (100,000 characters); make several profiles of it" $name -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/*
canInject: "true" where the API is there. A live cluster lists its kinds, Pod among them; where
none is asked, the version has to do.
*/}}
{{- define "secret-refresher.canInject" -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}true
{{- else if .Capabilities.APIVersions.Has "v1/Pod" -}}
{{- else if semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version -}}true
{{- end -}}
{{- end -}}

{{/* Of one sidecar. */}}
{{- define "secret-refresher.problems.sidecar" -}}
{{- $path := .path -}}
{{- $tokens := include "secret-refresher.sidecarTokens" .profile | fromJsonArray -}}
{{- if not $tokens -}}
  {{- printf "\n%sconfig.tokens: is missing; a sidecar without a token would never let the pod start" $path -}}
{{- end -}}
{{- /* Linux: MAX_ARG_STRLEN is 128 KiB, the variable's name included. */ -}}
{{- if gt (include "secret-refresher.sidecarConfig" .profile | len) 131000 -}}
  {{- printf "\n%sconfig: is larger than the 128 KiB that an environment variable holds; a pod hardly needs so many tokens" $path -}}
{{- end -}}
{{- include "secret-refresher.problems.tokens" (dict
      "root" .root "tokens" $tokens "path" $path "config" .profile.config
      "credentials" .profile.credentials "caBundles" .profile.caBundles
      "mounts" (list (dict "mountPath" (include "secret-refresher.folder.output" .)))) -}}
{{- range $tokens -}}
  {{- if .absent -}}
    {{- printf "\n%s%s.state: absent has no meaning in a sidecar, whose volume is empty at every start; remove the token" $path .at -}}
  {{- end -}}
  {{- range .sinks -}}
    {{- if eq .kind "secret" -}}
      {{- printf "\n%s%s.secret: a sidecar writes files, and has no rights of its own; write Secrets in config.tokens" $path .at -}}
    {{- else if and (regexMatch "[02]0$" .mode) $.root.Values.sidecar.securityContext.runAsUser -}}
      {{- printf "\n%s%s.file.mode: lets only the sidecar's own user read, who is not the application's; write \"0444\", or \"0440\" with fsGroup" $path .at -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}
