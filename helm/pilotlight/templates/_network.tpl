{{/* Ports that are left through, derived from the rest of the values. */}}

{{/* 443, and every other port that a URL of the configuration or a mail server names. What leads to us (publicUrl) does not count. */}}
{{- define "pilotlight.egressPorts" -}}
{{- $config := .Values.config | default dict -}}
{{- $tree := list (get $config "providers") (dig "store" "aws" "endpoint" "" $config) (get $config "tracing") (dig "web" "login" "oidc" "issuer" "" $config) -}}
{{- $ports := list (int64 443) -}}
{{- range dig "alerts" "channels" dict $config -}}
{{- $tree = append $tree . -}}
{{- if eq .kind "email" -}}{{- $ports = append $ports (int64 (dig "smtp" "port" 587 .)) -}}{{- end -}}
{{- end -}}
{{- range regexFindAll "https?://[^\"]+" (toJson $tree) -1 -}}
{{- $url := urlParse (regexReplaceAll "[{].*" . "") -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
{{- $ports = append $ports (int64 ($port | default (ternary 443 80 (eq $url.scheme "https")))) -}}
{{- end -}}
{{- toJson (uniq $ports) -}}
{{- end }}

{{- define "pilotlight.redisPorts" -}}
{{- $redis := .Values.redis -}}
{{- $ports := list -}}
{{- if .Values.networkPolicy.redisPorts -}}
{{- range .Values.networkPolicy.redisPorts -}}{{- $ports = append $ports (int64 .) -}}{{- end -}}
{{- else -}}
{{- range concat ($redis.cluster.nodes | default list) ($redis.sentinel.nodes | default list) -}}{{- $ports = append $ports (int64 (regexFind "[0-9]+$" .)) -}}{{- end -}}
{{- /* The servers behind the sentinels, and a URL that says no port. */ -}}
{{- if or $redis.sentinel.nodes $redis.existingUrlSecret.name -}}{{- $ports = append $ports (int64 6379) -}}{{- end -}}
{{- with $redis.url -}}
{{- $ports = append $ports (int64 (regexFind "[0-9]+$" (regexFind ":[0-9]+$" (urlParse .).host) | default "6379")) -}}
{{- end -}}
{{- end -}}
{{- toJson (uniq $ports) -}}
{{- end }}
