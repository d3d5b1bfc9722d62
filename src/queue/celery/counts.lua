-- What waits. ARGV: the separator of priorities, then the queues; priority 0 has no suffix.
local waiting = {}
for number = 2, #ARGV do
  local count = 0
  for _, suffix in ipairs({'', ARGV[1] .. '3', ARGV[1] .. '6', ARGV[1] .. '9'}) do
    count = count + redis.call('LLEN', ARGV[number] .. suffix)
  end
  waiting[#waiting + 1] = count
end
return {waiting, redis.call('HLEN', 'unacked')}
