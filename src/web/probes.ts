/**
 * The probes. /livez asks whether this process makes progress and nothing else, because a restart mends no Redis and no
 * provider; /readyz says, as JSON, why work is or is not taken.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { HealthReader, Route, WebAnswer } from './ports.ts';

/** A loop blocked for this long starves leases and drains: worth a restart when it happens at every probe. */
export const loopLagMsMax = 10_000;

/** The longest time the event loop was blocked since the last look. */
export interface LoopLag {
  takeMaxMs(): number;
  stop(): void;
}

/** Measures the running process; `stop` ends it. */
export function measureLoopLag(): LoopLag {
  const delay = monitorEventLoopDelay({ resolution: 100 });
  delay.enable();
  return {
    takeMaxMs() {
      const maxMs = delay.max / 1e6;
      // Each probe judges its own span: one long block that is over fails one probe, not all that follow.
      delay.reset();
      return maxMs;
    },
    stop: () => void delay.disable(),
  };
}

export function probeRoutes(health: HealthReader, lag: Pick<LoopLag, 'takeMaxMs'>): readonly Route[] {
  return [
    { path: '/livez', anyHost: true, handle: () => liveness(health, lag) },
    { path: '/readyz', anyHost: true, handle: async () => readiness(await health.readiness()) },
  ];
}

function liveness(health: HealthReader, lag: Pick<LoopLag, 'takeMaxMs'>): WebAnswer {
  const lagMs = lag.takeMaxMs();
  const silent = health.heartbeats().filter(({ ageMs, ageMsMax }) => ageMs > ageMsMax);
  const reasons = silent.map(({ name, ageMs }) => `${name} has been silent for ${Math.round(ageMs / 1_000)} s`);
  if (lagMs > loopLagMsMax) reasons.push(`the event loop was blocked for ${Math.round(lagMs / 1_000)} s`);
  return json(reasons.length === 0 ? 200 : 503, { alive: reasons.length === 0, reasons });
}

function readiness({ phase, checks, notes = [] }: Awaited<ReturnType<HealthReader['readiness']>>): WebAnswer {
  const failed = checks
    .filter(({ ok }) => !ok)
    .map(({ name, detail }) => (detail === undefined ? name : `${name}: ${detail}`));
  const reasons = phase === 'running' ? failed : [phase, ...failed];
  const byName = Object.fromEntries(checks.map(({ name, ok }) => [name, ok]));
  return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, phase, reasons, checks: byName, notes });
}

export function json(status: number, value: unknown): WebAnswer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}
