-- One consistent look at RQ's keys. ARGV: most tasks that are told one by one, the set of machines
-- that were asked to take no more, then the queues.
local tasks_max, drained_key = tonumber(ARGV[1]), ARGV[2]

local function told(key, names)
  local values = redis.call('HMGET', key, unpack(names))
  for number = 1, #names do
    values[number] = values[number] or ''
  end
  return values
end

-- A job in the registry of started jobs may be `job:execution`.
local function job_key(member)
  local key = 'rq:job:' .. member
  if redis.call('EXISTS', key) == 1 then
    return key
  end
  return 'rq:job:' .. (string.match(member, '^(.*):[^:]*$') or member)
end

local function tasks(members, stage, list)
  for _, member in ipairs(members) do
    local key = job_key(member)
    local job = told(key, {'enqueued_at', 'started_at', 'ended_at', 'description'})
    local func = string.sub(string.match(job[4], '^[^(]*'), 1, 120)
    list[#list + 1] = {string.sub(key, 8), stage, job[1], job[2], job[3], func}
  end
end

local queues = {}
for number = 3, #ARGV do
  local name = ARGV[number]
  local waiting = redis.call('LLEN', 'rq:queue:' .. name)
  local running = redis.call('ZCARD', 'rq:wip:' .. name)
  local deferred = redis.call('ZCARD', 'rq:deferred:' .. name)
  local scheduled = redis.call('ZCARD', 'rq:scheduled:' .. name)
  local list, whole = {}, 0
  if waiting + running <= tasks_max then
    whole = 1
    tasks(redis.call('LRANGE', 'rq:queue:' .. name, 0, -1), 'waiting', list)
    tasks(redis.call('ZRANGE', 'rq:wip:' .. name, 0, -1), 'running', list)
    tasks(redis.call('ZREVRANGE', 'rq:finished:' .. name, 0, 1999), 'ended', list)
  end
  queues[#queues + 1] = {waiting, running, deferred, scheduled, whole, list}
end

local workers = {}
for _, key in ipairs(redis.call('SMEMBERS', 'rq:workers')) do
  local word = told(key, {'hostname', 'state', 'current_job', 'queues'})
  -- one that died leaves its name behind when its record expires
  if word[2] ~= '' then
    workers[#workers + 1] = {string.sub(key, 11), word[1], word[2], word[3], word[4]}
  end
end

return {queues, workers, redis.call('SMEMBERS', drained_key), redis.call('EXISTS', 'rq:suspended')}
