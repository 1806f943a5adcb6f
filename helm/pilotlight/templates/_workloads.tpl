{{/*
The workloads there are, as JSON: component, name, role, kind, replicas (-1: an autoscaler's), spool, own (values that replace
the common ones). Each pod does both unless the roles are split; only what refreshes has a spool.
*/}}
{{- define "pilotlight.workloads" -}}
{{- $values := .Values -}}
{{- $name := include "pilotlight.fullname" . -}}
{{- $kind := ternary "StatefulSet" "Deployment" (eq $values.spool.kind "pvc") -}}
{{- if $values.roles.split -}}
{{- $workers := $values.worker.replicas | default 2 -}}
{{- if or $values.keda.enabled $values.worker.externalAutoscaler -}}{{- $workers = -1 -}}{{- end -}}
{{- toJson (list
    (dict "component" "scheduler" "name" (printf "%s-scheduler" $name) "role" "scheduler" "kind" "Deployment" "replicas" $values.scheduler.replicas "spool" false "own" $values.scheduler)
    (dict "component" "worker" "name" (printf "%s-worker" $name) "role" "worker" "kind" $kind "replicas" $workers "spool" true "own" $values.worker)
  ) -}}
{{- else -}}
{{- toJson (list (dict "component" "service" "name" $name "role" "all" "kind" $kind "replicas" $values.replicas "spool" true "own" dict)) -}}
{{- end -}}
{{- end }}

{{/* Most an audit trail comes to, MiB: the files kept, and the one being written. */}}
{{- define "pilotlight.auditMebibytes" -}}
{{- $config := .Values.config | default dict -}}
{{- $bytes := mul (int64 (dig "audit" "maxBytes" 52428800 $config)) (add (int64 (dig "audit" "keep" 3 $config)) 1) -}}
{{- div (add $bytes 1048575) 1048576 -}}
{{- end }}

{{/* Size of the folder of a Deployment's pod. A scheduler has no spool, and a trail of what customers do. (list $ workload) */}}
{{- define "pilotlight.dataSize" -}}
{{- $root := index . 0 -}}
{{- if (index . 1).spool -}}{{- $root.Values.spool.emptyDir.sizeLimit -}}{{- else -}}{{- printf "%dMi" (add (include "pilotlight.auditMebibytes" $root | int64) 16) -}}{{- end -}}
{{- end }}

{{/* Labels a workload's pods are selected by. (list $ workload) */}}
{{- define "pilotlight.workloadSelector" -}}
{{ include "pilotlight.selectorLabels" (index . 0) }}
app.kubernetes.io/component: {{ (index . 1).component }}
{{- end }}

{{/* Pods that serve pages: schedulers where the roles are split, as nothing scales those. */}}
{{- define "pilotlight.pagesComponent" -}}
{{- ternary "scheduler" "service" (.Values.roles.split | default false) -}}
{{- end }}

{{/* Whether there are pages for anybody. */}}
{{- define "pilotlight.servesPages" -}}
{{- if or .Values.service.enabled .Values.pages.existingSecret .Values.ingress.enabled (include "pilotlight.reconsents" .) -}}true{{- end -}}
{{- end }}
