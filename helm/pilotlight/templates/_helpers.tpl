{{/* Names, labels and small things every object uses. */}}

{{- define "pilotlight.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 42 | trimSuffix "-" -}}
{{- end }}

{{/*
42 characters: a StatefulSet's revision label holds its name, ours ends in -scheduler, and labels end at 63. No dots, which a
release's name may have and a Service's may not.
*/}}
{{- define "pilotlight.fullname" -}}
{{- $name := include "pilotlight.name" . -}}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) -}}
{{- $full | replace "." "-" | trunc 42 | trimSuffix "-" -}}
{{- end }}

{{- define "pilotlight.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end }}

{{- define "pilotlight.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pilotlight.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of the chart's own that belong to no selector. */}}
{{- define "pilotlight.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ default .Chart.AppVersion .Values.image.tag | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/part-of: pilotlight
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "pilotlight.labels" -}}
{{- $own := merge (fromYaml (include "pilotlight.selectorLabels" .)) (fromYaml (include "pilotlight.commonLabels" .)) -}}
{{- toYaml (merge $own (deepCopy (.Values.commonLabels | default dict))) -}}
{{- end }}

{{/* metadata of an object: (dict "root" $ "name" ... "labels" ... "annotations" ... "namespace" ...), the last three optional. */}}
{{- define "pilotlight.metadata" -}}
{{- $root := .root -}}
name: {{ .name }}
namespace: {{ .namespace | default (include "pilotlight.namespace" $root) }}
labels:
  {{- /* Ours, then the object's own, then the common ones, which rename no component. */}}
  {{- $own := merge (fromYaml (include "pilotlight.selectorLabels" $root)) (fromYaml (include "pilotlight.commonLabels" $root)) }}
  {{- toYaml (merge $own (deepCopy (.labels | default dict)) (deepCopy ($root.Values.commonLabels | default dict))) | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) (deepCopy ($root.Values.commonAnnotations | default dict)) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pilotlight.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "pilotlight.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end }}

{{- define "pilotlight.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end }}

{{/*
Milliseconds of a duration as Pilotlight's configuration writes it: 170s, 2m50s, PT2M50S. Fails where it is none.
(dict "text" ... "key" where it stands)
*/}}
{{- define "pilotlight.durationMs" -}}
{{- $text := toString .text -}}
{{- $ms := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 -}}
{{- $plain := $text -}}
{{- if regexMatch "^P(?:[0-9]+W)?(?:[0-9]+D)?(?:T(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?$" $text -}}
{{- $plain = $text | trimPrefix "P" | replace "T" "" | lower -}}
{{- end -}}
{{- if not (regexMatch "^(?:[0-9]+(?:ms|s|m|h|d|w))+$" $plain) -}}
{{- fail (printf "%s: %q is not a duration; write it like 170s, 2m50s or PT2M50S" .key $text) -}}
{{- end -}}
{{- $total := 0 -}}
{{- range regexFindAll "[0-9]+(?:ms|s|m|h|d|w)" $plain -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $total = add $total (mul (regexFind "[0-9]+" . | atoi) (get $ms $unit)) -}}
{{- end -}}
{{- $total -}}
{{- end }}

{{/* Seconds until the last answer is sealed: a request that leaves just before the drain limit may take its own limit more. */}}
{{- define "pilotlight.drainSeconds" -}}
{{- div (add (include "pilotlight.rotationMs" (list . "drainLimit") | int64) (include "pilotlight.rotationMs" (list . "requestLimit") | int64) 999) 1000 -}}
{{- end }}

{{/* Milliseconds of a limit of config.rotation, or of the service's own default. (list $ "drainLimit") */}}
{{- define "pilotlight.rotationMs" -}}
{{- $key := index . 1 -}}
{{- $defaults := dict "requestLimit" "90s" "writeLimit" "60s" "lease" "200s" "drainLimit" "170s" -}}
{{- $text := dig "rotation" $key (get $defaults $key) ((index . 0).Values.config | default dict) -}}
{{- include "pilotlight.durationMs" (dict "text" $text "key" (printf "config.rotation.%s" $key)) -}}
{{- end }}

{{/* Seconds a pod may take to stop: the drain, and 30 s for what follows it. */}}
{{- define "pilotlight.graceSeconds" -}}
{{- $given := .Values.terminationGracePeriodSeconds -}}
{{- if kindIs "invalid" $given -}}{{- add (include "pilotlight.drainSeconds" . | int64) 30 -}}{{- else -}}{{- int64 $given -}}{{- end -}}
{{- end }}

{{/* Mebibytes of a quantity such as 512Mi, 1Gi, 1.5G or bytes. (list quantity "key it stands at") */}}
{{- define "pilotlight.mebibytes" -}}
{{- $text := toString (index . 0) -}}
{{- $units := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- if not (and (hasKey $units $unit) (regexMatch "^[0-9]+(?:\\.[0-9]+)?[A-Za-z]*$" $text)) -}}
{{- fail (printf "%s: %q is not a size such as 512Mi or 1Gi" (index . 1) $text) -}}
{{- end -}}
{{- divf (mulf (trimSuffix $unit $text | float64) (get $units $unit)) 1048576.0 | floor | int64 -}}
{{- end }}

{{/*
Whether an object of a kind that another operator brings is to be made: "true" or nothing. Where Helm sees the cluster's kinds
and this one is not among them, crds.whenMissing decides. (list $ "group/version/Kind" "the value that asks for it")
*/}}
{{- define "pilotlight.crd" -}}
{{- $root := index . 0 -}}
{{- $kind := index . 1 -}}
{{- $when := $root.Values.crds.whenMissing -}}
{{- $known := $root.Capabilities.APIVersions.Has "apps/v1/Deployment" -}}
{{- if or (eq $when "render") (not $known) ($root.Capabilities.APIVersions.Has $kind) -}}
true
{{- else if eq $when "fail" -}}
{{- fail (printf "%s is on, but this cluster has no %s: install its operator first, switch it off, or set crds.whenMissing to skip" (index . 2) $kind) -}}
{{- end -}}
{{- end }}
