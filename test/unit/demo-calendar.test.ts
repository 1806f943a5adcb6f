/** The demo's calendar: fast, and never faster than the process itself. */
import { expect, test } from 'vitest';
import { createCalendar, dayMs, tickMs } from '../../src/sandbox/demo/calendar.ts';
import { handClock } from '../support/demo-bench.ts';

test('stands still until it is given a speed', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 5_000);
  clock.pass(30);
  expect(calendar.now()).toBe(5_000);
});

test('runs as many times faster than real time as it is told, also between two ticks, and stops again', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 0);
  calendar.setSpeed(dayMs / 1_000);
  for (let passedMs = 0; passedMs < 1_000; passedMs += tickMs) {
    calendar.tick();
    clock.pass(tickMs);
  }
  expect(calendar.now()).toBe(dayMs);
  calendar.setSpeed(0);
  clock.pass(30);
  expect(calendar.now()).toBe(dayMs);
});

test('waits for a process that is kept waiting, however often it is looked at meanwhile', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 0);
  calendar.setSpeed(1_000);
  for (let second = 0; second < 3_600; second++) {
    clock.pass(1_000);
    calendar.now();
  }
  expect(calendar.now()).toBe(2 * tickMs * 1_000);
});

test('leaves monotonic time as it is', () => {
  const clock = handClock();
  const calendar = createCalendar(clock, 0);
  calendar.setSpeed(1_000);
  clock.pass(40);
  expect(calendar.monotonic()).toBe(clock.monotonic());
});
