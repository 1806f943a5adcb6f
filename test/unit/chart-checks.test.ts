/**
 * The chart's checks themselves (`npm run test:chart`), where they are pure: each finds what it is for in something planted,
 * and leaves what is well alone. No Helm is needed here.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../chart/chart.ts';
import { runChecks, summarise, summaryLines } from '../chart/check.ts';
import { differences } from '../chart/helm-checks.ts';
import { applyProblems } from '../chart/manifest-checks.ts';
import { isMeant, optionalIn } from '../chart/null-checks.ts';
import { commandProblems } from '../chart/pod-checks.ts';
import { missingPaths, mountedIn } from '../chart/pod-files.ts';
import { beside, strict } from '../chart/schemas.ts';
import { findingsIn, unexcused } from '../chart/score.ts';
import { plant, typo, unnoticed } from '../chart/values-checks.ts';

const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { 'a.yaml': 'x: 1\n' } };

describe('a run', () => {
  test('counts each check once, tells what failed in words, and ends in the line CI reads', async () => {
    const results = await runChecks(
      [
        { group: 'one', what: 'well', run: async () => [], cases: () => 7 },
        { group: 'one', what: 'bad', run: async () => ['first\nsecond'] },
        { group: 'two', what: 'thrown', run: () => Promise.reject(new Error('no tool')) },
      ],
      2,
      () => undefined,
    );
    const summary = summarise(results);
    expect(summary).toMatchObject({
      ok: false,
      passed: 1,
      failed: 2,
      groups: { one: { passed: 1, failed: 1, cases: 8 } },
    });
    const lines = summaryLines(summary);
    expect(lines).toEqual(
      expect.arrayContaining(['✗ one: bad', '    second', '    no tool', '  one  1 passed, 1 failed, 8 cases']),
    );
    expect(lines.at(-1)).toMatch(/^ +Tests {2}2 failed \| 1 passed$/);
  });

  test('on a machine with nothing on it says all that is missing at once, and fails by one', async () => {
    const nowhere = await mkdtemp(join(tmpdir(), 'pilotlight-nothing-'));
    try {
      const main = join(import.meta.dirname, '../chart/main.ts');
      const ran = spawnSync(process.execPath, [main], {
        env: { PATH: nowhere, HOME: nowhere, XDG_CACHE_HOME: nowhere },
        encoding: 'utf8',
      });
      expect(ran.status).toBe(1);
      expect(ran.stdout).toMatch(/^ +Tests {2}1 failed$/m);
      for (const lacking of [/Go .*helm v4.*helm-docs v/, /promtool/, /python3 with pip/])
        expect(ran.stderr).toMatch(lacking);
      expect(await readdir(nowhere)).toEqual([]);
    } finally {
      await rm(nowhere, { recursive: true });
    }
  });

  test('that checked nothing is not well', () => expect(summarise([]).ok).toBe(false));
});

describe('a mistyped key', () => {
  const closed = { additionalProperties: false };
  const schema = {
    ...closed,
    $defs: { image: { ...closed, properties: { tag: {} } } },
    properties: {
      image: { $ref: '#/$defs/image' },
      list: { items: { ...closed, properties: { a: {} } } },
      either: { anyOf: [{}, { ...closed, properties: { b: {} } }] },
      rules: { propertyNames: { enum: ['Known'] }, additionalProperties: { ...closed, properties: { for: {} } } },
      loose: { properties: { c: {} } },
      labels: { additionalProperties: {} },
    },
  };

  test('is planted at every level that names its keys, and levels that let it pass are told', () => {
    const { values, levels, open } = plant(schema);
    expect(values).toEqual({
      [typo]: 1,
      image: { [typo]: 1 },
      list: [{ [typo]: 1 }],
      either: { [typo]: 1 },
      rules: { Known: { [typo]: 1 } },
    });
    expect(levels.toSorted()).toEqual(['', '/either', '/image', '/list/0', '/rules/Known']);
    expect(open).toEqual(['/loose']);
  });

  test('counts as refused only where Helm names its level and itself', () => {
    const said = `- at '/image': additional properties '${typo}' not allowed\n- at '': missing property`;
    expect(unnoticed(['/image', '', '/imag'], said)).toEqual(['', '/imag']);
  });
});

describe('schemas', () => {
  test('of operators refuse members the CRD does not name, and keep what it leaves open', () => {
    const made = strict({
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { port: { 'x-kubernetes-int-or-string': true, anyOf: [] } } },
        free: { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true },
        map: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { a: { nullable: true, type: 'string' } } },
        },
      },
    });
    expect(made).toEqual({
      type: 'object',
      additionalProperties: false,
      required: ['apiVersion', 'kind', 'metadata'],
      properties: {
        spec: { type: 'object', additionalProperties: false, properties: { port: { type: ['integer', 'string'] } } },
        free: { type: 'object', properties: {} },
        map: {
          type: 'object',
          additionalProperties: {
            type: 'object',
            additionalProperties: false,
            properties: { a: { type: ['string', 'null'] } },
          },
        },
      },
    });
  });

  test('of Kubernetes look for what they refer to in the file beside them', () => {
    const text = JSON.stringify({ $id: 'https://a.example/api/x', $ref: '/api/_definitions.json#/$defs/y' });
    expect(JSON.parse(beside(text))).toEqual({ $ref: '_definitions.json#/$defs/y' });
  });
});

describe('manifests', () => {
  const pod = (container: object): Manifest => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a', image: 'i', ...container }] },
  });

  test('that differ, lack or add something between the Helms are named, and nothing is no likeness', () => {
    const changed = { ...configMap, data: {} };
    expect(differences([configMap], [configMap])).toEqual([]);
    expect(differences([configMap], [changed])).toEqual(['ConfigMap/c is not the same']);
    expect(differences([configMap], [configMap, pod({})])).toEqual(['Pod/p is not the same']);
    expect(differences([], [])).toEqual(['renders nothing']);
  });

  test('may not name a variable, port or mount twice, or a member without a value', () => {
    expect(applyProblems(pod({ env: [{ name: 'A', value: '' }, { name: 'B' }] }))).toEqual([]);
    expect(applyProblems(pod({ env: [{ name: 'A' }, { name: 'A' }] }))).toEqual([
      'Pod/p: a: the variable A stands twice',
    ]);
    expect(applyProblems(pod({ resources: null }))).toEqual(['Pod/p.spec.containers.0.resources has no value']);
  });

  test('are scored: what is critical and not excused is told, what was left out is not', () => {
    const check = (id: string, grade: number, skipped = false) => ({
      check: { id },
      grade,
      skipped,
      comments: [{ path: 'a', summary: 'says why' }],
    });
    const checks = [check('planted', 1), check('fine', 10), check('left-out', 1, true)];
    const json = JSON.stringify([{ type_meta: { kind: 'Pod' }, object_meta: { name: 'p' }, checks }]);
    expect(unexcused(findingsIn(json))).toEqual(['Pod/p: planted: a says why']);
  });
});

describe('pods', () => {
  const volumeMounts = [
    { name: 'config', mountPath: '/etc/app' },
    { name: 'one', mountPath: '/etc/one.yaml', subPath: 'a.yaml' },
    { name: 'keys', mountPath: '/etc/keys' },
    { name: 'whole', mountPath: '/etc/whole' },
    { name: 'data', mountPath: '/data' },
  ];
  const volumes = [
    { name: 'config', configMap: { name: 'c' } },
    { name: 'one', configMap: { name: 'c' } },
    { name: 'keys', secret: { secretName: 's', items: [{ key: 'k', path: 'seal/1.key' }] } },
    { name: 'whole', secret: { secretName: 't' } },
    { name: 'data', emptyDir: {} },
  ];
  const container = { name: 'a', image: 'i', volumeMounts };

  test('have the files of their ConfigMaps and Secrets, and a path that leads nowhere is told', () => {
    const mounted = mountedIn(container, { containers: [container], volumes }, [configMap]);
    expect([...mounted.files.keys()]).toEqual(['/etc/app/a.yaml', '/etc/one.yaml', '/etc/keys/seal/1.key']);
    const config = {
      keyFile: '/etc/keys/seal/1.key',
      otherFile: '/etc/keys/2.key',
      unknownFile: '/etc/whole/anything',
      directory: '/data/spool',
      lost: ['/var/lost'],
      url: 'https://a.example',
    };
    expect(missingPaths(config, mounted)).toEqual([
      'otherFile: nothing is mounted at /etc/keys/2.key',
      'lost: nothing is mounted at /var/lost',
    ]);
  });

  test('may not mount what they do not have', () => {
    expect(() => mountedIn(container, { containers: [container], volumes: [] }, [])).toThrow(/config/);
    const keyed = {
      ...volumes[0],
      configMap: { name: 'c', items: [{ key: 'b.yaml', path: 'b' }] },
    } as (typeof volumes)[0];
    expect(() => mountedIn(container, { containers: [], volumes: [keyed, ...volumes.slice(1)] }, [configMap])).toThrow(
      /b\.yaml/,
    );
  });

  test.for<[argv: string[], problems: string[]]>([
    [['run'], []],
    [['run', '--role', 'worker', '--config', '/a'], []],
    [['--config', '/a', 'doctor', '-o', 'json'], []],
    [['config', 'validate', '-c', '/a'], []],
    [['rnu'], ['there is no command rnu']],
    [
      ['run', '--rôle', 'worker'],
      ['does not know --rôle', 'does not know worker'],
    ],
    [['doctor', 'now'], ['does not take now']],
    [['config'], ['there is no command (none given)']],
  ])('start commands that exist: %j', ([argv, problems]) => expect(commandProblems(argv)).toEqual(problems));
});

describe('values taken away', () => {
  test('are those the schema does not require, whole sections too', () => {
    const values = { replicas: 2, tag: '', resources: { limits: {} }, redis: { url: '', prefix: 'p' } };
    const redis = { required: ['prefix'], properties: { url: {}, prefix: {} } };
    const schema = { required: ['replicas', 'redis'], properties: { replicas: {}, tag: {}, resources: {}, redis } };
    expect(optionalIn(values, schema)).toEqual([['tag'], ['resources'], ['redis', 'url']]);
  });

  test.for<[said: string, meant: boolean]>([
    ["- at '/redis': missing property 'tls'", true],
    ['these values contradict themselves or leave something out:\n- no Redis', true],
    ['nil pointer evaluating interface {}.nodes', false],
    ['error calling include: these values contradict themselves', false],
    ['size: "<nil>" is not a size, these values contradict themselves', false],
    ['YAML parse error on pilotlight/templates/deployment.yaml', false],
  ])('are refused in words of the chart, not by a broken template: %s', ([said, meant]) =>
    expect(isMeant(said)).toBe(meant));
});
