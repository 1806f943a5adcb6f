{{/* Contradictions, refused before anything is installed: all of them at once, each with what to do. */}}

{{- define "pilotlight.validate" -}}
{{- $problems := list
    (include "pilotlight.validateRedis" .)
    (include "pilotlight.validateKeys" .)
    (include "pilotlight.refuseOverrides" .)
    (include "pilotlight.validateWorkloads" .)
    (include "pilotlight.validateWeb" .)
    (include "pilotlight.validateEnv" .)
    (include "pilotlight.validateHeld" .)
    (include "pilotlight.validateWatching" .)
    | join "" -}}
{{- if $problems -}}
{{- $opening := "these values contradict themselves or leave something out:" -}}
{{- fail (list $opening $problems | join "\n") -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.problem" }}
- {{ . }}
{{- end }}

{{- define "pilotlight.validateRedis" -}}
{{- $kinds := fromJsonArray (include "pilotlight.redisKinds" .) -}}
{{- $redis := .Values.redis -}}
{{- if eq (len $kinds) 0 -}}
{{- include "pilotlight.problem" "no Redis: set one of redis.url, redis.existingUrlSecret.name, redis.cluster.nodes and redis.sentinel.nodes. The chart installs none; any Redis 6.2 or Valkey with maxmemory-policy noeviction will do" -}}
{{- end -}}
{{- if gt (len $kinds) 1 -}}
{{- include "pilotlight.problem" (printf "more than one Redis: %s. Keep one" (join ", " $kinds)) -}}
{{- end -}}
{{- $byUrl := or $redis.url $redis.existingUrlSecret.name -}}
{{- if regexMatch "^rediss?://[^/]*:[^/]*@" $redis.url -}}
{{- include "pilotlight.problem" "redis.url holds a password, which would stand in a ConfigMap: put it in a Secret and set redis.existingSecret, or the whole URL and set redis.existingUrlSecret.name" -}}
{{- end -}}
{{- if and $redis.sentinel.nodes (not $redis.sentinel.name) -}}
{{- include "pilotlight.problem" "redis.sentinel.nodes is set without redis.sentinel.name, the group the sentinels watch" -}}
{{- end -}}
{{- if and $redis.sentinel.name (not $redis.sentinel.nodes) -}}
{{- include "pilotlight.problem" "redis.sentinel.name is set without redis.sentinel.nodes" -}}
{{- end -}}
{{- if and (not (kindIs "invalid" $redis.database)) (not $redis.sentinel.nodes) -}}
{{- include "pilotlight.problem" "redis.database is for Sentinel only: a URL says it itself (redis://host:6379/2), a Cluster has one" -}}
{{- end -}}
{{- if and $byUrl $redis.tls.enabled -}}
{{- include "pilotlight.problem" "redis.tls.enabled is for Cluster and Sentinel: with a URL, rediss:// says it" -}}
{{- end -}}
{{- $encrypted := or $redis.tls.enabled (hasPrefix "rediss:" $redis.url) $redis.existingUrlSecret.name -}}
{{- if and (or $redis.tls.existingSecret $redis.tls.serverName) (not $encrypted) -}}
{{- include "pilotlight.problem" "redis.tls is set, but nothing is encrypted: use a rediss:// URL, or redis.tls.enabled with Cluster or Sentinel" -}}
{{- end -}}
{{- if ne (empty $redis.tls.certKey) (empty $redis.tls.keyKey) -}}
{{- include "pilotlight.problem" "redis.tls.certKey and redis.tls.keyKey belong together" -}}
{{- end -}}
{{- if and $redis.tls.certKey (not $redis.tls.existingSecret) -}}
{{- include "pilotlight.problem" "redis.tls.certKey is set without redis.tls.existingSecret" -}}
{{- end -}}
{{- if and $redis.existingUrlSecret.name (or $redis.existingSecret $redis.username) -}}
{{- include "pilotlight.problem" "redis.existingUrlSecret says user and password itself: leave redis.username and redis.existingSecret empty" -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.validateKeys" -}}
{{- $keys := .Values.keys -}}
{{- if not $keys.existingSecret -}}
{{- $lines := list "keys.existingSecret is missing: the Secret with the keys all pods share. Make it once, back it up, and name it:" "" -}}
{{- $lines = append $lines (printf "  kubectl create secret generic %s-keys --namespace %s \\" (include "pilotlight.fullname" .) (include "pilotlight.namespace" .)) -}}
{{- range $keys.seal -}}{{- $lines = append $lines (printf "    --from-file=%s=<(openssl rand -base64 32) \\" .key) -}}{{- end -}}
{{- $lines = append $lines (printf "    --from-file=%s=<(openssl rand -base64 32) \\" $keys.fingerprintKey) -}}
{{- $lines = append $lines (printf "    --from-file=%s=<(openssl rand -base64 32)" $keys.reconsentKey) -}}
{{- include "pilotlight.problem" (join "\n" $lines) -}}
{{- end -}}
{{- $ids := list -}}
{{- range $keys.seal -}}{{- $ids = append $ids .id -}}{{- end -}}
{{- if ne (len $ids) (len (uniq $ids)) -}}{{- include "pilotlight.problem" "keys.seal has an id twice" -}}{{- end -}}
{{- if and (gt (len $ids) 1) (not $keys.sealWith) -}}
{{- include "pilotlight.problem" (printf "keys.seal has several keys (%s): say in keys.sealWith which one seals. The old one, until every pod can open the new one" (join ", " $ids)) -}}
{{- end -}}
{{- if and $keys.sealWith (not (has $keys.sealWith $ids)) -}}
{{- include "pilotlight.problem" (printf "keys.sealWith is %s, which keys.seal does not have (%s)" $keys.sealWith (join ", " $ids)) -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.validateWorkloads" -}}
{{- $values := .Values -}}
{{- $drain := include "pilotlight.drainSeconds" . | int64 -}}
{{- if lt (include "pilotlight.graceSeconds" . | int64) (add $drain 10) -}}
{{- include "pilotlight.problem" (printf "terminationGracePeriodSeconds is too short: config.rotation.drainLimit takes %d s, and stopping 10 s more. Leave it empty for %d, or set at least %d" $drain (add $drain 30) (add $drain 10)) -}}
{{- end -}}
{{- range fromJsonArray (include "pilotlight.workloads" .) -}}
{{- $limit := dig "limits" "ephemeral-storage" "" (.own.resources | default $values.resources) -}}
{{- if and .spool (eq .kind "Deployment") $limit -}}
{{- $size := $values.spool.emptyDir.sizeLimit -}}
{{- if le (include "pilotlight.mebibytes" (list $limit "resources.limits.ephemeral-storage") | int64) (include "pilotlight.mebibytes" (list $size "spool.emptyDir.sizeLimit") | int64) -}}
{{- include "pilotlight.problem" (printf "resources.limits.ephemeral-storage (%s) is not above spool.emptyDir.sizeLimit (%s): a pod would be evicted before its spool is full" $limit $size) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (not $values.roles.split) (or $values.worker.replicas $values.worker.externalAutoscaler) -}}
{{- include "pilotlight.problem" "worker.replicas and worker.externalAutoscaler are for split roles: set roles.split, or replicas" -}}
{{- end -}}
{{- $allStateful := and (eq $values.spool.kind "pvc") (not $values.roles.split) -}}
{{- if and $values.strategy $allStateful -}}
{{- include "pilotlight.problem" "strategy is for Deployments, and spool.kind pvc makes a StatefulSet: use updateStrategy" -}}
{{- end -}}
{{- if and $values.updateStrategy (ne $values.spool.kind "pvc") -}}
{{- include "pilotlight.problem" "updateStrategy is for StatefulSets, which only spool.kind pvc makes: use strategy" -}}
{{- end -}}
{{- if $values.keda.enabled -}}
{{- if not $values.roles.split -}}{{- include "pilotlight.problem" "keda.enabled needs roles.split: schedulers are not scaled by the age of waiting jobs" -}}{{- end -}}
{{- if not $values.keda.prometheusAddress -}}{{- include "pilotlight.problem" "keda.enabled needs keda.prometheusAddress, such as http://prometheus.monitoring.svc:9090" -}}{{- end -}}
{{- if $values.worker.externalAutoscaler -}}{{- include "pilotlight.problem" "keda.enabled and worker.externalAutoscaler: two autoscalers would fight over one workload. Keep one" -}}{{- end -}}
{{- if not (kindIs "invalid" $values.worker.replicas) -}}{{- include "pilotlight.problem" "keda.enabled and worker.replicas: KEDA sets the number. Leave worker.replicas empty and use keda.minReplicas and keda.maxReplicas" -}}{{- end -}}
{{- if gt (int64 $values.keda.minReplicas) (int64 $values.keda.maxReplicas) -}}{{- include "pilotlight.problem" "keda.minReplicas is above keda.maxReplicas" -}}{{- end -}}
{{- else if and $values.worker.externalAutoscaler (not (kindIs "invalid" $values.worker.replicas)) -}}
{{- include "pilotlight.problem" "worker.externalAutoscaler and worker.replicas: the autoscaler sets the number. Leave worker.replicas empty" -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.validateWeb" -}}
{{- $values := .Values -}}
{{- $config := $values.config | default dict -}}
{{- if eq (int64 $values.ports.web) (int64 $values.ports.health) -}}{{- include "pilotlight.problem" "ports.web and ports.health are the same: probes and metrics have no login and need a port of their own" -}}{{- end -}}
{{- $login := dig "web" "login" dict $config -}}
{{- if and $login (not $values.pages.existingSecret) -}}
{{- include "pilotlight.problem" "config.web.login is set without pages.existingSecret, the Secret with the token people sign in with. It stays for the night single sign-on is away" -}}
{{- end -}}
{{- if and $login.oidc (not $values.pages.oidc.existingSecret) -}}{{- include "pilotlight.problem" "config.web.login.oidc is set without pages.oidc.existingSecret, the Secret with its client secret" -}}{{- end -}}
{{- if and $values.pages.oidc.existingSecret (not $login.oidc) -}}{{- include "pilotlight.problem" "pages.oidc.existingSecret is set without config.web.login.oidc, which says issuer, clientId, url and allowed" -}}{{- end -}}
{{- if and $values.pages.existingSecret (not $values.pages.sessionKey) (or $values.roles.split (gt (int64 $values.replicas) 1)) -}}
{{- include "pilotlight.problem" "pages.sessionKey is empty with more than one pod: each would sign sessions of its own, and sign people out at every other click" -}}
{{- end -}}
{{- if $values.ingress.enabled -}}
{{- $url := dig "reconsent" "publicUrl" "" $config -}}
{{- if not $url -}}{{- include "pilotlight.problem" "ingress.enabled needs config.reconsent.publicUrl: the Ingress publishes the re-consent pages and nothing else" -}}
{{- else -}}
{{- $public := urlParse $url -}}
{{- if not (has $public.path (list "" "/")) -}}
{{- include "pilotlight.problem" (printf "config.reconsent.publicUrl has a path (%s), which an Ingress would have to cut off: use a host of its own, or route it yourself with ingress.enabled off" $public.path) -}}
{{- end -}}
{{- if and $values.ingress.host (ne $values.ingress.host $public.hostname) -}}
{{- include "pilotlight.problem" (printf "ingress.host is %s, but config.reconsent.publicUrl leads to %s: customers would reach nothing. Leave ingress.host empty" $values.ingress.host $public.hostname) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Variables: none that the chart decides, none with a secret in clear. */}}
{{- define "pilotlight.validateEnv" -}}
{{- $decided := dict "PILOTLIGHT_CONFIG" "config" "PILOTLIGHT_ENVIRONMENT" "environment" "PILOTLIGHT_ROLE" "roles.split" "PILOTLIGHT_DATA_DIR" "spool.kind" "PILOTLIGHT_STORE" "nothing" "PILOTLIGHT_WEB_HOST" "nothing" "PILOTLIGHT_WEB_PORT" "ports.web" "REDIS_URL" "redis.existingUrlSecret" -}}
{{- range .Values.extraEnv -}}
{{- if hasKey $decided .name -}}{{- include "pilotlight.problem" (printf "extraEnv: %s is decided elsewhere: take it out and set %s" .name (get $decided .name)) -}}{{- end -}}
{{- if and .value (regexMatch "(?:^|_)(?:SECRET|PASSWORD|TOKEN|KEY)$" (upper .name)) -}}
{{- include "pilotlight.problem" (printf "extraEnv: %s has a plain value and sounds like a secret, which would stand in the manifest: use secretEnv" .name) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.secretFiles -}}{{- $names = append $names .name -}}{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}{{- include "pilotlight.problem" "secretFiles has a name twice" -}}{{- end -}}
{{- end }}

{{/* Files and variables that config names and nothing brings. */}}
{{- define "pilotlight.validateHeld" -}}
{{- $root := . -}}
{{- $config := .Values.config | default dict -}}
{{- range $name, $source := $config.clients | default dict -}}
{{- range $key := list "clientIdEnv" "clientSecretEnv" -}}
{{- with get ($source | default dict) $key -}}{{- include "pilotlight.needEnv" (list $root . (printf "config.clients.%s.%s" $name $key)) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $channel := dig "alerts" "channels" dict $config -}}
{{- $at := printf "config.alerts.channels.%s" $name -}}
{{- $secrets := get (dict "pagerduty" (list "routingKey") "slack" (list "webhook" "token") "webhook" (list "secret")) $channel.kind | default list -}}
{{- $holder := $channel -}}
{{- if and (eq $channel.kind "email") (dig "smtp" "user" "" $channel) -}}{{- $secrets = list "password" -}}{{- $holder = $channel.smtp -}}{{- end -}}
{{- $held := false -}}
{{- range $secret := $secrets -}}
{{- with get $holder (printf "%sEnv" $secret) -}}{{- $held = true -}}{{- include "pilotlight.needEnv" (list $root . (printf "%s.%sEnv" $at $secret)) -}}{{- end -}}
{{- with get $holder (printf "%sFile" $secret) -}}{{- $held = true -}}{{- include "pilotlight.needFile" (list $root . (printf "%s.%sFile" $at $secret)) -}}{{- end -}}
{{- end -}}
{{- if and $secrets (not $held) -}}
{{- include "pilotlight.problem" (printf "%s has no secret: add one to secretFiles and set %sFile to /etc/pilotlight/secrets/<name>" $at (first $secrets)) -}}
{{- end -}}
{{- end -}}
{{- range dig "alerts" "routes" list $config -}}
{{- if not (hasKey (dig "alerts" "channels" dict $config) .channel) -}}{{- include "pilotlight.problem" (printf "config.alerts.routes names the channel %s, which config.alerts.channels does not have" .channel) -}}{{- end -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.needEnv" -}}
{{- $values := (index . 0).Values -}}
{{- $names := list -}}
{{- range concat $values.secretEnv $values.extraEnv -}}{{- $names = append $names .name -}}{{- end -}}
{{- if not (or (has (index . 1) $names) $values.extraEnvFrom) -}}
{{- include "pilotlight.problem" (printf "%s names the variable %s, which no pod has: add it to secretEnv" (index . 2) (index . 1)) -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.needFile" -}}
{{- $values := (index . 0).Values -}}
{{- $file := index . 1 -}}
{{- $there := false -}}
{{- range $values.secretFiles -}}{{- if eq $file (printf "/etc/pilotlight/secrets/%s" .name) -}}{{- $there = true -}}{{- end -}}{{- end -}}
{{- range $values.extraVolumeMounts -}}{{- if hasPrefix (trimSuffix "/" .mountPath) $file -}}{{- $there = true -}}{{- end -}}{{- end -}}
{{- if not $there -}}
{{- include "pilotlight.problem" (printf "%s names %s, which no pod has: add it to secretFiles, or mount it with extraVolumeMounts" (index . 2) $file) -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.validateWatching" -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- include "pilotlight.problem" "podMonitor and serviceMonitor are both on: every pod would be scraped twice. Keep one" -}}
{{- end -}}
{{- end }}
