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

{{/* Labels a workload's pods are selected by. (list $ workload) */}}
{{- define "pilotlight.workloadSelector" -}}
{{ include "pilotlight.selectorLabels" (index . 0) }}
app.kubernetes.io/component: {{ (index . 1).component }}
{{- end }}

{{/* Pods that serve pages: schedulers where the roles are split, as nothing scales those. */}}
{{- define "pilotlight.pagesComponent" -}}
{{- ternary "scheduler" "service" .Values.roles.split -}}
{{- end }}

{{/* Whether there are pages for anybody. */}}
{{- define "pilotlight.servesPages" -}}
{{- if or .Values.service.enabled .Values.pages.existingSecret .Values.ingress.enabled -}}true{{- end -}}
{{- end }}
