/**
 * The Lua of the due and ready sets. The rules they keep are those of index-scripts.ts: an entry with nextAt is in exactly
 * one of the two, and what is taken from the ready set is back in the due set within the same script.
 */
import { digits } from './entry-codec.ts';
import { indexPrelude } from './index-scripts.ts';

/**
 * ARGV: now, limit. Answers how many moved. The groups share the limit, so that one client's backlog keeps no other
 * client waiting; with nothing due it is one look at the head of `next`.
 */
export const promoteScript = `${indexPrelude}
local now, left, moved = ARGV[1], tonumber(ARGV[2]), 0
local groups = call('ZRANGEBYSCORE', prefix .. 'next', '-inf', now, 'LIMIT', 0, 1000)
local values = {}
for i = 1, 64 do values[string.sub('${digits}', i, i)] = i - 1 end
local function number(text)
  local sign, value = 1, 0
  if string.sub(text, 1, 1) == '-' then sign, text = -1, string.sub(text, 2) end
  for i = 1, #text do value = value * 64 + values[string.sub(text, i, i)] end
  return string.format('%.0f', sign * value)
end
local function move(group, most)
  local ids = call('ZRANGEBYSCORE', due(group), '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    local value = call('HGET', (place(id)), id)
    call('ZREM', due(group), id)
    if value then
      local _, deadline = parse(value)
      if deadline and deadline ~= '' then deadline = number(deadline) else deadline = '-inf' end
      call('ZADD', ready(group), deadline, id)
      moved = moved + 1
    end
  end
  left = left - #ids
  return #ids
end
while left > 0 and #groups > 0 do
  local share, still = math.max(1, math.floor(left / #groups)), {}
  for _, group in ipairs(groups) do
    local most = math.min(share, left)
    if most > 0 and move(group, most) == most then still[#still + 1] = group end
    settle(group)
  end
  groups = still
end
return moved
`;

/** ARGV: group name, count, lookAgainAt, perhaps a bound below which the deadline must lie. Answers the ids taken, nearest deadline first. */
export const takeScript = `${indexPrelude}
local group = numberOf(ARGV[1])
if not group then return {} end
local ids = {}
if ARGV[4] then
  -- An unknown deadline is not known to be near.
  ids = call('ZRANGEBYSCORE', ready(group), '(-inf', '(' .. ARGV[4], 'LIMIT', 0, ARGV[2])
  if #ids > 0 then call('ZREM', ready(group), unpack(ids)) end
else
  local popped = call('ZPOPMIN', ready(group), ARGV[2])
  for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
end
for _, id in ipairs(ids) do call('ZADD', due(group), ARGV[3], id) end
settle(group)
return ids
`;

/** Answers name and size of each ready set, one after the other. */
export const readyScript = `${indexPrelude}
local answer = {}
for _, group in ipairs(call('SMEMBERS', prefix .. 'ready-groups')) do
  answer[#answer + 1] = nameOf(group)
  answer[#answer + 1] = call('ZCARD', ready(group))
end
return answer
`;

/** ARGV: group name, count. */
export const upcomingScript = `${indexPrelude}
local group = numberOf(ARGV[1])
if not group then return {} end
return call('ZRANGE', due(group), 0, tonumber(ARGV[2]) - 1)
`;

/** ARGV: now. Answers how many are due and how many ready. */
export const backlogScript = `${indexPrelude}
local overdue, waiting = 0, 0
for _, group in ipairs(call('ZRANGEBYSCORE', prefix .. 'next', '-inf', ARGV[1])) do
  overdue = overdue + call('ZCOUNT', due(group), '-inf', ARGV[1])
end
for _, group in ipairs(call('SMEMBERS', prefix .. 'ready-groups')) do waiting = waiting + call('ZCARD', ready(group)) end
return { overdue, waiting }
`;
