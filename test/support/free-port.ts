import { freePort as drawFreePort } from '../../src/queue/free-port.ts';
import { systemRandom } from '../../src/runtime/random.ts';

/** A loopback port that stays free until the test binds it, whatever the tests beside it open meanwhile. */
export const freePort = (): Promise<number> => drawFreePort(systemRandom());
