{{/* Limits of time, disk and memory that leave a pod too little. */}}

{{/* The service refuses these itself; a rollout that hangs says it later and less well. */}}
{{- define "pilotlight.validateLimits" -}}
{{- $longest := add (include "pilotlight.rotationMs" (list . "requestLimit") | int64) (include "pilotlight.rotationMs" (list . "writeLimit") | int64) -}}
{{- if lt (include "pilotlight.rotationMs" (list . "drainLimit") | int64) $longest -}}
{{- include "pilotlight.problem" (printf "config.rotation.drainLimit must be at least %ds (requestLimit + writeLimit), or stopping could cut off a rotation" (div (add $longest 999) 1000)) -}}
{{- end -}}
{{- if lt (include "pilotlight.rotationMs" (list . "lease") | int64) (add $longest 10000) -}}
{{- include "pilotlight.problem" (printf "config.rotation.lease must be at least %ds (requestLimit + writeLimit + 10s), or a second worker could spend the same token" (div (add $longest 10999) 1000)) -}}
{{- end -}}
{{- end }}

{{/* What is kept on the disk fits on it. */}}
{{- define "pilotlight.validateRoom" -}}
{{- $spool := .Values.spool -}}
{{- $key := ternary "spool.pvc.size" "spool.emptyDir.sizeLimit" (eq $spool.kind "pvc") -}}
{{- $size := ternary $spool.pvc.size $spool.emptyDir.sizeLimit (eq $spool.kind "pvc") -}}
{{- $config := .Values.config | default dict -}}
{{- $answers := mul (int64 (dig "spool" "unwrittenMax" 200 $config)) (add (int64 (dig "spool" "answerBytes" 16384 $config)) 4096) -}}
{{- $needed := add (div (add $answers 1048575) 1048576) (include "pilotlight.auditMebibytes" . | int64) -}}
{{- if lt (include "pilotlight.mebibytes" (list $size $key) | int64) $needed -}}
{{- include "pilotlight.problem" (printf "%s (%s) is less than %dMi, what config.spool (unwrittenMax answers of answerBytes) and config.audit (keep files of maxBytes, and one) may come to" $key $size $needed) -}}
{{- end -}}
{{- end }}

{{/* Memory a process starts in, and requests no limit forbids. (list component resources) */}}
{{- define "pilotlight.validateMemory" -}}
{{- $component := index . 0 -}}
{{- $limits := dig "limits" dict (index . 1) -}}
{{- range $what, $asked := dig "requests" dict (index . 1) -}}
{{- $limit := get $limits $what -}}
{{- if and $limit (has $what (list "memory" "ephemeral-storage")) -}}
{{- if gt (include "pilotlight.mebibytes" (list $asked (printf "resources.requests.%s" $what)) | int64) (include "pilotlight.mebibytes" (list $limit (printf "resources.limits.%s" $what)) | int64) -}}
{{- include "pilotlight.problem" (printf "resources.requests.%s (%v) of the %s is above its limit (%v): no pod would be made" $what $asked $component $limit) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with get $limits "memory" -}}
{{- if lt (include "pilotlight.mebibytes" (list . "resources.limits.memory") | int64) 192 -}}
{{- include "pilotlight.problem" (printf "resources.limits.memory (%v) of the %s is too little: an idle process has 160 MB, so 192Mi at least. A number without a unit is bytes" . $component) -}}
{{- end -}}
{{- end -}}
{{- end }}
