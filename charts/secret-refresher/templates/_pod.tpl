{{/*
pod: the spec of a pod that has the daemon's image, account, configuration and files.
root; args: what it runs, before `--config`; serves: whether it has ports and probes, and goes on.
*/}}
{{- define "secret-refresher.pod" -}}
{{- $run := . }}
{{- with .root }}
{{- $tokens := include "secret-refresher.source" . | fromJsonArray }}
{{- $readable := ternary 0440 0444 (not (kindIs "invalid" .Values.podSecurityContext.fsGroup)) }}
{{- $credentials := include "secret-refresher.volume" (dict
      "name" "credentials" "tokens" $tokens "entries" .Values.credentials "mode" $readable
      "folder" (include "secret-refresher.folder.credentials" .)) }}
{{- $ca := include "secret-refresher.volume" (dict
      "name" "ca" "tokens" $tokens "entries" .Values.caBundles "mode" 0444
      "folder" (include "secret-refresher.folder.ca" .)) -}}
serviceAccountName: {{ include "secret-refresher.serviceAccountName" . }}
automountServiceAccountToken: {{ include "secret-refresher.writesSecrets" $tokens | not | not }}
enableServiceLinks: false
{{- if not $run.serves }}
restartPolicy: Never
{{- end }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with ternary .Values.topologySpreadConstraints list $run.serves }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    {{- if not .labelSelector }}
    labelSelector:
      matchLabels:
        {{- include "secret-refresher.selectorLabels" $run.root | nindent 8 }}
    {{- end }}
  {{- end }}
{{- end }}
containers:
  - name: secret-refresher
    image: {{ include "secret-refresher.image" . | quote }}
    {{- with .Values.image.pullPolicy }}
    imagePullPolicy: {{ . }}
    {{- end }}
    args: {{ concat $run.args (list "--config" (include "secret-refresher.folder.config" .)) | toJson }}
    {{- with .Values.env }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if $run.serves }}
    ports:
      - name: metrics
        containerPort: {{ include "secret-refresher.port" .Values.config }}
    livenessProbe:
      httpGet:
        path: /livez
        port: metrics
      {{- toYaml .Values.livenessProbe | nindent 6 }}
    readinessProbe:
      httpGet:
        path: /readyz
        port: metrics
      {{- toYaml .Values.readinessProbe | nindent 6 }}
    {{- end }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    terminationMessagePolicy: FallbackToLogsOnError
    volumeMounts:
      # The folder, not a file: a subPath would never see a change.
      - name: config
        mountPath: {{ include "secret-refresher.folder.config" . }}
        readOnly: true
      {{- if $credentials }}
      - name: credentials
        mountPath: {{ include "secret-refresher.folder.credentials" . | trimSuffix "/" }}
        readOnly: true
      {{- end }}
      {{- if $ca }}
      - name: ca
        mountPath: {{ include "secret-refresher.folder.ca" . | trimSuffix "/" }}
        readOnly: true
      {{- end }}
      {{- with .Values.volumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "secret-refresher.fullname" . }}
  {{- with $credentials }}
  - {{ . | nindent 4 | trim }}
  {{- end }}
  {{- with $ca }}
  - {{ . | nindent 4 | trim }}
  {{- end }}
  {{- with .Values.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
