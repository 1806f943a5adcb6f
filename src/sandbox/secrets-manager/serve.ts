/**
 * One request from its first byte to its answer: signature, quota, fault, operation. Counts what came and what became of
 * it. A fault decides whether the operation takes effect before the client meets it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../runtime/clock.ts';
import type { Context } from './context.ts';
import { injected, ServiceError } from './errors.ts';
import type { Faults, FiredFault } from './faults.ts';
import { type OperationName, operations } from './operations.ts';
import type { Input } from './params.ts';
import type { QuotaGate } from './quotas.ts';
import {
  assertSigned,
  createAnswerWriter,
  failure,
  operationOf,
  parseInput,
  readBody,
  success,
  type WireAnswer,
} from './wire.ts';

/** What became of the requests for one operation. A dropped or hanging one is counted as received only. */
export interface RequestCount {
  received: number;
  succeeded: number;
  throttled: number;
  failed: number;
}

export type RequestCounts = Readonly<Record<OperationName, RequestCount>>;

export interface ServeOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly quotas: QuotaGate;
  readonly counts: RequestCounts;
  /** Name of the secret a SecretId stands for, where there is one. */
  nameOf(secretId: string): string;
  context(options: { readonly stale: boolean }): Context;
}

function secretsOf(input: Input, nameOf: (secretId: string) => string): readonly string[] {
  const ids = [input.SecretId, input.Name, ...(Array.isArray(input.SecretIdList) ? input.SecretIdList : [])];
  return ids.filter((id) => typeof id === 'string').map(nameOf);
}

/** What the client sees of a fault; `undefined` where the operation's own answer goes out. */
async function meet(fault: FiredFault, op: OperationName, clock: Clock): Promise<WireAnswer | 'drop' | undefined> {
  const { what } = fault.spec;
  if (what === 'drop') return 'drop';
  if (what === 'hang') {
    await fault.released;
    return 'drop';
  }
  if (what === 'stale' || what === 'truncate') return undefined;
  if ('error' in what) return failure(injected(what.error, op, what.message, what.status));
  if ('raw' in what) return { ...what.raw, contentType: what.raw.contentType ?? 'text/html' };
  if ('call' in what) await what.call();
  else await clock.sleep(what.delayMs);
  return undefined;
}

export function createServe(options: ServeOptions) {
  const { clock, faults, quotas, counts } = options;
  const write = createAnswerWriter(() => clock.now());

  function run(op: OperationName, input: Input, stale: boolean): WireAnswer {
    try {
      const answer = success(operations[op].run(input, options.context({ stale })));
      counts[op].succeeded++;
      return answer;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      counts[op].failed++;
      return failure(error);
    }
  }

  async function answer(op: OperationName, input: Input): Promise<{ answer: WireAnswer | 'drop'; cutShort?: boolean }> {
    const fault = faults.fire(op, secretsOf(input, options.nameOf));
    if (fault === undefined) return { answer: run(op, input, false) };
    const applied = fault.spec.applied === true ? run(op, input, false) : undefined;
    const met = await meet(fault, op, clock);
    if (met !== undefined && met !== 'drop' && applied === undefined) counts[op].failed++;
    const cutShort = fault.spec.what === 'truncate';
    return { answer: met ?? applied ?? run(op, input, fault.spec.what === 'stale'), cutShort };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const op = operationOf(request);
    counts[op].received++;
    assertSigned(request);
    try {
      quotas.take(operations[op].quota);
    } catch (error) {
      counts[op].throttled++;
      throw error;
    }
    const result = await answer(op, parseInput(body));
    if (result.answer === 'drop') request.socket.resetAndDestroy();
    else write(response, result.answer, result.cutShort);
  }

  /** Never rejects: an error of the double itself shows as InternalFailure. */
  return function serve(request: IncomingMessage, response: ServerResponse): void {
    handle(request, response).catch((error: unknown) => {
      if (response.destroyed || response.headersSent) return;
      const known =
        error instanceof ServiceError ? error : new ServiceError('InternalFailure', 'The double failed.', 500);
      write(response, failure(known));
    });
  };
}
