/**
 * One scrape: gauges that show a moment are brought up to date first, within a limit, and what was counted is answered
 * whatever came of that. Scrapes side by side share one look, so that several scrapers cost no more than one.
 */
import { type OverviewSources, refreshGauges } from './overview.ts';
import { within } from './runtime/clock.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Far below a scraper's usual ten seconds. */
const lookMsMax = 3_000;

/** Answers what /metrics says. Never rejects for Redis: its gauge is 0 then, and what only Redis knows is not shown. */
export function createScrape(sources: OverviewSources, metrics: Metrics): Metrics['render'] {
  let looking: Promise<void> | undefined;
  const look = () =>
    within(sources.services.deps.clock, lookMsMax, (late) =>
      Promise.race([
        refreshGauges(sources, metrics),
        new Promise<never>((_, fail) => late.addEventListener('abort', () => fail(late.reason))),
      ]),
    )
      .catch(() => {
        metrics.redis(false);
        metrics.queuesUnknown();
      })
      .finally(() => {
        looking = undefined;
      });
  return async () => {
    looking ??= look();
    await looking;
    return metrics.render();
  };
}
