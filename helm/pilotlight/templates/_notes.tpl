{{/* Names of all Secrets the pods mount or take variables from, as a JSON list. */}}
{{- define "pilotlight.secretNames" -}}
{{- $values := .Values -}}
{{- $redis := $values.redis -}}
{{- $names := list $values.keys.existingSecret $redis.existingUrlSecret.name $redis.existingSecret $redis.tls.existingSecret $values.pages.existingSecret -}}
{{- if $redis.sentinel.nodes -}}{{- $names = append $names $redis.sentinel.existingSecret -}}{{- end -}}
{{- if $values.pages.existingSecret -}}{{- $names = append $names $values.pages.oidc.existingSecret -}}{{- end -}}
{{- range concat ($values.secretFiles | default list) ($values.secretEnv | default list) -}}{{- $names = append $names .existingSecret -}}{{- end -}}
{{- toJson (compact $names | uniq) -}}
{{- end }}

{{/* Minutes a rollout may take: a StatefulSet's pods go one after the other, a Deployment's old ones stop side by side. */}}
{{- define "pilotlight.rolloutMinutes" -}}
{{- $grace := include "pilotlight.graceSeconds" . | int64 -}}
{{- $seconds := 0 -}}
{{- range fromJsonArray (include "pilotlight.workloads" .) -}}
{{- $pods := ternary (int64 $.Values.keda.maxReplicas) (int64 .replicas) (lt (int64 .replicas) 0) -}}
{{- $one := ternary (add $grace 60) 60 (eq .kind "StatefulSet") -}}
{{- $seconds = max $seconds (add $grace 60 (mul $pods $one)) -}}
{{- end -}}
{{- div (add $seconds 59) 60 -}}
{{- end }}

{{/* Warnings computed from the values, as a JSON list: what is allowed, and yet should not be overlooked. */}}
{{- define "pilotlight.warnings" -}}
{{- $values := .Values -}}
{{- $config := $values.config | default dict -}}
{{- $out := list -}}
{{- if not $config.clients -}}
{{- $out = append $out "No client is configured: nothing can be refreshed. Add one to config.clients." -}}
{{- end -}}
{{- if not (dig "alerts" "channels" dict $config) -}}
{{- $out = append $out "No alert channel: nobody hears of a connection that dies. Add one to config.alerts.channels." -}}
{{- else if not (dig "alerts" "runbookUrl" "" $config) -}}
{{- $out = append $out "Alerts link to no runbook: set config.alerts.runbookUrl." -}}
{{- end -}}
{{- if not (or $values.podMonitor.enabled $values.serviceMonitor.enabled) -}}
{{- $out = append $out (printf "Nothing scrapes the metrics: switch podMonitor or serviceMonitor on, or scrape port %d yourself." (int64 $values.ports.health)) -}}
{{- end -}}
{{- if not $values.prometheusRule.enabled -}}
{{- $out = append $out "No alerting rule: a service that is dead tells nobody itself. Switch prometheusRule on." -}}
{{- else if not $values.prometheusRule.runbookUrl -}}
{{- $out = append $out "Rules link to no runbook: set prometheusRule.runbookUrl." -}}
{{- end -}}
{{- if eq $values.spool.kind "emptyDir" -}}
{{- $out = append $out "The spool is an emptyDir: an answer on its way to the store outlives its pod by the mirror in Redis alone. spool.kind pvc outlives the loss of both." -}}
{{- end -}}
{{- range fromJsonArray (include "pilotlight.workloads" .) -}}
{{- if eq (int64 .replicas) 1 -}}
{{- $out = append $out (printf "One %s pod: while its node is drained nothing is %s." (ternary "service" .component (eq .component "service")) (ternary "scheduled" "refreshed" (eq .component "scheduler"))) -}}
{{- end -}}
{{- end -}}
{{- if and $values.keda.enabled (eq $values.spool.kind "pvc") -}}
{{- $out = append $out "KEDA takes workers away, their claims stay: delete none while pilotlight_spool_records of its pod is above 0." -}}
{{- end -}}
{{- if not $values.podDisruptionBudget.enabled -}}
{{- $out = append $out "No PodDisruptionBudget: draining nodes may take all pods at once." -}}
{{- end -}}
{{- if not $values.networkPolicy.enabled -}}
{{- $out = append $out (printf "No NetworkPolicy: every pod of the cluster reaches port %d, which has no login." (int64 $values.ports.health)) -}}
{{- end -}}
{{- if or (hasPrefix "redis://" ($values.redis.url | default "")) (and (or $values.redis.cluster.nodes $values.redis.sentinel.nodes) (not $values.redis.tls.enabled)) -}}
{{- $out = append $out "Redis is spoken to in clear. No token is readable in it, but its password is: use rediss:// or redis.tls." -}}
{{- end -}}
{{- if not (or $values.redis.existingSecret $values.redis.existingUrlSecret.name) -}}
{{- $out = append $out "Redis has no password: whoever reaches it can stop all work. Set redis.existingSecret." -}}
{{- end -}}
{{- if and (dig "reconsent" "publicUrl" "" $config) (not $values.ingress.enabled) -}}
{{- $out = append $out "config.reconsent.publicUrl is set and ingress.enabled is not: route /reconsent/ and /oauth/callback/, and nothing else, to the pages yourself." -}}
{{- end -}}
{{- if and $values.ingress.enabled $values.networkPolicy.enabled (not $values.networkPolicy.pagesFrom) -}}
{{- $out = append $out "The network policy lets pods of this cluster reach the pages. If the Ingress is a load balancer outside of it, name its subnets in networkPolicy.pagesFrom." -}}
{{- end -}}
{{- if and $values.ingress.enabled (not $values.ingress.tls.enabled) (hasPrefix "https:" (dig "reconsent" "publicUrl" "" $config)) -}}
{{- $out = append $out "ingress.tls is off and config.reconsent.publicUrl is https: something before the Ingress must end TLS." -}}
{{- end -}}
{{- if eq $values.crds.whenMissing "skip" -}}
{{- $out = append $out "crds.whenMissing is skip: monitors, rules or scaling that the cluster does not know are left out without a word." -}}
{{- end -}}
{{- if not (or $values.image.digest (contains "/" $values.image.repository)) -}}
{{- $out = append $out (printf "image.repository is %s, without a registry: nodes must have the image, or set where it is." $values.image.repository) -}}
{{- end -}}
{{- if and (eq $values.image.tag "latest") (not $values.image.digest) -}}
{{- $out = append $out "image.tag is latest: pods of one rollout may run different versions. Name a version, or set image.digest." -}}
{{- end -}}
{{- toJson $out -}}
{{- end }}
