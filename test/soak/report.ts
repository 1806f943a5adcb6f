/** What a soak came to: a table for people, one JSON object for programs. Pure. */
import type { SoakOptions } from './arguments.ts';
import { figureOf } from './figures.ts';
import { shownBy } from './plant.ts';
import type { Soaked } from './run.ts';
import { type Judged, shown, type Verdict } from './verdict.ts';

/** Planted leaks that no figure showed: the soak itself is broken then. */
export function unseenLeaks({ leaks }: SoakOptions, { judged }: Verdict): readonly string[] {
  const growing = new Set(judged.filter(({ grows }) => grows).map(({ name }) => name));
  return leaks.flatMap((leak) => (shownBy[leak].every((name) => growing.has(name)) ? [] : [leak]));
}

export function resultOf(options: SoakOptions, soaked: Soaked, verdict: Verdict) {
  const { minutes, seed, connections } = options;
  const { looks, virtualDays, rotations, struck, broken, left, alerts, visits, logBytes, auditLineBytes } = soaked;
  return {
    minutes,
    virtualDays: round(virtualDays),
    seed,
    connections,
    rotations,
    looks: looks.length,
    visits,
    alerts,
    struck,
    ...Object.fromEntries(verdict.judged.map((one) => [one.name, figuresOf(one)])),
    logBytes,
    auditLineBytes: round(auditLineBytes),
    spoolAtRest: left,
    growing: verdict.growing,
    broken,
    ...(options.leaks.length === 0 ? {} : { planted: options.leaks, unseen: unseenLeaks(options, verdict) }),
    verdict: verdict.good && broken.length === 0 ? 'steady' : verdict.good ? 'broken' : 'growing',
  };
}

function figuresOf({ name, first, last, from, to, slope, slopePerMonth, slopePerHour, grows }: Judged) {
  return {
    first: round(first),
    last: round(last),
    from: round(from),
    to: round(to),
    slopePerMonth: round(slopePerMonth),
    slopePerMonthLow: round(slope.low),
    slopePerHour: round(slopePerHour),
    limitPerMonth: figureOf(name).limit.perUnit,
    grows,
  };
}

export function table(options: SoakOptions, soaked: Soaked, verdict: Verdict): string {
  const head = ['', 'first', 'last', 'a month', 'at least', 'limit', ''];
  const rows = verdict.judged
    // Families of keys only where they have something to say.
    .filter(({ name, grows }) => !name.startsWith('redis:') || grows)
    .map(({ name, first, last, slopePerMonth, slope, grows }) => {
      const { words, limit } = figureOf(name);
      const values = [first, last, slopePerMonth, slope.low, limit.perUnit].map((value) => shown(name, value));
      return [words, ...values, grows ? 'GROWS' : 'steady'];
    });
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  const troubles = Object.entries(soaked.struck).map(([name, times]) => `  ${name}: ${times}`);
  const families = verdict.judged.filter(({ name }) => name.startsWith('redis:')).length;
  return [
    `${soaked.virtualDays.toFixed(0)} days in ${(soaked.realMs / 60_000).toFixed(1)} minutes: ${soaked.rotations} rotations of ${options.connections} connections, ${soaked.visits} visits, seed ${options.seed}`,
    'Troubles, and how often they struck:',
    ...troubles,
    `Alerts told: ${Object.entries(soaked.alerts)
      .map(([event, times]) => `${event} ${times}`)
      .join(', ')}`,
    '',
    ...all.map((row) => line(row).trimEnd()),
    `${families} families of Redis keys are looked at each for itself; those not shown are steady.`,
    `Left in the spool at rest: ${
      Object.entries(soaked.left)
        .map(([kind, count]) => `${count} (${kind})`)
        .join('; ') || 'nothing'
    }`,
    '',
    ...verdict.growing.map((what) => `GROWS   ${what}`),
    ...soaked.broken.map((what) => `BROKEN  ${what}`),
    ...(options.leaks.length === 0
      ? []
      : [`planted: ${options.leaks.join(', ')}; not found: ${unseenLeaks(options, verdict).join(', ') || 'none'}`]),
    verdict.good && soaked.broken.length === 0 ? 'steady: nothing grows' : 'not steady',
  ].join('\n');
}

function round(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
}
