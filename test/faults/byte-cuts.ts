/**
 * The connection between our client and the provider, cut at each byte of the request and of the answer, by a reset, an end
 * or silence: nothing is lost but what a provider that forgives nothing committed and we never received.
 */

import { createPaint } from '../../src/cli/paint.ts';
import { table } from '../../src/cli/table.ts';
import { cutClients } from './byte-cuts/client-cuts.ts';
import { cutRotations, modes, startBench } from './byte-cuts/rotation-cuts.ts';
import { cutAndCrash } from './byte-cuts/sealed-cuts.ts';
import { createTally } from './byte-cuts/tally.ts';
import type { Suite } from './suite.ts';

type Row = readonly [what: string, where: string, cuts: string, salvaged: string, again: string, window: string];

export const suite: Suite = {
  name: 'byte-cuts',
  async run(options) {
    const tally = createTally();
    const rows: Row[] = [];
    for (const wire of ['plain', 'tls'] as const) {
      const before = { ...tally.counts };
      const { offsets, cuts, every } = await cutClients(wire, options, tally);
      const where = `${every ? 'each of' : 'a part:'} ${offsets} offsets`;
      rows.push([`client alone, ${wire}`, where, `${cuts}`, `${tally.counts.salvaged - before.salvaged}`, '-', '-']);
    }
    const bench = await startBench(options.seed);
    try {
      for (const mode of modes) {
        const { offsets, cuts, every, salvaged, secondTries, windowLosses } = await cutRotations(
          bench,
          mode,
          options,
          tally,
        );
        const where = every ? `each of ${offsets} offsets` : `${offsets} offsets: borders and a sample`;
        rows.push([
          `whole rotation, provider ${mode.name}`,
          where,
          `${cuts}`,
          `${salvaged}`,
          `${secondTries}`,
          `${windowLosses}`,
        ]);
      }
      const [strict] = modes;
      if (strict !== undefined) {
        const { cuts, salvaged } = await cutAndCrash(bench, strict, options, tally);
        rows.push([
          'cut, sealed, killed, recovered',
          options.quick ? 'some offsets behind the token' : 'each offset behind the token',
          `${cuts}`,
          `${salvaged}`,
          '-',
          '0',
        ]);
      }
    } finally {
      await bench.stop();
    }
    const { notSent, unanswered, answered, ...counts } = tally.counts;
    const reached = (count: number, wanted: number) => ({
      reached: count,
      wanted: options.replay === undefined ? wanted : 0,
    });
    return {
      counts,
      rareStates: {
        'cut before anything was sent': reached(notSent, 10),
        'cut with no answer begun': reached(unanswered, 10),
        'cut within an answer': reached(answered, 10),
        'token salvaged from a cut answer': reached(counts.salvaged, 10),
        'strict provider, committed, token cut': reached(counts.windowLosses, 1),
      },
      failures: tally.failures,
      table: table({
        columns: ['CUT', 'WHERE', 'CUTS', 'SALVAGED', 'SECOND TRIES', 'IN THE WINDOW'].map((title) => ({ title })),
        rows,
        width: undefined,
        paint: createPaint(false),
      }),
    };
  },
};
