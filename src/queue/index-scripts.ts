/**
 * The Lua of the connection index, and what it shares with that of the due and ready sets. What must stay true after every script, whatever ran
 * before: an entry with nextAt is in exactly one of its group's due set and ready set, one without is in neither; a
 * group's score in `next` is the lowest of its due set; `ready-groups` names exactly the groups with a ready set.
 */
/** Buckets of the entry hashes: 12 entries each at 100,000 connections, 122 at 1,000,000, all within Redis's compact form. */
export const entryBuckets = 8192;

/** Longest field Redis keeps in the compact form; ids beyond it get buckets of their own so that they convert no other. */
const compactFieldMax = 64;

export const indexPrelude = `
local prefix = KEYS[1] .. ':'
local call = redis.call
-- Where an id is kept, and the 8 hex digits by which a fingerprint refers to it.
local function place(id)
  local mark = string.sub(redis.sha1hex(id), 1, 8)
  local n = tonumber(string.sub(mark, 1, 4), 16) % ${entryBuckets}
  return prefix .. (#id > ${compactFieldMax} and 'l:' or 'e:') .. n, mark
end
local function prints(fingerprint) return prefix .. 'f:' .. string.sub(fingerprint, 1, 2) end
local function due(group) return prefix .. 'due:' .. group end
local function ready(group) return prefix .. 'ready:' .. group end
local function numberOf(name) return call('HGET', prefix .. 'groups', name) end
local function nameOf(group) return call('HGET', prefix .. 'group-names', group) end
-- Group, deadline and fingerprint of a value; nothing where it is of another version.
local function parse(value)
  return string.match(value, '^1([^,]*),[^,]*,[^,]*,([^,]*),[^,]*,[^,]*,([^,]*),')
end
local function settle(group)
  local first = call('ZRANGE', due(group), 0, 0, 'WITHSCORES')
  if first[2] then call('ZADD', prefix .. 'next', first[2], group) else call('ZREM', prefix .. 'next', group) end
  local verb = call('EXISTS', ready(group)) == 1 and 'SADD' or 'SREM'
  call(verb, prefix .. 'ready-groups', group)
end
local function settleAll(touched) for group in pairs(touched) do settle(group) end end
-- Takes an entry out of its group's sets; out of every group's where its value cannot be read.
local function unschedule(id, group, touched)
  local groups = { group }
  if not group then groups = call('HVALS', prefix .. 'groups') end
  for _, each in ipairs(groups) do
    call('ZREM', due(each), id)
    call('ZREM', ready(each), id)
    touched[each] = true
  end
end
local function release(mark, fingerprint)
  if not fingerprint or fingerprint == '' then return end
  if call('HGET', prints(fingerprint), fingerprint) == mark then call('HDEL', prints(fingerprint), fingerprint) end
end
-- The connection that claims a fingerprint and still holds it.
local function claimant(fingerprint)
  local mark = call('HGET', prints(fingerprint), fingerprint)
  if not mark then return false end
  local n = tonumber(string.sub(mark, 1, 4), 16) % ${entryBuckets}
  for _, kind in ipairs({ 'e:', 'l:' }) do
    local flat = call('HGETALL', prefix .. kind .. n)
    for i = 1, #flat, 2 do
      local _, _, held = parse(flat[i + 1])
      if held == fingerprint and string.sub(redis.sha1hex(flat[i]), 1, 8) == mark then return flat[i] end
    end
  end
  return false
end
-- Values of an answer, and the names of the groups they are in.
local function named(values)
  local names, seen = {}, {}
  for _, value in ipairs(values) do
    local group = value and parse(value)
    if group and not seen[group] then
      seen[group] = true
      names[#names + 1] = group
      names[#names + 1] = nameOf(group)
    end
  end
  return { values, names }
end
`;

/** ARGV: count of groups, their names, then per entry: id, group (1-based), tail, nextAt or '', fingerprint or ''. */
export const putScript = `${indexPrelude}
local count = tonumber(ARGV[1])
local groups, touched = {}, {}
for i = 1, count do
  local name = ARGV[1 + i]
  local number = numberOf(name)
  if not number then
    number = tostring(call('HLEN', prefix .. 'groups') + 1)
    call('HSET', prefix .. 'groups', name, number)
    call('HSET', prefix .. 'group-names', number, name)
  end
  groups[i] = number
end
for i = count + 2, #ARGV, 5 do
  local id, group, tail, nextAt, fingerprint = ARGV[i], groups[tonumber(ARGV[i + 1])], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local where, mark = place(id)
  local before = call('HGET', where, id)
  if before then
    local oldGroup, _, oldFingerprint = parse(before)
    if oldGroup ~= group then unschedule(id, oldGroup, touched)
    else call('ZREM', ready(group), id) end
    if oldFingerprint ~= fingerprint then release(mark, oldFingerprint) end
  else
    call('INCR', prefix .. 'entry-count')
  end
  call('HSET', where, id, '1' .. group .. ',' .. tail)
  if nextAt ~= '' then call('ZADD', due(group), nextAt, id)
  elseif before then call('ZREM', due(group), id) end
  if fingerprint ~= '' then
    local held = call('HGET', prints(fingerprint), fingerprint)
    if held ~= mark and not (held and claimant(fingerprint)) then call('HSET', prints(fingerprint), fingerprint, mark) end
  end
  touched[group] = true
end
settleAll(touched)
return 1
`;

/** ARGV: ids. */
export const removeScript = `${indexPrelude}
local touched = {}
for _, id in ipairs(ARGV) do
  local where, mark = place(id)
  local before = call('HGET', where, id)
  if before then
    local group, _, fingerprint = parse(before)
    unschedule(id, group, touched)
    release(mark, fingerprint)
    call('HDEL', where, id)
    call('DECR', prefix .. 'entry-count')
  end
end
settleAll(touched)
return 1
`;

/** ARGV: ids. Answers the values (false where there is none) and the groups' names. */
export const getScript = `${indexPrelude}
local values = {}
for i, id in ipairs(ARGV) do values[i] = call('HGET', (place(id)), id) end
return named(values)
`;

/** ARGV: first bucket, last bucket. Answers ids, values and the groups' names. */
export const scanScript = `${indexPrelude}
local ids, values = {}, {}
local function read(key)
  local flat = call('HGETALL', key)
  for i = 1, #flat, 2 do
    ids[#ids + 1] = flat[i]
    values[#values + 1] = flat[i + 1]
  end
end
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  read(prefix .. 'e:' .. n)
  read(prefix .. 'l:' .. n)
end
local answer = named(values)
return { ids, answer[1], answer[2] }
`;

/** ARGV: fingerprint, id. Answers the connection that holds it, false where none or only this one does. */
export const holderScript = `${indexPrelude}
local id = claimant(ARGV[1])
return id ~= ARGV[2] and id
`;
