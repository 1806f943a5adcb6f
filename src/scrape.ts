/**
 * One scrape: gauges that show a moment are brought up to date first, within a limit, and what was counted is answered
 * whatever came of that. Scrapes side by side share one look, so that several scrapers cost no more than one.
 */
import { type OverviewSources, refreshGauges } from './overview.ts';
import { atMost } from './runtime/clock.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Far below a scraper's usual ten seconds. */
const lookMsMax = 3_000;

/** Answers what /metrics says. Never rejects for Redis: its gauge is 0 then, and what only Redis knows is not shown. */
export function createScrape(sources: OverviewSources, metrics: Metrics): Metrics['render'] {
  let looking: Promise<void> | undefined;
  async function look(): Promise<void> {
    const seen = refreshGauges(sources, metrics).then(
      () => true,
      () => false,
    );
    try {
      if (await atMost(sources.services.deps.clock, lookMsMax, seen, false)) return;
      metrics.redis(false);
      metrics.queuesUnknown();
    } finally {
      looking = undefined;
    }
  }
  return async () => {
    looking ??= look();
    await looking;
    return metrics.render();
  };
}
