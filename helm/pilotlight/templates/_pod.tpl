{{/* The pod of a workload, and what it shares with the one that `helm test` starts. */}}

{{/* (list $ workload) */}}
{{- define "pilotlight.podTemplate" -}}
{{- $root := index . 0 -}}
{{- $workload := index . 1 -}}
{{- $values := $root.Values -}}
{{- $own := $workload.own -}}
metadata:
  labels:
    {{- $selector := fromYaml (include "pilotlight.workloadSelector" .) }}
    {{- toYaml (merge $selector (fromYaml (include "pilotlight.commonLabels" $root)) (deepCopy ($own.podLabels | default dict)) (deepCopy ($values.podLabels | default dict)) (deepCopy ($values.commonLabels | default dict))) | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: pilotlight
    # A change of the configuration rolls the pods.
    checksum/config: {{ include "pilotlight.configFile" $root | sha256sum }}
    {{- /* Or a cluster's autoscaler keeps a node for its folders: what lies in them is worth no more than the pod's own end takes care of. */}}
    {{- $evict := dict "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes" (ternary "data,tmp" "tmp" (eq $workload.kind "Deployment")) }}
    {{- with merge (deepCopy ($own.podAnnotations | default dict)) (deepCopy ($values.podAnnotations | default dict)) $evict }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "pilotlight.podSpec" $root | nindent 2 }}
  terminationGracePeriodSeconds: {{ include "pilotlight.graceSeconds" $root }}
  {{- with $own.nodeSelector | default $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.affinity | default $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations | default $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "pilotlight.topologySpread" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $values.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $root | nindent 4 }}
  {{- end }}
  containers:
    - name: pilotlight
      {{- include "pilotlight.container" (list $root ($own.resources | default $values.resources)) | nindent 6 }}
      args: [run{{ if ne $workload.role "all" }}, --role, {{ $workload.role }}{{ end }}]
      ports:
        - { name: web, containerPort: {{ int64 $values.ports.web }}, protocol: TCP }
        - { name: health, containerPort: {{ int64 $values.ports.health }}, protocol: TCP }
      startupProbe:
        httpGet: { path: /livez, port: health }
        {{- toYaml $values.probes.startup | nindent 8 }}
      livenessProbe:
        httpGet: { path: /livez, port: health }
        {{- toYaml $values.probes.liveness | nindent 8 }}
      readinessProbe:
        httpGet: { path: /readyz, port: health }
        {{- toYaml $values.probes.readiness | nindent 8 }}
      volumeMounts:
        - { name: data, mountPath: /var/lib/pilotlight }
        {{- include "pilotlight.volumeMounts" $root | nindent 8 }}
    {{- with $values.sidecars }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  volumes:
    {{- if eq $workload.kind "Deployment" }}
    - name: data
      emptyDir: { sizeLimit: {{ include "pilotlight.dataSize" (list $root $workload) }} }
    {{- end }}
    {{- include "pilotlight.volumes" (list $root $workload.spool) | nindent 4 }}
{{- end }}

{{/* What both pods say of themselves. */}}
{{- define "pilotlight.podSpec" -}}
{{- $values := .Values -}}
serviceAccountName: {{ include "pilotlight.serviceAccountName" . }}
automountServiceAccountToken: {{ $values.serviceAccount.automount | default false }}
# A Service called pilotlight would otherwise put PILOTLIGHT_* variables into our pods.
enableServiceLinks: false
{{- if not (kindIs "invalid" $values.hostUsers) }}
hostUsers: {{ $values.hostUsers }}
{{- end }}
securityContext:
  {{- toYaml ($values.podSecurityContext | default dict) | nindent 2 }}
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with $values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with $values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What both containers say of themselves. (list $ resources) */}}
{{- define "pilotlight.container" -}}
{{- $root := index . 0 -}}
{{- $values := $root.Values -}}
image: {{ include "pilotlight.image" $root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
securityContext:
  {{- toYaml ($values.securityContext | default dict) | nindent 2 }}
env:
  {{- include "pilotlight.env" . | nindent 2 }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with index . 1 }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Each name once: Helm 4 applies on the server, which refuses a variable that stands there twice. Later ones win. */}}
{{- define "pilotlight.env" -}}
{{- $root := index . 0 -}}
{{- $values := $root.Values -}}
{{- $all := list (dict "name" "PILOTLIGHT_CONFIG" "value" "/etc/pilotlight/config/pilotlight.yaml") -}}
{{- with dig "limits" "memory" "" (index . 1 | default dict) -}}
{{- $heap := div (mul (include "pilotlight.mebibytes" (list . "resources.limits.memory") | int64) 3) 4 -}}
{{- $all = append $all (dict "name" "NODE_OPTIONS" "value" (printf "--max-old-space-size=%d" $heap)) -}}
{{- end -}}
{{- with $values.aws.region -}}{{- $all = append $all (dict "name" "AWS_REGION" "value" .) -}}{{- end -}}
{{- with $values.redis.existingUrlSecret -}}
{{- if .name -}}{{- $all = append $all (dict "name" "REDIS_URL" "valueFrom" (dict "secretKeyRef" (dict "name" .name "key" .key))) -}}{{- end -}}
{{- end -}}
{{- range $values.secretEnv -}}
{{- $all = append $all (dict "name" .name "valueFrom" (dict "secretKeyRef" (dict "name" .existingSecret "key" .key))) -}}
{{- end -}}
{{- $names := list -}}
{{- $last := dict -}}
{{- range concat $all ($values.extraEnv | default list) -}}
{{- $names = append $names .name -}}
{{- $_ := set $last .name . -}}
{{- end -}}
{{- $env := list -}}
{{- range uniq $names -}}{{- $env = append $env (get $last .) -}}{{- end -}}
{{- toYaml $env -}}
{{- end }}

{{- define "pilotlight.volumeMounts" -}}
{{- $values := .Values -}}
- { name: tmp, mountPath: /tmp }
- { name: config, mountPath: /etc/pilotlight/config, readOnly: true }
- { name: keys, mountPath: /etc/pilotlight/keys, readOnly: true }
{{- if include "pilotlight.redisFiles" . }}
- { name: redis, mountPath: /etc/pilotlight/redis, readOnly: true }
{{- end }}
{{- if $values.pages.existingSecret }}
- { name: login, mountPath: /etc/pilotlight/login, readOnly: true }
{{- end }}
{{- if $values.secretFiles }}
- { name: secrets, mountPath: /etc/pilotlight/secrets, readOnly: true }
{{- end }}
{{- with $values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "pilotlight.redisFiles" -}}
{{- with .Values.redis -}}
{{- if or .existingSecret .tls.existingSecret (and .sentinel.nodes .sentinel.existingSecret) -}}true{{- end -}}
{{- end -}}
{{- end }}

{{/* 0440: read by the pod's group, written by nobody. (list $ whether the sealing keys are mounted) */}}
{{- define "pilotlight.volumes" -}}
{{- $root := index . 0 -}}
{{- $values := $root.Values -}}
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
- name: config
  configMap: { name: {{ include "pilotlight.fullname" $root }} }
- name: keys
  secret:
    secretName: {{ $values.keys.existingSecret }}
    defaultMode: 0440
    items:
      {{- if index . 1 }}
      {{- range $values.keys.seal }}
      - { key: {{ .key | quote }}, path: {{ printf "seal/%s.key" .id | quote }} }
      {{- end }}
      {{- end }}
      - { key: {{ $values.keys.fingerprintKey | quote }}, path: fingerprint.key }
      {{- if include "pilotlight.reconsents" $root }}
      - { key: {{ $values.keys.reconsentKey | quote }}, path: reconsent.key }
      {{- end }}
{{- if include "pilotlight.redisFiles" $root }}
- name: redis
  projected:
    defaultMode: 0440
    sources:
      {{- with $values.redis }}
      {{- if .existingSecret }}
      - secret: { name: {{ .existingSecret }}, items: [{ key: {{ .passwordKey | quote }}, path: password }] }
      {{- end }}
      {{- if and .sentinel.nodes .sentinel.existingSecret }}
      - secret: { name: {{ .sentinel.existingSecret }}, items: [{ key: {{ .sentinel.passwordKey | quote }}, path: sentinel-password }] }
      {{- end }}
      {{- if .tls.existingSecret }}
      - secret:
          name: {{ .tls.existingSecret }}
          items:
            {{- with .tls.caKey }}
            - { key: {{ . | quote }}, path: ca.crt }
            {{- end }}
            {{- if .tls.certKey }}
            - { key: {{ .tls.certKey | quote }}, path: tls.crt }
            - { key: {{ .tls.keyKey | quote }}, path: tls.key }
            {{- end }}
      {{- end }}
      {{- end }}
{{- end }}
{{- with $values.pages }}
{{- if .existingSecret }}
- name: login
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .existingSecret }}
          items:
            - { key: {{ .tokenKey | quote }}, path: token }
            {{- if .sessionKey }}
            - { key: {{ .sessionKey | quote }}, path: session.key }
            {{- end }}
      {{- if .oidc.existingSecret }}
      - secret: { name: {{ .oidc.existingSecret }}, items: [{ key: {{ .oidc.clientSecretKey | quote }}, path: oidc-client-secret }] }
      {{- end }}
{{- end }}
{{- end }}
{{- with $values.secretFiles }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret: { name: {{ .existingSecret }}, items: [{ key: {{ .key | quote }}, path: {{ .name | quote }} }] }
      {{- end }}
{{- end }}
{{- with $values.extraVolumes }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end }}

{{/* Over zones and nodes, each revision counted by itself, so that a rollout does not end lopsided. */}}
{{- define "pilotlight.topologySpread" -}}
{{- $root := index . 0 -}}
{{- $workload := index . 1 -}}
{{- $selector := dict "matchLabels" (fromYaml (include "pilotlight.workloadSelector" .)) -}}
{{- $spread := $root.Values.topologySpread -}}
{{- if $spread.enabled -}}
{{- $out := list -}}
{{- if $spread.constraints -}}
{{- range $spread.constraints -}}{{- $out = append $out (merge (deepCopy .) (dict "labelSelector" $selector)) -}}{{- end -}}
{{- else -}}
{{- $revision := ternary "controller-revision-hash" "pod-template-hash" (eq $workload.kind "StatefulSet") -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" -}}
{{- $out = append $out (dict "maxSkew" 1 "topologyKey" $key "whenUnsatisfiable" "ScheduleAnyway" "labelSelector" $selector "matchLabelKeys" (list $revision)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $out -}}
{{- end -}}
{{- end }}
