{{/*
injectionPatch: the CEL expression that makes of a pod one with the sidecar, first of all init
containers, and with a mount in every container that has none at its place.
root; profile.
*/}}
{{- define "secret-refresher.injectionPatch" -}}
{{- $container := include "secret-refresher.sidecarContainer" . | fromYaml -}}
{{- $volumes := include "secret-refresher.sidecarVolumes" . | fromYamlArray -}}
{{- $mount := include "secret-refresher.cel" (include "secret-refresher.sidecarMount" . | fromYaml) -}}
{{- range $list := list "initContainers" "containers" }}
(!has(object.spec.{{ $list }}) ? [] : object.spec.{{ $list }}.transformList(i, c,
  !has(c.volumeMounts) || !c.volumeMounts.exists(m, m.mountPath == "{{ include "secret-refresher.folder.output" $ }}"),
  JSONPatch{
    op: "add",
    path: "/spec/{{ $list }}/" + string(i) + "/volumeMounts" + (has(c.volumeMounts) ? "/-" : ""),
    value: has(c.volumeMounts) ? dyn({{ $mount }}) : dyn([{{ $mount }}])
  })) +
{{- end }}
(has(object.spec.volumes) ? [] : [JSONPatch{op: "add", path: "/spec/volumes", value: []}]) +
(has(object.spec.initContainers) ? [] : [JSONPatch{op: "add", path: "/spec/initContainers", value: []}]) +
[
{{- range $volumes }}
  JSONPatch{op: "add", path: "/spec/volumes/-", value: {{ include "secret-refresher.cel" . }}},
{{- end }}
  JSONPatch{op: "add", path: "/spec/initContainers/0", value: {{ include "secret-refresher.cel" $container }}}
]
{{- end -}}
