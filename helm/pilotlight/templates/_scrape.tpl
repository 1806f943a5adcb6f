{{/* How a monitor of either kind scrapes. (list $ monitor) */}}
{{- define "pilotlight.scrape" -}}
{{- $monitor := index . 1 -}}
port: health
path: /metrics
interval: {{ $monitor.interval }}
scrapeTimeout: {{ $monitor.scrapeTimeout }}
{{- $job := list }}
{{- with $monitor.jobLabel }}{{- $job = list (dict "targetLabel" "job" "replacement" .) }}{{- end }}
{{- with concat $job ($monitor.relabelings | default list) }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
