/** tell: delivers what a channel is owed of one incident. The payload names both; what is said is made at delivery. */
import { z } from 'zod';
import type { TellJob } from '../src/alerts/ports.ts';
import { type TellPorts, tell } from '../src/alerts/tell.ts';

const payload = z.strictObject({ key: z.string().min(1).max(1_024), channel: z.string().min(1).max(64) });

export function readTellJob(data: unknown): TellJob | undefined {
  return payload.safeParse(data).data;
}

/** The time limit is the channel's own. */
export function runTell(job: TellJob, ports: TellPorts, signal: AbortSignal): Promise<void> {
  return tell(job, ports, signal);
}
