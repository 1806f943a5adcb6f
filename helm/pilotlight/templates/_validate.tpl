{{/* Contradictions, refused before anything is installed: all of them at once, each with what to do. */}}

{{- define "pilotlight.validate" -}}
{{- $problems := list
    (include "pilotlight.validateNames" .)
    (include "pilotlight.validateRedis" .)
    (include "pilotlight.validateRedisLogin" .)
    (include "pilotlight.validateKeys" .)
    (include "pilotlight.refuseOverrides" .)
    (include "pilotlight.validateLimits" .)
    (include "pilotlight.validateRoom" .)
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

{{/* A Service's name begins with a letter, a release's need not. */}}
{{- define "pilotlight.validateNames" -}}
{{- $full := include "pilotlight.fullname" . -}}
{{- if regexMatch "^[0-9]" $full -}}
{{- include "pilotlight.problem" (printf "the name %s begins with a digit, as a Service's may not: set fullnameOverride" $full) -}}
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
{{- $held := list $keys.fingerprintKey $keys.reconsentKey -}}
{{- range $keys.seal -}}{{- $held = append $held .key -}}{{- end -}}
{{- if ne (len $held) (len (uniq $held)) -}}
{{- include "pilotlight.problem" (printf "keys: one key of the Secret serves two purposes (%s): each needs one of its own" (join ", " $held)) -}}
{{- end -}}
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
{{- include "pilotlight.problem" (printf "terminationGracePeriodSeconds is too short: config.rotation.drainLimit and requestLimit take %d s, and stopping 10 s more. Leave it empty for %d, or set at least %d" $drain (add $drain 30) (add $drain 10)) -}}
{{- end -}}
{{- range fromJsonArray (include "pilotlight.workloads" .) -}}
{{- $resources := .own.resources | default $values.resources | default dict -}}
{{- $limit := dig "limits" "ephemeral-storage" "" $resources -}}
{{- if and (eq .kind "Deployment") $limit -}}
{{- $size := include "pilotlight.dataSize" (list $ .) -}}
{{- $of := ternary "spool.emptyDir.sizeLimit" "what a scheduler's audit trail may come to" .spool -}}
{{- if le (include "pilotlight.mebibytes" (list $limit "resources.limits.ephemeral-storage") | int64) (include "pilotlight.mebibytes" (list $size $of) | int64) -}}
{{- include "pilotlight.problem" (printf "resources.limits.ephemeral-storage (%s) of the %s is not above %s (%s): a pod would be evicted before that is full" $limit .component $of $size) -}}
{{- end -}}
{{- end -}}
{{- include "pilotlight.validateMemory" (list .component $resources) -}}
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
{{- if not (and (eq $public.scheme "https") $public.hostname) -}}
{{- include "pilotlight.problem" (printf "config.reconsent.publicUrl is %s, where customers need https:// and a host, such as https://connect.example.com" $url) -}}
{{- else if not (has $public.path (list "" "/")) -}}
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
{{- range concat (.Values.secretEnv | default list) (.Values.extraEnv | default list) -}}
{{- if hasKey $decided .name -}}{{- include "pilotlight.problem" (printf "extraEnv and secretEnv: %s is decided elsewhere: take it out and set %s" .name (get $decided .name)) -}}{{- end -}}
{{- if and .value (regexMatch "(?:^|_)(?:SECRET|PASSWORD|TOKEN|KEY)$" (upper .name)) -}}
{{- include "pilotlight.problem" (printf "extraEnv: %s has a plain value and sounds like a secret, which would stand in the manifest: use secretEnv" .name) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.secretFiles -}}{{- $names = append $names .name -}}{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}{{- include "pilotlight.problem" "secretFiles has a name twice" -}}{{- end -}}
{{- $variables := list -}}
{{- range .Values.secretEnv -}}{{- $variables = append $variables .name -}}{{- end -}}
{{- if ne (len $variables) (len (uniq $variables)) -}}{{- include "pilotlight.problem" "secretEnv has a name twice" -}}{{- end -}}
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
{{- with dig "tracing" "headersFile" "" $config -}}
{{- include "pilotlight.needFile" (list $root . "config.tracing.headersFile") -}}
{{- if not (dig "tracing" "endpoint" "" $config) -}}{{- include "pilotlight.problem" "config.tracing.headersFile is set without config.tracing.endpoint: nothing is traced" -}}{{- end -}}
{{- end -}}
{{- with $config.providersDir -}}{{- include "pilotlight.needFolder" (list $root . "config.providersDir") -}}{{- end -}}
{{- range dig "alerts" "routes" list $config -}}
{{- if not (hasKey (dig "alerts" "channels" dict $config) .channel) -}}{{- include "pilotlight.problem" (printf "config.alerts.routes names the channel %s, which config.alerts.channels does not have" .channel) -}}{{- end -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.needEnv" -}}
{{- $values := (index . 0).Values -}}
{{- $names := list -}}
{{- range concat ($values.secretEnv | default list) ($values.extraEnv | default list) -}}{{- $names = append $names .name -}}{{- end -}}
{{- if not (or (has (index . 1) $names) $values.extraEnvFrom) -}}
{{- include "pilotlight.problem" (printf "%s names the variable %s, which no pod has: add it to secretEnv" (index . 2) (index . 1)) -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.needFile" -}}
{{- $values := (index . 0).Values -}}
{{- $file := index . 1 -}}
{{- $there := false -}}
{{- range $values.secretFiles -}}{{- if eq $file (printf "/etc/pilotlight/secrets/%s" .name) -}}{{- $there = true -}}{{- end -}}{{- end -}}
{{- if include "pilotlight.mountedAt" (list $values.extraVolumeMounts $file) -}}{{- $there = true -}}{{- end -}}
{{- if not $there -}}
{{- include "pilotlight.problem" (printf "%s names %s, which no pod has: add it to secretFiles, or mount it with extraVolumeMounts" (index . 2) $file) -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.needFolder" -}}
{{- if not (include "pilotlight.mountedAt" (list (index . 0).Values.extraVolumeMounts (index . 1))) -}}
{{- include "pilotlight.problem" (printf "%s names %s, which no pod has: mount it with extraVolumes and extraVolumeMounts" (index . 2) (index . 1)) -}}
{{- end -}}
{{- end }}

{{/* Whether a path lies at one of the mounts, or below it. (list mounts path) */}}
{{- define "pilotlight.mountedAt" -}}
{{- $path := index . 1 -}}
{{- range index . 0 -}}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $path) -}}true{{- end -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.validateWatching" -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled -}}
{{- include "pilotlight.problem" "podMonitor and serviceMonitor are both on: every pod would be scraped twice. Keep one" -}}
{{- end -}}
{{- end }}
