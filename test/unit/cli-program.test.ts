/** The command line as a whole: help, exit codes, configuration problems, what is never repeated. */
import { describe, expect, it, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { PilotlightError } from '../../src/runtime/errors.ts';
import { canary, documentOf, loaded, pilotlight } from '../support/cli.ts';
import { load } from '../support/load-config.ts';

const commands = [
  'run',
  'demo',
  'status',
  'list',
  'show',
  'plan',
  'doctor',
  'import',
  'refresh',
  'revoke',
  'spool',
  'alerts',
  'reauth-link',
  'connect',
  'config',
  'version',
] as const;

describe('help', () => {
  it('lists every command, and the exit codes', async () => {
    const { out, code, err } = await pilotlight(['--help']);
    expect([code, err]).toEqual([0, '']);
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    for (const meaning of ['0 ok', '1 failed', '2 critical', '64 wrong usage', '78 configuration'])
      expect(out).toContain(meaning);
  });

  it('fits one screen, and no line is wider than a terminal', async () => {
    const { out } = await pilotlight(['--help'], {}, { columns: 100 });
    expect(out.trimEnd().split('\n').length).toBeLessThan(50);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('lists no command that this test does not know', () => {
    const program = createProgram({ version: {} } as never, () => {});
    expect(program.commands.map((command) => command.name()).sort()).toEqual([...commands].sort());
  });

  it.each([
    ...commands.map((name) => [name]),
    ['config', 'validate'],
    ['config', 'print'],
    ['spool', 'list'],
    ['spool', 'verify'],
    ['spool', 'flush'],
    ['alerts', 'list'],
    ['alerts', 'test'],
    ['alerts', 'resolve'],
    ['alerts', 'snooze'],
    ['alerts', 'confirm'],
  ])('of %s %s shows examples that begin with pilotlight', async (...path) => {
    const words = path.filter((word) => typeof word === 'string');
    const { out, code } = await pilotlight([...words, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`Examples:\\n(?:  .*\\n)*  (?:.* \\| )?pilotlight ${words.join(' ')}`));
  });

  it('of a command is also had with help COMMAND', async () => {
    expect((await pilotlight(['help', 'revoke'])).out).toContain('Cannot be undone');
  });

  it('is shown on standard error, with the code of wrong usage, where no command is given', async () => {
    const { code, out, err } = await pilotlight([]);
    expect([code, out]).toEqual([64, '']);
    expect(err).toContain('Usage: pilotlight <command>');
  });
});

describe('wrong usage ends with 64 and says what was meant', () => {
  it.each([
    [['lst'], /unknown command lst \(Did you mean list\?\)\nSee pilotlight --help\n$/],
    [
      ['list', '--provder', 'x'],
      /unknown option --provder \(Did you mean --provider\?\)\nSee pilotlight list --help\n$/,
    ],
    [['show'], /missing required argument 'id'/],
    [['list', '--state', 'fine'], /--state <state>' cannot have this value\. Allowed choices are active, /],
    [['list', '--limit', '-1'], /--limit <n>' cannot have this value\. It must be a whole number/],
    [
      ['list', '--due-within', '3 days'],
      /--due-within <time>' cannot have this value\. It must be a duration like 72h/,
    ],
    [['-o', 'xml', 'list'], /--output <format>' cannot have this value\. Allowed choices are table, json/],
    [['run', '--role', 'boss'], /--role <role>' cannot have this value/],
    [['version', 'x', 'y'], /too many arguments for 'version'\. Expected 0 arguments but got 2\n/],
  ])('%j', async (argv, says) => {
    const { code, out, err, acts } = await pilotlight(argv);
    expect([code, out, acts.closed]).toEqual([64, '', 0]);
    expect(err).toMatch(says);
  });

  it.each([
    [[canary]],
    [['import', `--refresh-token=${canary}`, 'x.json']],
    [['import', `--${canary}`]],
    [['import', `-${canary}`]],
    [['import', 'x.json', canary]],
    [['list', '--limit', canary]],
    [['list', '--state', `'${canary}' is invalid. '`]],
    [['demo', '--seed', `\n${canary}`]],
    [['run', '--role', canary]],
    [['config', canary]],
    [['help', canary]],
  ])('and never repeats a token given by mistake: %#', async (argv) => {
    const { err, out, code } = await pilotlight(argv);
    expect(err + out).not.toContain('canary');
    expect(code === 64 || argv[0] === 'help').toBe(true);
  });
});

describe('a configuration that cannot be used', () => {
  const yaml = 'web: { port: 99999 }\nrotation: { lease: 90s }\n';
  const refused = load({ yaml });
  const context = { loadConfig: () => refused };

  it.each([
    ['run'],
    ['list'],
    ['status'],
    ['doctor'],
    ['config', 'validate'],
    ['config', 'print'],
    ['refresh', 'a'],
  ])('ends %s %s with 78 and one line a problem: file, line, key, what is wrong', async (...argv) => {
    const { code, out, err, acts } = await pilotlight(argv, {}, context);
    expect([code, out, acts.closed]).toEqual([78, '', 0]);
    const lines = err.trimEnd().split('\n');
    expect(lines[0]).toBe('pilotlight: the configuration has 2 problems');
    expect(lines[1]).toMatch(/^\/etc\/pilotlight\.yaml:1: web\.port /);
    expect(lines[2]).toMatch(/^\/etc\/pilotlight\.yaml:2: rotation\.lease must be at least/);
  });

  it('is JSON too where JSON is asked for', async () => {
    const called = await pilotlight(['config', 'validate', '-o', 'json'], {}, context);
    expect(called.code).toBe(78);
    expect(documentOf(called)).toMatchObject({ ok: false, problems: [{ key: 'web.port', line: 1 }, {}] });
  });
});

test('the file of --config is the one that is loaded, before or behind the command', async () => {
  const files: (string | undefined)[] = [];
  const context = {
    loadConfig(file: string | undefined) {
      files.push(file);
      return loaded();
    },
  };
  await pilotlight(['-c', 'a.yaml', 'list'], {}, context);
  await pilotlight(['config', 'validate', '--config', 'b.yaml'], {}, context);
  await pilotlight(['list'], {}, context);
  expect(files).toEqual(['a.yaml', 'b.yaml', undefined]);
});

describe('an error', () => {
  const failing = (error: unknown) => ({ open: () => Promise.reject(error) });

  it('of ours is told with its message, which says what to do', async () => {
    const error = new PilotlightError('redis_unavailable', 'Redis does not answer: check REDIS_URL');
    const { code, err } = await pilotlight(['list'], {}, failing(error));
    expect([code, err]).toEqual([1, 'pilotlight: Redis does not answer: check REDIS_URL\n']);
  });

  it('of anybody else is told by class and code only: its message may quote what it was given', async () => {
    const error = Object.assign(new TypeError(`bad input ${canary}`), { code: 'ERR_X' });
    expect((await pilotlight(['list'], {}, failing(error))).err).toBe(
      'pilotlight: unexpected error (TypeError:ERR_X)\n',
    );
    expect((await pilotlight(['list'], {}, failing(canary))).err).toBe('pilotlight: unexpected error (thrown_value)\n');
  });

  it('cannot command the terminal', async () => {
    const error = new PilotlightError('refused', 'a\u001b[2Jb\rc\u202ed');
    expect((await pilotlight(['list'], {}, failing(error))).err).toBe('pilotlight: a\\u{1b}[2Jb\\u{d}c\\u{202e}d\n');
  });

  it('while a command works closes what was opened', async () => {
    const { code, acts } = await pilotlight(['show', 'nobody']);
    expect([code, acts.closed]).toEqual([1, 1]);
  });
});

describe('run', () => {
  it('takes the role of the configuration where none is said, and answers what the service ends with', async () => {
    const roles: string[] = [];
    const run = async (_: unknown, role: string) => roles.push(role);
    const given = { config: loaded('role: worker\n') };
    expect((await pilotlight(['run'], given, { run })).code).toBe(1);
    expect((await pilotlight(['run', '--role', 'scheduler'], given, { run })).code).toBe(2);
    expect(roles).toEqual(['worker', 'scheduler']);
  });
});

describe('demo', () => {
  it('hands its options on, needs no configuration, and takes -o json for --json', async () => {
    const calls: unknown[] = [];
    const context = {
      demo: async (options: unknown) => calls.push(options) - 1,
      loadConfig: () => {
        throw new Error('nothing to load');
      },
    };
    expect((await pilotlight(['demo'], {}, context)).code).toBe(0);
    expect((await pilotlight(['demo', '--once', '--seed', '11', '--days', '30', '-o', 'json'], {}, context)).code).toBe(
      1,
    );
    expect(calls).toEqual([
      { once: false, seed: 7, json: false, days: 60, port: 0 },
      { once: true, seed: 11, json: true, days: 30, port: 0 },
    ]);
  });
});

describe('version', () => {
  it.each([[['version']], [['--version']], [['-V']]])('%j', async (argv) => {
    const { code, out } = await pilotlight(argv);
    expect([code, out]).toEqual([0, 'pilotlight 0.1.0 (commit abc1234, Node.js 24.21.0)\n']);
  });

  it('as JSON', async () => {
    expect(documentOf(await pilotlight(['version', '-o', 'json']))).toEqual({
      version: '0.1.0',
      commit: 'abc1234',
      node: '24.21.0',
    });
  });
});

describe('config', () => {
  it('validate says what was read', async () => {
    const { code, out, err } = await pilotlight(['config', 'validate']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^The configuration is in order\.\n {2}read \/etc\/pilotlight\.yaml\n[\s\S]*store file, 5 providers, 4 clients\n$/,
    );
  });

  it('print writes YAML that loads again, and refuses JSON', async () => {
    const { code, out } = await pilotlight(['config', 'print']);
    expect(code).toBe(0);
    expect(load({ yaml: out })).toMatchObject({ ok: true, config: loaded().config });
    expect((await pilotlight(['config', 'print', '-o', 'json'])).code).toBe(64);
  });
});
