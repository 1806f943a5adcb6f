{{/* pilotlight.yaml: what the chart derives, and config merged over it. */}}

{{- define "pilotlight.reconsents" -}}
{{- if dig "reconsent" "publicUrl" "" (.Values.config | default dict) -}}true{{- end -}}
{{- end }}

{{- define "pilotlight.redisKinds" -}}
{{- $kinds := list -}}
{{- with .Values.redis -}}
{{- if .url -}}{{- $kinds = append $kinds "redis.url" -}}{{- end -}}
{{- if .existingUrlSecret.name -}}{{- $kinds = append $kinds "redis.existingUrlSecret.name" -}}{{- end -}}
{{- if .cluster.nodes -}}{{- $kinds = append $kinds "redis.cluster.nodes" -}}{{- end -}}
{{- if .sentinel.nodes -}}{{- $kinds = append $kinds "redis.sentinel.nodes" -}}{{- end -}}
{{- end -}}
{{- toJson $kinds -}}
{{- end }}

{{/* The section redis, without what is empty. */}}
{{- define "pilotlight.redisConfig" -}}
{{- $redis := .Values.redis -}}
{{- $out := dict "prefix" $redis.prefix -}}
{{- with $redis.url -}}{{- $_ := set $out "url" . -}}{{- end -}}
{{- with $redis.cluster.nodes -}}{{- $_ := set $out "cluster" (dict "nodes" .) -}}{{- end -}}
{{- with $redis.sentinel -}}
{{- if .nodes -}}
{{- $sentinel := dict "name" .name "nodes" .nodes -}}
{{- if .username -}}{{- $_ := set $sentinel "username" .username -}}{{- end -}}
{{- if .existingSecret -}}{{- $_ := set $sentinel "passwordFile" "/etc/pilotlight/redis/sentinel-password" -}}{{- end -}}
{{- if .tls -}}{{- $_ := set $sentinel "tls" true -}}{{- end -}}
{{- $_ := set $out "sentinel" $sentinel -}}
{{- end -}}
{{- end -}}
{{- if not (kindIs "invalid" $redis.database) -}}{{- $_ := set $out "database" (int64 $redis.database) -}}{{- end -}}
{{- with $redis.username -}}{{- $_ := set $out "username" . -}}{{- end -}}
{{- if $redis.existingSecret -}}{{- $_ := set $out "passwordFile" "/etc/pilotlight/redis/password" -}}{{- end -}}
{{- $tls := dict -}}
{{- with $redis.tls -}}
{{- if .enabled -}}{{- $_ := set $tls "enabled" true -}}{{- end -}}
{{- if and .existingSecret .caKey -}}{{- $_ := set $tls "caFile" "/etc/pilotlight/redis/ca.crt" -}}{{- end -}}
{{- if and .existingSecret .certKey -}}{{- $_ := set $tls "certFile" "/etc/pilotlight/redis/tls.crt" -}}{{- end -}}
{{- if and .existingSecret .keyKey -}}{{- $_ := set $tls "keyFile" "/etc/pilotlight/redis/tls.key" -}}{{- end -}}
{{- if .serverName -}}{{- $_ := set $tls "serverName" .serverName -}}{{- end -}}
{{- end -}}
{{- if $tls -}}{{- $_ := set $out "tls" $tls -}}{{- end -}}
{{- toJson $out -}}
{{- end }}

{{- define "pilotlight.derivedConfig" -}}
{{- $values := .Values -}}
{{- $store := dict "kind" "aws" -}}
{{- with $values.aws.region -}}{{- $_ := set $store "aws" (dict "region" .) -}}{{- end -}}
{{- $ring := dict "directory" "/etc/pilotlight/keys/seal" -}}
{{- with $values.keys.sealWith -}}{{- $_ := set $ring "sealWith" . -}}{{- end -}}
{{- $web := dict "host" "0.0.0.0" "port" (int64 $values.ports.web) "healthPort" (int64 $values.ports.health) -}}
{{- with $values.pages -}}
{{- if .existingSecret -}}
{{- $login := dict "tokenFile" "/etc/pilotlight/login/token" -}}
{{- if .sessionKey -}}{{- $_ := set $login "keyFile" "/etc/pilotlight/login/session.key" -}}{{- end -}}
{{- if .oidc.existingSecret -}}{{- $_ := set $login "oidc" (dict "clientSecretFile" "/etc/pilotlight/login/oidc-client-secret") -}}{{- end -}}
{{- $_ := set $web "login" $login -}}
{{- end -}}
{{- end -}}
{{- $config := dict
    "environment" $values.environment
    "dataDir" "/var/lib/pilotlight"
    "store" $store
    "redis" (fromJson (include "pilotlight.redisConfig" .))
    "spool" (dict "keys" $ring "fingerprintKeyFile" "/etc/pilotlight/keys/fingerprint.key")
    "web" $web -}}
{{- if include "pilotlight.reconsents" . -}}
{{- $_ := set $config "reconsent" (dict "keyFile" "/etc/pilotlight/keys/reconsent.key") -}}
{{- end -}}
{{- toJson $config -}}
{{- end }}

{{/* Settings of which another value decides: the path in config, and what to set instead. */}}
{{- define "pilotlight.decidedElsewhere" -}}
environment: environment
role: roles.split
dataDir: the chart's own /var/lib/pilotlight, whose kind is spool.kind
store.kind: nothing (the chart runs on AWS Secrets Manager; a file store would be a truth of its own in each pod)
store.file: nothing (the chart runs on AWS Secrets Manager)
store.aws.region: aws.region
redis.url: redis.url
redis.cluster: redis.cluster
redis.sentinel: redis.sentinel
redis.database: redis.database
redis.username: redis.username
redis.passwordFile: redis.existingSecret
redis.tls: redis.tls
redis.prefix: redis.prefix
spool.directory: spool.kind
spool.keys.directory: keys.existingSecret
spool.keys.sealWith: keys.sealWith
spool.fingerprintKeyFile: keys.fingerprintKey
web.host: nothing (pods listen on all their addresses)
web.port: ports.web
web.healthPort: ports.health
web.statusPage: pages.existingSecret (pages without a login are not served to a cluster)
web.login.tokenFile: pages.existingSecret
web.login.tokenEnv: pages.existingSecret
web.login.keyFile: pages.sessionKey
web.login.oidc.clientSecretFile: pages.oidc.existingSecret
web.login.oidc.clientSecretEnv: pages.oidc.existingSecret
reconsent.keyFile: keys.reconsentKey
sandbox: nothing (no token request would reach a provider)
{{- end }}

{{/* What stands at a dotted path, as JSON; nothing where nothing does. (list tree "a.b.c") */}}
{{- define "pilotlight.at" -}}
{{- $at := index . 0 -}}
{{- $found := true -}}
{{- range splitList "." (index . 1) -}}
{{- if and $found (kindIs "map" $at) (hasKey $at .) -}}{{- $at = get $at . -}}{{- else -}}{{- $found = false -}}{{- end -}}
{{- end -}}
{{- if and $found (not (kindIs "invalid" $at)) -}}{{- toJson $at -}}{{- end -}}
{{- end }}

{{/* Says where config says otherwise than the value that decides. */}}
{{- define "pilotlight.refuseOverrides" -}}
{{- $derived := fromJson (include "pilotlight.derivedConfig" .) -}}
{{- $config := .Values.config | default dict -}}
{{- range $path, $instead := fromYaml (include "pilotlight.decidedElsewhere" .) -}}
{{- $said := include "pilotlight.at" (list $config $path) -}}
{{- if and $said (ne $said (include "pilotlight.at" (list $derived $path))) -}}
{{- include "pilotlight.problem" (printf "config.%s is decided elsewhere: take it out and set %s" $path $instead) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.configFile" -}}
{{- $derived := fromJson (include "pilotlight.derivedConfig" .) -}}
{{- toYaml (mergeOverwrite $derived (deepCopy (.Values.config | default dict))) -}}
{{- end }}
