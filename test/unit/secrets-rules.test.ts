/**
 * The file store's rules against the Secrets Manager double's, which were written apart: whatever is asked of both, both
 * allow or refuse it, and end with the same labels on the same versions.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import type { PilotlightError } from '../../src/runtime/errors.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { createSecretsManagerDouble } from '../../src/sandbox/secrets-manager/double.ts';
import { moveStage, put, type SecretDocument, tag, untag } from '../../src/secrets/file-document.ts';

const ids = Array.from({ length: 6 }, (_, i) => `${i}`.repeat(32));
const labels = ['AWSCURRENT', 'AWSPREVIOUS', 'PILOTLIGHT_PENDING', 'MINE'];
const id = fc.constantFrom(...ids);
const label = fc.constantFrom(...labels);

const command = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    id,
    value: fc.constantFrom('one', 'two'),
    stages: fc.uniqueArray(label, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('move' as const), label, from: fc.option(id), to: fc.option(id) }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

function allowed(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

function labelsOf(versions: readonly { versionId: string; stages: readonly string[] }[]) {
  return Object.fromEntries(versions.map((version) => [version.versionId, [...version.stages].sort()]));
}

function empty(): SecretDocument {
  return { name: 'a', tags: {}, versions: [], writes: [] };
}

test('both stores agree on every sequence of puts and moves', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 25 }), (commands: Command[]) => {
      const double = createSecretsManagerDouble({
        clock: systemClock(),
        random: seededRandom(1),
        secrets: [{ name: 'a' }],
      });
      let document = empty();
      for (const step of commands) {
        const ours = allowed(() => {
          if (step.kind === 'put') {
            const value = { text: new Secret(step.value) };
            document = put(document, { versionId: step.id, value, stages: step.stages }, 0);
          } else {
            document = moveStage(document, {
              stage: step.label,
              from: step.from ?? undefined,
              to: step.to ?? undefined,
            });
          }
        });
        const theirs = allowed(() => {
          if (step.kind === 'put') double.secrets.put('a', step.value, { versionId: step.id, stages: step.stages });
          else {
            const from = step.from === null ? {} : { from: step.from };
            double.secrets.moveStage('a', step.label, step.to === null ? from : { ...from, to: step.to });
          }
        });
        expect(ours).toBe(theirs);
        expect(labelsOf(document.versions)).toEqual(labelsOf(double.secrets.versions('a')));
      }
    }),
    { numRuns: 400 },
  );
});

test('no label is ever on two versions, and AWSCURRENT never goes away', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands: Command[]) => {
      let document = put(
        empty(),
        { versionId: 'f'.repeat(32), value: { text: new Secret('x') }, stages: ['AWSCURRENT'] },
        0,
      );
      for (const step of commands) {
        const before = document;
        allowed(() => {
          const move = { stage: step.kind === 'move' ? step.label : 'MINE', from: undefined, to: undefined };
          document =
            step.kind === 'put'
              ? put(document, { versionId: step.id, value: { text: new Secret(step.value) }, stages: step.stages }, 0)
              : moveStage(document, { ...move, from: step.from ?? undefined, to: step.to ?? undefined });
        });
        const held = document.versions.flatMap((version) => version.stages);
        expect(new Set(held).size).toBe(held.length);
        expect(held).toContain('AWSCURRENT');
        expect(before.versions.length).toBeLessThanOrEqual(document.versions.length);
      }
    }),
  );
});

describe('the file store refuses', () => {
  const value = { text: new Secret('x') };
  const base = put(empty(), { versionId: 'a'.repeat(32), value, stages: ['AWSCURRENT'] }, 0);
  const refusal = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as PilotlightError).code;
    }
    return undefined;
  };

  test.each([
    ['a short version id', { versionId: 'a'.repeat(31), value, stages: ['L'] }],
    ['a long version id', { versionId: 'a'.repeat(65), value, stages: ['L'] }],
    ['no label', { versionId: 'b'.repeat(32), value, stages: [] }],
    ['21 labels', { versionId: 'b'.repeat(32), value, stages: Array.from({ length: 21 }, (_, i) => `L${i}`) }],
    ['an empty label', { versionId: 'b'.repeat(32), value, stages: [''] }],
    ['an empty value', { versionId: 'b'.repeat(32), value: { binary: Buffer.alloc(0) }, stages: ['L'] }],
  ])('%s', (_, version) => expect(refusal(() => put(base, version, 0))).toBe('store_invalid'));

  test('a version when a hundred labelled ones are there', () => {
    let document = base;
    for (let i = 0; i < 99; i++) {
      const versionId = String(i).padStart(32, '0');
      document = put(document, { versionId, value, stages: [`L${i}`] }, 0);
    }
    expect(refusal(() => put(document, { versionId: 'z'.repeat(32), value, stages: ['ONE_MORE'] }, 0))).toBe(
      'store_limit',
    );
  });

  test('tags out of range, and changes nothing when there is nothing to untag', () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
    for (const tags of [many, { '': 'v' }, { ['k'.repeat(129)]: 'v' }, { k: 'v'.repeat(257) }]) {
      expect(refusal(() => tag(base, tags))).toBe('store_invalid');
    }
    expect(untag(base, ['none'])).toBe(base);
  });
});
