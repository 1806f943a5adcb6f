/** `pilotlight doctor`: what must hold for the service to do its work, checked one by one; also what `helm test` runs. */
import type { Command } from 'commander';
import { describeError } from '../runtime/errors.ts';
import type { Diagnosis } from './context.ts';
import { counted } from './counted.ts';
import { exitCodes } from './exit-codes.ts';
import type { Act, Invocation } from './invocation.ts';
import type { Cell } from './table.ts';

export function addDoctor(program: Command, act: Act): void {
  program
    .command('doctor')
    .description(
      'check configuration, keys, spool, Redis, store, clock, clients, token hosts, alert channels and scheduler',
    )
    .addHelpText(
      'after',
      `
Changes nothing, spends no token and sends no message. Every check is bounded in time. Exits 0 where no check fails (warnings are shown), 1 where one does, 78 where the
configuration cannot be used.

Examples:
  pilotlight doctor
  pilotlight doctor -o json`,
    )
    .action(act(async (invocation, _options: object) => doctor(invocation)));
}

async function doctor(invocation: Invocation): Promise<number> {
  const { screen } = invocation;
  const checks: Diagnosis[] = [];
  // A bad configuration is not one check among others: nothing else can be said then.
  invocation.load();
  try {
    await invocation.opened(async (opened) => {
      for await (const diagnosis of opened.diagnose()) {
        checks.push(diagnosis);
        screen.progress(`${diagnosis.name}: ${diagnosis.state} ...`);
      }
      return exitCodes.ok;
    }, 'diagnosis');
  } catch (error) {
    const { code, message } = describeError(error);
    checks.push({ name: 'opening', state: 'fail', detail: code, ...(message === undefined ? {} : { fix: message }) });
  }
  screen.progress('');
  const failed = checks.filter(({ state }) => state === 'fail').length;
  if (screen.json) screen.document({ ok: failed === 0, checks });
  else show(checks, failed, screen);
  return failed === 0 ? exitCodes.ok : exitCodes.failure;
}

const tones = { ok: 'good', warn: 'warn', fail: 'bad' } as const;

function show(checks: readonly Diagnosis[], failed: number, screen: Invocation['screen']): void {
  screen.table(
    [{ title: 'CHECK' }, { title: 'RESULT' }, { title: 'DETAIL', cut: 'end' }],
    checks.map(({ name, state, detail }): Cell[] => [name, { text: state, tone: tones[state] }, detail]),
  );
  const warned = checks.filter(({ state }) => state === 'warn').length;
  screen.line();
  // Fixes stand below the table, where nothing cuts them.
  for (const { name, fix } of checks) if (fix !== undefined) screen.text(`${name}: ${fix}`);
  const verdict =
    failed > 0
      ? `${failed} of ${counted(checks.length, 'check')} failed`
      : `${counted(checks.length, 'check')}, none failed`;
  screen.line(
    screen.paint.tone(failed > 0 ? 'bad' : 'good', `${verdict}${warned > 0 ? `, ${counted(warned, 'warning')}` : ''}`),
  );
}
