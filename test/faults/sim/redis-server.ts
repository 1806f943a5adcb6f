/** What all parts of the simulated Redis share: its clock, its run id, whether it answers, and how it is asked. */
import { PilotlightError } from '../../../src/runtime/errors.ts';
import type { Calls } from './call.ts';

export interface RedisServer {
  /** Redis's own clock: leases, cool-downs, epochs and rates are counted by it. */
  readonly now: () => number;
  /** Changes with every start of the server and with every fail-over. */
  runId: string;
  /** True: no command has an effect, and whoever asks is told so. */
  down: boolean;
}

/** Runs one script or command of one actor. */
export type AskRedis = <T>(name: string, about: string, effect: () => T) => Promise<T>;

/** The adapter gives up a command after this long (ms); it may have taken effect all the same. */
export const commandLimitMs = 2_000;

export function redisUnavailable(): PilotlightError {
  return new PilotlightError('redis_unavailable', 'the simulated Redis did not answer');
}

/** One actor's commands: each whole or not at all, as Redis runs them. */
export function askingRedis(server: RedisServer, calls: Calls): AskRedis {
  return (name, about, effect) =>
    calls({
      name,
      about,
      limitMs: commandLimitMs,
      effect: () => {
        if (server.down) throw redisUnavailable();
        return effect();
      },
      failed: () => {
        throw redisUnavailable();
      },
    });
}
