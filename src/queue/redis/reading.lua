-- One consistent look at the queue: nothing else runs in Redis meanwhile.
-- KEYS: the lists. ARGV: busy prefix and its pattern, worker prefix and its pattern, limits.
local busy_prefix, busy_pattern, worker_prefix, worker_pattern = unpack(ARGV, 1, 4)
local keys_max, bytes_max = tonumber(ARGV[5]), tonumber(ARGV[6])

local function ask(command, key)
  local answer = redis.pcall(command, key)
  if type(answer) == 'table' and answer.err then
    error(answer.err .. ' [key ' .. key .. ']')
  end
  return answer
end

local total = redis.call('DBSIZE')
if total > keys_max then
  error('FARMSCALE_TOO_MANY_KEYS ' .. total)
end

local bytes = 0
-- The names behind a prefix, each once.
local function names(prefix, pattern)
  local found, seen, cursor = {}, {}, '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1000)
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      if not seen[key] then
        seen[key] = true
        bytes = bytes + #key + 32
        found[#found + 1] = string.sub(key, #prefix + 1)
      end
    end
  until cursor == '0'
  return found
end

local waiting = {}
for number, list in ipairs(KEYS) do
  waiting[number] = ask('LLEN', list)
end

local workers, alive = {}, {}
for _, name in ipairs(names(worker_prefix, worker_pattern)) do
  local heartbeat = ask('GET', worker_prefix .. name)
  if heartbeat then
    bytes = bytes + #heartbeat
    if bytes > bytes_max then
      error('FARMSCALE_TOO_LARGE')
    end
    alive[name] = true
    workers[#workers + 1] = {name, heartbeat, ask('LLEN', busy_prefix .. name)}
  end
end

-- Tasks of workers that nobody hears of: they come back to their list.
local orphans = {}
for _, name in ipairs(names(busy_prefix, busy_pattern)) do
  if not alive[name] then
    orphans[#orphans + 1] = {name, ask('LLEN', busy_prefix .. name)}
  end
end
if bytes > bytes_max then
  error('FARMSCALE_TOO_LARGE')
end

return {waiting, workers, orphans}
