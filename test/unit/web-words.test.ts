/** Words for people: every state and reason has them, spans never sound longer than they are, colours can be read. */
import { describe, expect, it } from 'vitest';
import { connectionStates, reasons } from '../../src/connection/entry.ts';
import { relativeInWords, spanInWords, utcInWords } from '../../src/connection/time-words.ts';
import { describeActor, describeCause, describeReason, describeState } from '../../src/connection/words.ts';
import { palettes } from '../../src/web/style.ts';
import { fakeNow } from '../browser/fake-status.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

describe('words', () => {
  it('has a title and a meaning for every state', () => {
    for (const state of connectionStates) {
      expect(describeState(state).title).toMatch(/^[A-Z]/);
      expect(describeState(state).meaning).toMatch(/\.$/);
    }
    expect(new Set(connectionStates.map((state) => describeState(state).title)).size).toBe(connectionStates.length);
  });

  it('has a meaning for every reason but none, and an action wherever somebody can act', () => {
    for (const reason of reasons) {
      const { meaning, actor, action } = describeReason(reason);
      if (reason !== 'none') expect(meaning, reason).toMatch(/^[A-Z].*\.$/);
      expect(action === '', reason).toBe(actor === 'time');
      expect(describeActor(actor)).not.toBe('');
    }
  });

  it('never tells a customer to consent again for what is only a suspicion or a fault of the client', () => {
    expect(describeReason('client_rejected').actor).toBe('operator');
    expect(describeReason('invalid_grant').action).toMatch(/^If confirmed/);
  });

  it('sends a person to a token in doubt that is not sent again, and nobody to one that is', () => {
    const cause = { state: 'suspect', reason: 'unknown_outcome', nextAt: null } as const;
    expect(describeCause(cause)).toMatchObject({ actor: 'operator', action: expect.stringContaining('store it') });
    expect(describeCause({ ...cause, state: 'retrying', nextAt: fakeNow }).actor).toBe('time');
    expect(describeCause({ ...cause, reason: 'invalid_grant' })).toEqual(describeReason('invalid_grant'));
  });

  it.each([
    [0, 'under a second'],
    [999, 'under a second'],
    [59_999, '59 seconds'],
    [minuteMs, '1 minute'],
    [hourMs - 1, '59 minutes 59 seconds'],
    [dayMs + minuteMs, '1 day'],
    [19 * dayMs + 4 * hourMs + 59 * minuteMs, '19 days 4 hours'],
    [-2 * hourMs, '2 hours'],
  ])('says %d ms as %s', (ms, text) => {
    expect(spanInWords(ms)).toBe(text);
  });

  it('says instants against now, and absolutely', () => {
    expect(relativeInWords(fakeNow + dayMs, fakeNow)).toBe('in 1 day');
    expect(relativeInWords(fakeNow - dayMs, fakeNow)).toBe('1 day ago');
    expect(relativeInWords(fakeNow + 999, fakeNow)).toBe('now');
    expect(utcInWords(fakeNow)).toBe('2026-11-20 08:00 UTC');
    expect(utcInWords(Number.NaN)).toBe('unknown');
  });
});

describe('palettes', () => {
  const channel = (value: number) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => channel(Number.parseInt(colour.slice(i, i + 2), 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string) => {
    const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  it.each(['light', 'dark'] as const)('keeps a contrast of 4.5 to 1 for every text in %s', (name) => {
    const palette = palettes[name];
    for (const ground of ['ground', 'surface', 'raised'] as const) {
      for (const text of ['ink', 'muted', 'accent', 'good', 'info', 'warn', 'bad'] as const) {
        expect(contrast(palette[text], palette[ground]), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
      }
    }
    for (const tone of ['good', 'info', 'warn', 'bad'] as const) {
      expect(contrast(palette[tone], palette[`${tone}-ground`]), tone).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(palette.surface, palette.accent), 'button').toBeGreaterThanOrEqual(4.5);
  });
});
