/**
 * Makes prom-client instruments from the metric list, and nothing that is not on it. Known label sets are created at once, at
 * zero; a gauge has no value until one is set, because an instant that never was must not read as 1970.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { describeMetric, type LabelOf, type MetricName } from './metric-list.ts';

/** Makes instruments from the list; each may be made once. */
export interface Instruments {
  counter<N extends MetricName>(name: N, known: Readonly<Record<LabelOf<N>, readonly string[]>>): Counter<LabelOf<N>>;
  histogram<N extends MetricName>(
    name: N,
    known: Readonly<Record<LabelOf<N>, readonly string[]>>,
  ): Histogram<LabelOf<N>>;
  gauge<N extends MetricName>(name: N): Gauge<LabelOf<N>>;
}

export function createInstruments(registry: Registry): Instruments {
  const common = <N extends MetricName>(name: N) => {
    const { name: fullName, help, labels: names } = describeMetric(name);
    return { name: fullName, help, labelNames: names as readonly LabelOf<N>[], registers: [registry] };
  };
  return {
    counter(name, known) {
      const counter = new Counter(common(name));
      for (const set of labelSets(known)) counter.inc(set, 0);
      return counter;
    },
    histogram(name, known) {
      const { buckets = [] } = describeMetric(name);
      const histogram = new Histogram({ ...common(name), buckets: [...buckets] });
      for (const set of labelSets(known)) histogram.zero(set);
      return histogram;
    },
    gauge(name) {
      const gauge = new Gauge(common(name));
      if (describeMetric(name).labels.length === 0) gauge.remove();
      return gauge;
    },
  };
}

/** Every combination of the label values given. */
function labelSets<L extends string>(known: Readonly<Record<L, readonly string[]>>): Record<L, string>[] {
  let sets: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries<readonly string[]>(known)) {
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })));
  }
  return sets as Record<L, string>[];
}
