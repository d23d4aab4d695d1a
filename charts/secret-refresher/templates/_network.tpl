{{/* Addresses. Link-local ones, where clouds serve credentials of the node, are never allowed. */}}

{{/* ipBlock: of one CIDR; one that holds the link-local addresses excepts them. */}}
{{- define "secret-refresher.ipBlock" -}}
cidr: {{ . | quote }}
{{- $prefix := splitList "/" . | last | int -}}
{{- if contains ":" . }}
{{- if eq $prefix 0 }}
except: ["fe80::/10"]
{{- end }}
{{- else if and (lt $prefix 16) (eq (include "secret-refresher.linkLocal" .) "true") }}
except: [169.254.0.0/16]
{{- end }}
{{- end -}}

{{/* linkLocal: "true" where an IPv4 CIDR and 169.254.0.0/16 meet, else "false". */}}
{{- define "secret-refresher.linkLocal" -}}
{{- $octets := splitList "." . -}}
{{- $prefix := splitList "/" . | last | int | min 16 -}}
{{- $size := 1 -}}
{{- range until (int (sub 16 $prefix)) -}}{{- $size = mul $size 2 -}}{{- end -}}
{{- $number := add (mul (index $octets 0 | int) 256) (index $octets 1 | int) -}}
{{- eq (div $number $size) (div 43518 $size) -}}
{{- end -}}

{{/* Of one CIDR. cidr; at. */}}
{{- define "secret-refresher.problems.cidr" -}}
{{- $prefix := splitList "/" .cidr | last | int -}}
{{- $within := false -}}
{{- if contains ":" .cidr -}}
  {{- /* Between the whole and a tenth bit lies nobody's network. */ -}}
  {{- $within = or (regexMatch "^(?i)fe[89ab]" .cidr) (and (gt $prefix 0) (lt $prefix 10)) -}}
{{- else -}}
  {{- $within = and (ge $prefix 16) (eq (include "secret-refresher.linkLocal" .cidr) "true") -}}
{{- end -}}
{{- if $within -}}
  {{- printf "\n%s: is link-local, where clouds serve the node's own credentials; name another" .at -}}
{{- end -}}
{{- end -}}
