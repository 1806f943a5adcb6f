/** What must hold of one rotation whose connection was cut: judged by what passed the wire and by what the provider knows. */
import type { RotationReport } from '../../../src/rotation/outcome.ts';
import type { Exchange } from '../../../src/rotation/ports.ts';
import type { RotationBench } from '../../support/rotation-bench.ts';
import type { Passage } from './cutter.ts';
import type { Mode } from './rotation-cuts.ts';
import type { Tally } from './tally.ts';

export interface Judged {
  readonly connection: string;
  readonly mode: Mode;
  readonly passage: Passage;
  /** Undefined where no request was made. */
  readonly exchange: Exchange | undefined;
  readonly first: RotationReport;
  /** What the application stored. */
  readonly tokens: readonly string[];
  /** The refresh token that lives after the first request. */
  readonly next: string;
  /** The provider did what a refresh does. */
  readonly committed: boolean;
}

/** After the first rotation, recovery, and the second one where there was need of it. */
export async function judgeRotation(
  bench: RotationBench,
  made: Judged,
  second: RotationReport | undefined,
  tally: Tally,
  word: string,
): Promise<void> {
  const { connection, mode, first, passage, next, committed } = made;
  const { oracle } = bench.sandbox;
  judgeExchange(made, tally, word);

  const [old = ''] = made.tokens;
  const brought = committed && next !== old && passage.answer.includes(`"refresh_token":"${next}"`);
  const whole = made.exchange?.kind === 'answered' && made.exchange.answer.complete;
  if (brought && first.outcome !== 'rotated')
    tally.fail('other', `the new token came through whole, and the rotation is ${first.outcome} ${first.reason}`, word);
  const salvaged = first.oddities?.includes('salvaged') === true;
  if (salvaged) tally.add('salvaged');
  if (brought && !whole && !salvaged) tally.fail('other', 'a cut answer was used, and nobody is told', word);

  const shown = oracle.presentations(connection).filter(({ by }) => by === 'service');
  const settled = first.outcome === 'rotated';
  // The one second try is for a request of which no answer is known; nothing else may show a token again.
  if (shown.length > (settled ? 1 : 2) || (brought && shown.length > 1))
    tally.fail('doubleSpends', `its token was shown ${shown.length} times`, word);

  const held = String(bench.document(connection).refresh_token);
  const live = oracle.liveToken(connection);
  const open = bench.ports().spool.recordsOf(connection);
  if (held !== live) {
    if (mode.strict && committed && !brought) tally.add('windowLosses');
    else
      tally.fail(
        'lostTokens',
        `${first.outcome}, then ${second?.outcome ?? 'nothing'}: the store lacks the live token`,
        word,
      );
  } else if (open.length > 0) tally.fail('other', `${open.length} records are left of a rotation that is done`, word);
  else if (!settled && second?.outcome !== 'rotated')
    tally.fail('other', `the second try is ${second?.outcome ?? 'missing'} ${second?.reason ?? ''}`, word);
  if ('pilotlight:state' in bench.double.secrets.tags(connection))
    tally.fail('falseReconsents', 'flagged after one lost answer', word);
  // A human's part from here on; the spool would hold it for as long as nobody plays it.
  for (const record of open) await record.remove();
}

/** What the client says of the exchange is true of what the provider saw. */
function judgeExchange({ exchange, passage, committed }: Judged, tally: Tally, word: string): void {
  if (exchange === undefined) {
    tally.fail('other', 'no request was made', word);
    return;
  }
  tally.add(exchange.kind);
  if (exchange.kind === 'notSent' && (passage.request.length > 0 || committed))
    tally.fail('other', `${exchange.label} says not sent, and ${passage.request.length} bytes arrived`, word);
}
