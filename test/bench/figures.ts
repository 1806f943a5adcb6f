/** The figures of the bench, their targets, and how they are shown. A figure without a target explains one that has. */
import { rounded, type Spread } from './stats.ts';

export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly target?: { readonly least: number } | { readonly most: number };
}

export const figures: readonly Figure[] = [
  { key: 'rotationsPerSecond', title: 'rotations of one worker process', unit: '/s', target: { least: 200 } },
  { key: 'bareLoopPerSecond', title: 'a bare loop of the same calls', unit: '/s' },
  { key: 'ratio', title: 'the one to the other', unit: '', target: { least: 0.7 } },
  { key: 'bareLoopOurClientPerSecond', title: 'the bare loop on our lighter SDK client', unit: '/s' },
  { key: 'ratioOurClient', title: 'rotations to that: what the protocol costs', unit: '' },
  { key: 'sealMsP50', title: 'answer to fsynced at 25/s, median', unit: 'ms' },
  { key: 'sealMsP99', title: 'answer to fsynced at 25/s, p99', unit: 'ms', target: { most: 5 } },
  { key: 'plainFsyncMsP50', title: 'beside it, a plain write and fdatasync, median', unit: 'ms' },
  { key: 'plainFsyncMsP99', title: 'beside it, a plain write and fdatasync, p99', unit: 'ms' },
  { key: 'sealFullLoadMsP50', title: 'answer to fsynced under full load, median', unit: 'ms' },
  { key: 'sealFullLoadMsP99', title: 'answer to fsynced under full load, p99', unit: 'ms' },
  { key: 'writesPerSecond', title: 'store writes of 3 workers, limit 45/s, quota 50/s', unit: '/s' },
  { key: 'writesShareOfLimit', title: 'share of the limit used', unit: '', target: { least: 0.95 } },
  { key: 'writesThrottled', title: 'writes throttled', unit: '', target: { most: 0 } },
  { key: 'sweepIdleMs', title: 'sweep, nothing due, 100,000 connections', unit: 'ms', target: { most: 10 } },
  { key: 'sweepIdleMsAtMillion', title: 'sweep, nothing due, 1,000,000 connections', unit: 'ms', target: { most: 50 } },
  { key: 'redisBytesPerConnection', title: 'Redis, each of 100,000 connections', unit: 'B', target: { most: 350 } },
  { key: 'redisBytesPerConnectionAtMillion', title: 'Redis, each of 1,000,000', unit: 'B', target: { most: 350 } },
  { key: 'inventoryListRequests', title: 'inventory of 100,000: list requests', unit: '', target: { most: 1_000 } },
  { key: 'inventoryMs', title: 'inventory of 100,000: duration', unit: 'ms' },
  { key: 'inventoryRssGrowthMb', title: 'inventory of 100,000: memory growth', unit: 'MB', target: { most: 100 } },
  { key: 'inventoryListRequestsAtMillion', title: 'of 1,000,000: list requests', unit: '', target: { most: 10_000 } },
  { key: 'inventoryMsAtMillion', title: 'of 1,000,000: duration', unit: 'ms' },
  { key: 'inventoryRssGrowthMbAtMillion', title: 'of 1,000,000: memory growth', unit: 'MB', target: { most: 100 } },
  { key: 'outageMissed', title: '10,000 after 7 days without the store: missed', unit: '', target: { most: 0 } },
  { key: 'outageOutOfOrder', title: 'queued before a nearer deadline', unit: '', target: { most: 0 } },
  { key: 'outageThrottled', title: 'writes beyond the quota', unit: '', target: { most: 0 } },
  { key: 'outageDrainMinutes', title: 'until all were refreshed, minutes of the calendar', unit: 'min' },
  {
    key: 'recoveryOwnDiskMs',
    title: 'kill -9, same disk: restart to last answer in the store',
    unit: 'ms',
    target: { most: 60_000 },
  },
  {
    key: 'recoveryOwnDiskLeft',
    title: 'same disk: answers still missing a minute after',
    unit: '',
    target: { most: 0 },
  },
  {
    key: 'recoveryOtherPodMs',
    title: 'kill -9, disk gone: start to last answer in the store',
    unit: 'ms',
    target: { most: 60_000 },
  },
  {
    key: 'recoveryOtherPodLeft',
    title: 'disk gone: answers still missing a minute after',
    unit: '',
    target: { most: 0 },
  },
  { key: 'startToReadyMs', title: 'start to ready', unit: 'ms', target: { most: 2_000 } },
  { key: 'rssIdleMb', title: 'memory of an idle worker', unit: 'MB', target: { most: 160 } },
];

export function isMet({ target }: Figure, value: number): boolean | undefined {
  if (target === undefined) return undefined;
  return 'least' in target ? value >= target.least : value <= target.most;
}

/** One line a figure: what it is, what was measured, its spread, what it should be. */
export function table(values: Readonly<Record<string, number>>, spread: Readonly<Record<string, Spread>>): string {
  const rows = figures.flatMap((figure) => {
    const value = values[figure.key];
    if (value === undefined) return [];
    const { target, unit } = figure;
    const range = spread[figure.key];
    const aim = target === undefined ? '' : 'least' in target ? `>= ${target.least}` : `<= ${target.most}`;
    const met = isMet(figure, value);
    return [
      [
        figure.title,
        `${rounded(value)} ${unit}`.trim(),
        range === undefined ? '' : `${range.min} .. ${range.max}`,
        aim,
        met === undefined ? '' : met ? 'reached' : 'MISSED',
      ],
    ];
  });
  const head = ['figure', 'median', 'spread', 'target', ''];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
