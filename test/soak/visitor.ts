/**
 * Whoever looks at the service all day: Kubernetes' probes, Prometheus, and an operator with a browser. Each request is on
 * a connection of its own, so that one left open by the service shows.
 */
import { get } from 'node:http';

export interface Visits {
  readonly made: number;
  /** Answers that were not what they must be, by path and status. */
  readonly failed: ReadonlyMap<string, number>;
  /** Lines of the last /metrics. */
  readonly series: number;
}

export interface Visitor {
  /** One round of everything. */
  visit(connection: string | undefined): Promise<void>;
  visits(): Visits;
}

const answerMsMax = 20_000;

export function createVisitor(url: string): Visitor {
  const failed = new Map<string, number>();
  let made = 0;
  let series = 0;
  async function read(path: string, also: readonly number[] = []): Promise<string> {
    made += 1;
    const { status, body } = await fetched(new URL(path, url)).catch(() => ({ status: 0, body: '' }));
    if (status !== 200 && !also.includes(status)) {
      const what = `${path.split('?')[0]} ${status}`;
      failed.set(what, (failed.get(what) ?? 0) + 1);
    }
    return body;
  }
  return {
    visits: () => ({ made, failed, series }),
    async visit(connection) {
      await read('/livez');
      // Not ready while Redis is away, and an operator is told so.
      await read('/readyz', [503]);
      const text = await read('/metrics');
      if (text !== '') series = text.split('\n').length;
      await read('/', [503]);
      await read('/status.json', [503]);
      await read('/incidents', [503]);
      await read('/providers', [503]);
      if (connection !== undefined) await read(`/connection?id=${encodeURIComponent(connection)}`, [404, 503]);
    },
  };
}

function fetched(url: URL): Promise<{ status: number; body: string }> {
  return new Promise((done, fail) => {
    const request = get(url, { agent: false, timeout: answerMsMax }, async (response) => {
      try {
        let body = '';
        for await (const chunk of response.setEncoding('utf8')) body += chunk;
        done({ status: response.statusCode ?? 0, body });
      } catch (error) {
        fail(error);
      }
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', fail);
  });
}
