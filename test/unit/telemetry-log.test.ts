/** The logger's two nets: what is not plain is refused, what looks like a credential is replaced. Nothing may throw. */
import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotlightError } from '../../src/runtime/errors.ts';
import type { LogFields } from '../../src/runtime/logger.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { installLastResort } from '../../src/telemetry/last-resort.ts';
import { createLogger, type LogLevel } from '../../src/telemetry/log.ts';
import { scrubText } from '../../src/telemetry/scrub.ts';

const jwt = 'eyJ0eXAiOiJNVCIsImFsZyI6IlJTMjU2In0.AQoAAAABAAUABwCAmQ1p.CANARY-signature_0123456789';
const adobeToken = '3AAABLblqZhCANARYuqlb-Q8h7pX0sT_9k*';
const opaque = `canary${'0123456789abcdef'.repeat(3)}`;

function logging(level: LogLevel = 'debug', base: LogFields = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    destination: { write: (line) => lines.push(line) },
    clock: { now: () => Date.UTC(2026, 10, 20, 8, 0, 0) },
    base,
  });
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? 'null');
  return { logger, lines, last };
}

describe('createLogger', () => {
  it('writes one JSON object a line with time, level word, event, base and fields', () => {
    const { logger, lines, last } = logging('info', { role: 'worker' });
    logger.warn('rotation.settled', {
      connection: 'acme/1',
      outcome: 'rotated',
      attempts: 2,
      estimated: false,
      next: null,
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('}\n')).toBe(true);
    expect(last()).toEqual({
      level: 'warn',
      time: '2026-11-20T08:00:00.000Z',
      role: 'worker',
      event: 'rotation.settled',
      connection: 'acme/1',
      outcome: 'rotated',
      attempts: 2,
      estimated: false,
      next: null,
    });
  });

  it('writes nothing below its level', () => {
    const { logger, lines } = logging('warn');
    logger.debug('a');
    logger.info('b');
    logger.error('c');
    expect(lines).toHaveLength(1);
  });

  it('refuses every value that is not plain, whatever it would print as', () => {
    const { logger, lines, last } = logging();
    const hostile = {
      secret: new Secret(jwt),
      error: new Error(jwt),
      object: { refresh_token: jwt },
      buffer: Buffer.from(jwt),
      date: new Date(0),
      mixed: ['a', { jwt }],
      fn: () => jwt,
      big: 10n,
      symbol: Symbol(jwt),
      json: { toJSON: () => jwt },
    };
    logger.info('x', hostile as unknown as LogFields);
    const { level, time, event, ...fields } = last();
    expect({ level, time, event }).toMatchObject({ level: 'info', event: 'x' });
    expect(new Set(Object.values(fields))).toEqual(new Set(['[refused]']));
    expect(Object.keys(fields)).toHaveLength(Object.keys(hostile).length);
    expect(lines.join('')).not.toContain('CANARY');
  });

  it('refuses an error or a response handed over in place of the fields', () => {
    const { logger, lines, last } = logging();
    logger.error('x', Object.assign(new Error(jwt), { config: jwt }) as unknown as LogFields);
    expect(last()).toMatchObject({ event: 'x', fields: '[refused]' });
    logger.error('y', new Proxy({}, { ownKeys: () => { throw new Error(jwt); } }) as LogFields); // biome-ignore format: one line shows the trap
    expect(last()).toMatchObject({ event: 'y', fields: '[refused]' });
    logger.error('z', { get trap(): string { throw new Error(jwt); } }); // biome-ignore format: one line shows the trap
    expect(last()).toMatchObject({ event: 'z', fields: '[refused]' });
    expect(lines.join('')).not.toContain('CANARY');
  });

  it('never lets a field replace time, level or event', () => {
    const { logger, lines, last } = logging();
    logger.info('real', { time: 'forged', level: 'forged', event: 'forged', '","x":"': 'forged' });
    expect(last()).toMatchObject({ level: 'info', event: 'real', field_event: 'forged', field_refused: 'forged' });
    expect(lines[0]?.match(/"event":/g)).toHaveLength(1);
  });

  it('keeps ids that are long, and replaces credentials even there', () => {
    const { logger, last } = logging();
    const connection = 'customers/a-very-long-kebab-case-name-of-a-customer-who-never-ends';
    logger.info('x', {
      connection,
      versionOld: 'f'.repeat(64),
      attempt: '3c1b1c39-4ed2-4f0e-9d5f-0c1b1c394ed2',
      note: opaque,
    });
    expect(last()).toMatchObject({
      connection,
      versionOld: 'f'.repeat(64),
      attempt: '3c1b1c39-4ed2-4f0e-9d5f-0c1b1c394ed2',
      note: '[redacted]',
    });
    logger.info('x', { connection: jwt });
    expect(last().connection).toBe('[redacted]');
  });

  it('shows numbers JSON cannot carry as text', () => {
    const { logger, last } = logging();
    logger.info('x', { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: undefined });
    expect(last()).toMatchObject({ a: 'NaN', b: 'Infinity' });
    expect('c' in last()).toBe(false);
  });

  it('writes exactly one parsable line for whatever strings it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.anything(), (event, name, value) => {
        const { logger, lines } = logging();
        logger.info(event, { [name]: value } as LogFields);
        expect(lines).toHaveLength(1);
        expect(lines[0]?.trimEnd()).not.toMatch(/\p{Cc}/u);
        JSON.parse(lines[0] ?? '');
      }),
    );
  });
});

describe('scrubText', () => {
  it.each([
    ['a JSON web token', `got ${jwt} back`],
    ['an Adobe token', `token ${adobeToken}.`],
    ['a bearer header', 'Authorization: Bearer CANARYabc123'],
    ['a basic header', 'basic Q0FOQVJZOkNBTkFSWQ== CANARY'.replace(' CANARY', '')],
    ['a long opaque run', opaque],
    ['a form body', 'grant_type=refresh_token&refresh_token=CANARY1&client_secret=CANARY2'],
    ['a JSON body', '{"access_token":"CANARY 1","password": "CANARY"}'],
    ['a URL with a password', 'connect rediss://default:CANARY@cache:6379 failed'],
    ['a token broken by invisible marks', jwt.split('').join('\u200b')],
    ['a token in colours', `\u001b[31m${jwt}\u001b[0m`],
    ['a token behind the cut', `${'word '.repeat(100)}${jwt}`],
    ['a token across the end of what is read', `${'x '.repeat(2_030)}${'CANARY0123456789'.repeat(10)}`],
  ])('replaces %s', (_name, text) => {
    expect(scrubText(text)).not.toMatch(/canary|Q0FOQVJZ/i);
  });

  it.each([
    'refreshed 12 connections in 3 s',
    'arn:aws:secretsmanager:eu-central-1:123456789012:secret:pilotlight/acme',
    '/var/lib/pilotlight/spool/records/2026-11-20',
    '3c1b1c39-4ed2-4f0e-9d5f-0c1b1c394ed2',
    'invalid_grant',
    'the basic idea of a token',
    'https://account-d.docusign.com/oauth/token',
  ])('leaves %s as it is', (text) => {
    expect(scrubText(text)).toBe(text);
  });

  it('makes one line of many, without control characters, of 512 characters at most', () => {
    const clean = scrubText(`a\r\n{"level":"error","event":"forged"}\u0007\u202e${'long '.repeat(400)}`);
    expect(clean).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(clean.length).toBeLessThanOrEqual(512);
    expect(clean.endsWith('…')).toBe(true);
  });

  it('stays quick on text made to be slow', () => {
    for (const unit of ['a.', 'eyJ', 'token=', 'x://', 'bearer ', '"', '\u001b[', '-_'])
      scrubText(unit.repeat(100_000));
  });
});

describe('installLastResort', () => {
  function installed() {
    const emitter = new EventEmitter();
    const { logger, lines, last } = logging();
    const calls = { fatal: 0 };
    const remove = installLastResort({ emitter, logger, fatal: () => { calls.fatal += 1; } }); // biome-ignore format: short
    return { emitter, lines, last, calls, remove };
  }

  it('prints class and code only, and ends the process', () => {
    const { emitter, lines, last, calls } = installed();
    emitter.emit('uncaughtException', new PilotlightError('store_denied', `CANARY ${jwt}`));
    expect(last()).toMatchObject({ level: 'error', event: 'last_resort.uncaught_exception', error: 'store_denied' });
    expect(lines.join('')).not.toContain('CANARY');
    expect(calls.fatal).toBe(1);
  });

  it('ends the process once, for a rejection too, and says nothing of hostile values', () => {
    const { emitter, lines, last, calls } = installed();
    emitter.emit('unhandledRejection', Object.defineProperty(new Error(jwt), 'name', { value: jwt }));
    emitter.emit('unhandledRejection', jwt);
    expect(lines).toHaveLength(1);
    expect(last()).toMatchObject({ event: 'last_resort.unhandled_rejection' });
    expect(lines.join('')).not.toContain('CANARY');
    expect(calls.fatal).toBe(1);
  });

  it('ends the process even when the logger fails', () => {
    const emitter = new EventEmitter();
    let fatal = 0;
    let thrown = 0;
    const logger = { error: () => { thrown += 1; throw new Error('disk full'); } }; // biome-ignore format: short
    installLastResort({ emitter, logger, fatal: () => { fatal += 1; } }); // biome-ignore format: short
    emitter.emit('uncaughtException', new Error('x'));
    expect({ thrown, fatal }).toEqual({ thrown: 1, fatal: 1 });
  });

  it('leaves no listener behind when taken away', () => {
    const { emitter, remove } = installed();
    remove();
    expect(emitter.eventNames()).toEqual([]);
  });
});
