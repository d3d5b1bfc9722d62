-- One consistent look at BullMQ's keys. ARGV: the prefix, most tasks that are told one by one, the set of
-- machines that were asked to take no more, then the queues.
local prefix, tasks_max, drained_key = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local queues = {}
for number = 4, #ARGV do
  local base = prefix .. ':' .. ARGV[number] .. ':'
  local ids = {waiting = 0, held = 0, running = 0, stalled = 0}
  local list, whole = {}, 1

  -- id, stage, submitted, started, ended, job, worker
  local function task(id, stage)
    local told = redis.call('HMGET', base .. id, 'timestamp', 'processedOn', 'finishedOn', 'name', 'pb')
    for place = 1, 5 do
      told[place] = told[place] or ''
    end
    list[#list + 1] = {id, stage, told[1], told[2], told[3], string.sub(told[4], 1, 120), told[5]}
  end

  -- older versions move what waits to `paused`
  local paused = redis.call('HEXISTS', base .. 'meta', 'paused')
  local aside = redis.call('LLEN', base .. 'paused')
  local waiting = redis.call('LLEN', base .. 'wait') + redis.call('ZCARD', base .. 'prioritized')
  local active = redis.call('LRANGE', base .. 'active', 0, -1)
  if waiting + aside + #active > tasks_max then
    whole = 0
  else
    for _, key in ipairs({'wait', 'paused'}) do
      for _, id in ipairs(redis.call('LRANGE', base .. key, 0, -1)) do
        task(id, 'waiting')
      end
    end
    for _, id in ipairs(redis.call('ZRANGE', base .. 'prioritized', 0, -1)) do
      task(id, 'waiting')
    end
    for _, id in ipairs(redis.call('ZREVRANGE', base .. 'completed', 0, 1999)) do
      task(id, 'ended')
    end
  end
  local running, stalled = 0, 0
  for _, id in ipairs(active) do
    -- a worker renews its lock every fifteen seconds; without one nobody works on the job
    if redis.call('EXISTS', base .. id .. ':lock') == 1 then
      running = running + 1
      task(id, 'running')
    else
      stalled = stalled + 1
      task(id, 'waiting')
    end
  end
  queues[#queues + 1] = {
    waiting + aside, stalled, running, redis.call('ZCARD', base .. 'delayed'),
    redis.call('ZCARD', base .. 'waiting-children'), paused, whole, list,
  }
end

return {queues, redis.call('SMEMBERS', drained_key)}
