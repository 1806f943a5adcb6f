/** What a person sees: a picture that keeps its size, lines for a log file, and events told once. */
import { describe, expect, test } from 'vitest';
import type { IndexEntry } from '../../src/connection/entry.ts';
import { dayMs } from '../../src/sandbox/demo/calendar.ts';
import { createChronicle, type Told } from '../../src/sandbox/demo/chronicle.ts';
import { clip, createPaint } from '../../src/sandbox/demo/paint.ts';
import type { Screen } from '../../src/sandbox/demo/ports.ts';
import { createDisplay } from '../../src/sandbox/demo/screen.ts';
import { type Progress, picture } from '../../src/sandbox/demo/view.ts';

const sequences = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');
const startAt = Date.parse('2027-01-04T06:00:00Z');
const entry: IndexEntry = {
  id: 'docusign/acme',
  at: { provider: 'docusign', environment: 'production', client: 'main', host: 'account.docusign.com' },
  state: 'active',
  reason: 'none',
  since: 0,
  seen: '',
  fingerprint: '',
  nextAt: startAt + 10 * dayMs,
  deadlineAt: startAt + 30 * dayMs,
  clock: 'idle',
  estimated: false,
  extendedAt: startAt,
  failures: 0,
};
const progress = (change: Partial<Progress> = {}): Progress => ({
  seed: 7,
  days: 60,
  startAt,
  now: startAt + 7.5 * dayMs,
  url: 'http://127.0.0.1:8080/',
  phase: '',
  entries: [entry],
  refreshed: { docusign: 4 },
  lastRefresh: '',
  flagged: [],
  latest: [],
  ...change,
});

function fakeScreen(terminal: boolean, columns = 80) {
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  const screen: Screen = { write, terminal, colour: terminal, columns: () => columns };
  return { screen, written };
}

describe('the picture', () => {
  const plain = createPaint(false);

  test('says day, date, share, refreshes, what is due next and where the status page is', () => {
    const text = picture(progress(), plain).join('\n');
    for (const words of ['day   8 of 60', '2027-01-11', '12 %', 'docusign/acme in 2 days 12 hours', ':8080'])
      expect(text).toContain(words);
    expect(text).toMatch(/refreshed +docusign +4$/m);
  });

  test('fits a terminal of 24 lines', () => expect(picture(progress(), plain).length).toBeLessThan(24));

  test('has as many lines with much to tell as with nothing', () => {
    const told: Told = { at: startAt, kind: 'trouble', words: 'x' };
    const flag = { connection: 'a', provider: 'b', reason: 'expired', at: startAt, cleared: false } as const;
    const full = progress({ latest: Array(30).fill(told), flagged: Array(9).fill(flag), phase: 'coming to rest' });
    expect(picture(full, plain)).toHaveLength(picture(progress(), plain).length);
  });

  test('is drawn over in place, no line wider than the terminal', () => {
    const { screen, written } = fakeScreen(true, 40);
    const display = createDisplay(screen, createPaint(true));
    display.show(progress());
    display.show(progress({ lastRefresh: 'x'.repeat(200) }));
    const lines = picture(progress(), plain).length;
    expect(written[1]?.startsWith(`\u001b[${lines}A\u001b[0J`)).toBe(true);
    for (const line of (written[1] ?? '').split('\n'))
      expect([...line.replaceAll(sequences, '')].length).toBeLessThan(40);
  });
});

test('without a terminal there is a line every few days, events at once, and no escape sequence', () => {
  const { screen, written } = fakeScreen(false);
  const display = createDisplay(screen, createPaint(false));
  for (let hour = 0; hour < 24 * 9; hour++) display.show(progress({ now: startAt + hour * 3_600_000 }));
  display.told({ at: startAt, kind: 'world', words: 'FLUSHALL' }, startAt);
  expect(written).toHaveLength(4);
  expect(written.join('')).not.toContain('\u001b');
  expect(written.at(-1)).toContain('FLUSHALL');
});

describe('the chronicle', () => {
  const chronicle = () => {
    const told: string[] = [];
    return { told, ...createChronicle(({ words }) => told.push(words)) };
  };
  const about = (outcome: string, reason: IndexEntry['reason']) => ({ connection: 'c', outcome, reason });

  test('tells a trouble once however often it comes, and its good end', () => {
    const { told, hear } = chronicle();
    for (let time = 0; time < 5; time++) hear(time, about('retryLater', 'provider_unavailable'));
    hear(6, about('rotated', 'none'));
    expect(told).toEqual(['c waits. The provider says it is unavailable.', 'c refreshed after all']);
  });

  test('counts plain refreshes and tells none of them; a look that finds nothing due is no news', () => {
    const { told, hear, refreshed, lastRefresh } = chronicle();
    hear(1, { ...about('rotated', 'none'), marginMs: 20 * dayMs });
    hear(2, about('notDue', 'none'));
    hear(3, about('busy', 'busy'));
    expect(told).toEqual([]);
    expect(refreshed()).toBe(1);
    expect(lastRefresh()).toBe('c, with 20 days to spare');
  });

  test('says a suspicion to be one', () => {
    const { told, hear } = chronicle();
    hear(1, about('suspect', 'invalid_grant'));
    expect(told.join()).toContain('a suspicion until it is confirmed');
  });
});

test('a cut line ends its colour', () => {
  expect(clip('\u001b[32mabcdef\u001b[0m', 4)).toBe('\u001b[32mabc…\u001b[0m');
  expect(clip('abcdef', 6)).toBe('abcdef');
  expect(clip('abcdef', 4)).toBe('abc…');
});
