/** Sabotages of leases, limiters and the order of the due. */
import type { Sabotage } from './sabotage.ts';

const leases = { test: 'test/integration/queue-leases.test.ts' };
const permits = { test: 'test/integration/queue-permits.test.ts' };

export const queueSabotages: readonly Sabotage[] = [
  {
    name: 'a lease is given twice',
    breaks: 'one worker at a time rotates a connection',
    file: 'src/queue/leases.ts',
    find: "if owner and owner ~= token then return { 'held', call('PTTL', lease) } end\n",
    replace: '',
    caughtBy: leases,
  },
  {
    name: 'a lease is released without asking whose it is',
    breaks: 'only the owner’s token ends a lease',
    file: 'src/queue/leases.ts',
    find: "if redis.call('GET', lease) == ARGV[2] then return redis.call('DEL', lease) end\nreturn 0",
    replace: "return redis.call('DEL', lease)",
    caughtBy: leases,
  },
  {
    name: 'the owner is not asked for at the last look',
    breaks: 'nobody posts whose lease is over',
    file: 'src/queue/leases.ts',
    find: "return redis.call('GET', KEYS[1] .. ':lease:' .. ARGV[1]) == ARGV[2] and 1 or 0",
    replace: 'return 1',
    caughtBy: leases,
  },
  {
    name: 'a lease by the wall clock',
    breaks: 'a turned calendar moves no lease',
    file: 'src/queue/leases.ts',
    find: 'const remainingMs = () => (over ? 0 : Math.max(0, endsAt - clock.monotonic()));',
    replace: 'const remainingMs = () => (over ? 0 : Math.max(0, endsAt - clock.now()));',
    caughtBy: leases,
  },
  {
    name: 'a lease is counted from after the call',
    breaks: 'our end of a lease is never later than Redis’s',
    file: 'src/queue/leases.ts',
    find: 'const leased = answered(context, connection, token, from + ms, answer as [string, number]);',
    replace:
      'const leased = answered(context, connection, token, options.clock.monotonic() + ms, answer as [string, number]);',
    caughtBy: { test: 'test/integration/rotation-lease.test.ts', titled: 'taken from the lease' },
  },
  {
    name: 'no epoch',
    breaks: 'a Redis that forgot its leases gives none at first',
    file: 'src/queue/leases.ts',
    find: "if now - since < young then return { 'epoch_young', young - (now - since) } end\n",
    replace: '',
    caughtBy: leases,
  },
  {
    name: 'the cool-down is not looked at',
    breaks: 'nobody but recovery spends again at once',
    file: 'src/queue/leases.ts',
    find: "if left > 0 then return { 'cooling', left } end",
    replace: '',
    caughtBy: leases,
  },
  {
    name: 'a cool-down is shortened',
    breaks: 'nobody but recovery spends again at once',
    file: 'src/queue/leases.ts',
    find: "if call('PTTL', cool) < tonumber(ARGV[3]) then call",
    replace: 'if true then call',
    caughtBy: leases,
  },
  {
    name: 'the limiter gives permits twice as fast',
    breaks: 'all workers together keep the write quota',
    file: 'src/queue/rate-line.ts',
    find: '1000000 / tonumber(ARGV[3])',
    replace: '500000 / tonumber(ARGV[3])',
    caughtBy: permits,
  },
  {
    name: 'recovery has no share of the writes',
    breaks: 'throttling slows new spends, never finishing ones',
    file: 'src/queue/permits.ts',
    find: "name: 'writes', recovery: true, recoveryShare",
    replace: "name: 'writes', recovery: false, recoveryShare",
    caughtBy: permits,
  },
  {
    name: 'the ready are not in order of their deadlines',
    breaks: 'nearest deadline first',
    file: 'src/queue/due-scripts.ts',
    find: "if deadline and deadline ~= '' then deadline = number(deadline) else",
    replace: "if deadline and deadline ~= '' then deadline = -number(deadline) else",
    caughtBy: { test: 'test/integration/queue-index.test.ts' },
  },
  {
    name: 'what was taken out of the ready set is forgotten',
    breaks: 'a lost job costs delay and never the connection',
    file: 'src/queue/due-scripts.ts',
    find: "for _, id in ipairs(ids) do call('ZADD', due(group), ARGV[3], id) end\n",
    replace: '',
    caughtBy: { test: 'test/integration/queue-index.test.ts' },
  },
];
