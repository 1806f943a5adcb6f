{{/* What contradicts itself in how Redis is reached: the same the service would refuse when it starts, and what only the chart knows. */}}

{{- define "pilotlight.validateRedis" -}}
{{- $kinds := fromJsonArray (include "pilotlight.redisKinds" .) -}}
{{- $redis := .Values.redis -}}
{{- $url := $redis.url | default "" -}}
{{- if eq (len $kinds) 0 -}}
{{- include "pilotlight.problem" "no Redis: set one of redis.url, redis.existingUrlSecret.name, redis.cluster.nodes and redis.sentinel.nodes. The chart installs none; any Redis 6.2 or Valkey with maxmemory-policy noeviction will do" -}}
{{- end -}}
{{- if gt (len $kinds) 1 -}}
{{- include "pilotlight.problem" (printf "more than one Redis: %s. Keep one" (join ", " $kinds)) -}}
{{- end -}}
{{- $byUrl := or $url $redis.existingUrlSecret.name -}}
{{- if and (contains "?" $url) (not (regexMatch "^[^?]*[?]family=[046]$" $url)) -}}
{{- include "pilotlight.problem" "redis.url may have no parameter but family: what stands there would become an option of the client, a password too" -}}
{{- end -}}
{{- if regexMatch "^rediss?://[^/]*:[^/]*@" $url -}}
{{- include "pilotlight.problem" "redis.url holds a password, which would stand in a ConfigMap: put it in a Secret and set redis.existingSecret, or the whole URL and set redis.existingUrlSecret.name" -}}
{{- end -}}
{{- if and $redis.sentinel.nodes (not $redis.sentinel.name) -}}
{{- include "pilotlight.problem" "redis.sentinel.nodes is set without redis.sentinel.name, the group the sentinels watch" -}}
{{- end -}}
{{- if not $redis.sentinel.nodes -}}
{{- range list "name" "username" "existingSecret" "tls" -}}
{{- if get $redis.sentinel . -}}{{- include "pilotlight.problem" (printf "redis.sentinel.%s is set without redis.sentinel.nodes" .) -}}{{- end -}}
{{- end -}}
{{- else if and $redis.sentinel.tls (not $redis.tls.enabled) -}}
{{- include "pilotlight.problem" "redis.sentinel.tls needs redis.tls.enabled: what the sentinels protect would go unprotected to Redis itself" -}}
{{- end -}}
{{- if and (not (kindIs "invalid" $redis.database)) (not $redis.sentinel.nodes) -}}
{{- include "pilotlight.problem" "redis.database is for Sentinel only: a URL says it itself (redis://host:6379/2), a Cluster has one" -}}
{{- end -}}
{{- if and $byUrl $redis.tls.enabled -}}
{{- include "pilotlight.problem" "redis.tls.enabled is for Cluster and Sentinel: with a URL, rediss:// says it" -}}
{{- end -}}
{{- $encrypted := or $redis.tls.enabled (hasPrefix "rediss:" $url) $redis.existingUrlSecret.name -}}
{{- if and (or $redis.tls.existingSecret $redis.tls.serverName) (not $encrypted) -}}
{{- include "pilotlight.problem" "redis.tls is set, but nothing is encrypted: use a rediss:// URL, or redis.tls.enabled with Cluster or Sentinel" -}}
{{- end -}}
{{- if ne (empty $redis.tls.certKey) (empty $redis.tls.keyKey) -}}
{{- include "pilotlight.problem" "redis.tls.certKey and redis.tls.keyKey belong together" -}}
{{- end -}}
{{- if and $redis.tls.certKey (not $redis.tls.existingSecret) -}}
{{- include "pilotlight.problem" "redis.tls.certKey is set without redis.tls.existingSecret" -}}
{{- end -}}
{{- if and $redis.tls.existingSecret (not $redis.tls.caKey) (not $redis.tls.certKey) -}}
{{- include "pilotlight.problem" "redis.tls.existingSecret is set, and neither caKey nor certKey says what to take from it" -}}
{{- end -}}
{{- end }}

{{/* One place for each user and each password. */}}
{{- define "pilotlight.validateRedisLogin" -}}
{{- $redis := .Values.redis -}}
{{- $url := $redis.url | default "" -}}
{{- if and $redis.username (not $redis.existingSecret) (not $redis.existingUrlSecret.name) -}}
{{- include "pilotlight.problem" "redis.username is set without redis.existingSecret, the Secret with its password" -}}
{{- end -}}
{{- if and $redis.sentinel.nodes $redis.sentinel.username (not $redis.sentinel.existingSecret) -}}
{{- include "pilotlight.problem" "redis.sentinel.username is set without redis.sentinel.existingSecret, the Secret with its password" -}}
{{- end -}}
{{- if and $redis.username (regexMatch "^rediss?://[^/@]+@" $url) -}}
{{- include "pilotlight.problem" "redis.username and redis.url both name a user: keep one" -}}
{{- end -}}
{{- if and $redis.existingUrlSecret.name (or $redis.existingSecret $redis.username) -}}
{{- include "pilotlight.problem" "redis.existingUrlSecret says user and password itself: leave redis.username and redis.existingSecret empty" -}}
{{- end -}}
{{- end }}
