/** The demo's calendar: fast, and never faster than the process itself. */
import { expect, test } from 'vitest';
import { createCalendar, dayMs } from '../../src/sandbox/demo/calendar.ts';
import { handClock } from '../support/demo-bench.ts';

test('stands still until it is given a speed', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 5_000);
  clock.pass(80);
  expect(calendar.now()).toBe(5_000);
});

test('runs as many times faster than real time as it is told, and stops again', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 0);
  calendar.setSpeed(dayMs / 1_000);
  for (let look = 0; look < 50; look++) {
    clock.pass(20);
    calendar.now();
  }
  expect(calendar.now()).toBe(dayMs);
  calendar.setSpeed(0);
  clock.pass(90);
  expect(calendar.now()).toBe(dayMs);
});

test('lets no day pass while the machine stalls: of a long pause 100 ms count', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 0);
  calendar.setSpeed(1_000);
  clock.pass(3_600_000);
  expect(calendar.now()).toBe(100_000);
});

test('leaves monotonic time as it is', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 0);
  calendar.setSpeed(1_000);
  clock.pass(40);
  expect(calendar.monotonic()).toBe(clock.monotonic());
});
