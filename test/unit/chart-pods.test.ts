/**
 * The chart's checks of its pods against the program (`npm run test:chart`), on manifests written here: what is well passes,
 * and each thing that could be wrong is found.
 */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Manifest } from '../chart/chart.ts';
import { configProblems, graceProblems, ingressProblems, probeProblems } from '../chart/pod-checks.ts';
import { ownContainers } from '../chart/pods.ts';

const configuration = `
store: { kind: aws, find: { prefix: oauth/connections/ }, aws: { region: eu-central-1 } }
dataDir: /var/lib/pilotlight
spool: { keys: { directory: /etc/pilotlight/keys/seal }, fingerprintKeyFile: /etc/pilotlight/keys/fingerprint.key }
web: { host: 0.0.0.0, port: 8080, healthPort: 8081 }
reconsent: { publicUrl: https://connect.example/esign, keyFile: /etc/pilotlight/keys/reconsent.key }
`;

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: pilotlight }
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 290
      containers:
        - name: pilotlight
          image: pilotlight:1
          args: [run, --config, /etc/pilotlight/pilotlight.yaml]
          env: [{ name: REDIS_URL, valueFrom: { secretKeyRef: { name: redis, key: url } } }]
          ports: [{ name: web, containerPort: 8080 }, { name: health, containerPort: 8081 }]
          startupProbe: { httpGet: { path: /livez, port: health } }
          livenessProbe: { httpGet: { path: /livez, port: health } }
          readinessProbe: { httpGet: { path: /readyz, port: health } }
          volumeMounts:
            - { name: config, mountPath: /etc/pilotlight/pilotlight.yaml, subPath: pilotlight.yaml }
            - { name: keys, mountPath: /etc/pilotlight/keys }
            - { name: data, mountPath: /var/lib/pilotlight }
      volumes:
        - { name: config, configMap: { name: pilotlight } }
        - { name: keys, secret: { secretName: keys, items: [{ key: a, path: seal/a.key }, { key: f, path: fingerprint.key }, { key: r, path: reconsent.key }] } }
        - { name: data, emptyDir: {} }
`;

const ingress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: pilotlight }
spec:
  rules:
    - host: connect.example
      http:
        paths:
          - { path: /esign/reconsent, pathType: Prefix, backend: { service: { name: pilotlight, port: { name: web } } } }
          - { path: /esign/oauth/callback, pathType: Prefix, backend: { service: { name: pilotlight, port: { name: web } } } }
`;

type Change = readonly [from: string, to: string];

/** The manifests above with one text replaced, and what all checks say of them. */
function problems(change?: Change): string[] {
  const changed = (text: string) => (change === undefined ? text : text.replace(change[0], change[1]));
  const whole = [deployment, ingress, configuration].join('');
  if (change !== undefined) expect(whole.split(change[0]).length, 'the text is there, once').toBe(2);
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pilotlight' } };
  const manifests: Manifest[] = [
    { ...config, data: { 'pilotlight.yaml': changed(configuration) } },
    parse(changed(deployment)) as Manifest,
    parse(changed(ingress)) as Manifest,
  ];
  const own = ownContainers(manifests);
  expect(own).toHaveLength(1);
  const found = own.flatMap((one) => [
    ...configProblems(one, manifests),
    ...probeProblems(one, manifests),
    ...graceProblems(one, manifests),
  ]);
  return [...found, ...ingressProblems(manifests)];
}

test('pods that fit the program pass every check', () => expect(problems()).toEqual([]));

test.for<[what: string, change: Change, says: RegExp]>([
  ['a setting that does not exist', ['dataDir:', 'dataDirectory:'], /dataDirectory/],
  ['no store said', ['kind: aws, ', ''], /store/],
  ['no Redis', ['[{ name: REDIS_URL, valueFrom: { secretKeyRef: { name: redis, key: url } } }]', '[]'], /redis/],
  ['a variable nobody reads', ['name: REDIS_URL,', 'name: PILOTLIGHT_REDIS,'], /PILOTLIGHT_REDIS/],
  ['a key that is not in its Secret', ['path: fingerprint.key', 'path: fingerprints.key'], /fingerprint\.key/],
  ['no folder to write to', ['mountPath: /var/lib/pilotlight', 'mountPath: /data'], /\/var\/lib\/pilotlight/],
  ['a configuration nobody mounts', ['--config, /etc/pilotlight/pilotlight.yaml', '--config, /etc/p.yaml'], /p\.yaml/],
  [
    'liveness that looks at readiness',
    ['livenessProbe: { httpGet: { path: /livez', 'livenessProbe: { httpGet: { path: /readyz'],
    /liveness asks for '\/readyz'/,
  ],
  ['a probe of a page that is not', ['path: /readyz', 'path: /ready'], /readiness asks for '\/ready'/],
  [
    'probes at the port of the pages',
    ['name: health, containerPort: 8081', 'name: health, containerPort: 8080'],
    /probes are on 8081/,
  ],
  ['a server that only its own pod reaches', ['host: 0.0.0.0', 'host: 127.0.0.1'], /cannot reach 127\.0\.0\.1/],
  [
    'no time to drain',
    ['terminationGracePeriodSeconds: 290', 'terminationGracePeriodSeconds: 30'],
    /given 30 s, needs 270 s/,
  ],
  ['an Ingress to everything', ['path: /esign/reconsent', 'path: /esign'], /opens \/esign\//],
  ['an Ingress to the metrics', ['path: /esign/oauth/callback', 'path: /metrics'], /opens \/metrics\//],
  [
    'an Ingress without the way back',
    ['path: /esign/oauth/callback', 'path: /esign/oauth'],
    /does not lead to \/esign\/oauth\/callback\//,
  ],
  ['an Ingress for another host', ['host: connect.example', 'host: other.example'], /is for other\.example/],
  ['an Ingress with no pages behind it', ['publicUrl: https://connect.example/esign, ', ''], /no pages|publicUrl/],
])('%s is found', ([, change, says]) => expect(problems(change).join('\n')).toMatch(says));
