"""The Lua scripts of the Redis store. Times are seconds since the epoch."""

# KEYS live sizes queue job document [once]
# ARGV now id record document expires ttl max_jobs max_bytes digest
# Gives {answer, number}: added, jobs or bytes (full), reused, or the id of the job with the same key.
ADD = """
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
if KEYS[6] then
  local known = redis.call('HMGET', KEYS[6], 'id', 'digest')
  if known[1] then
    if known[2] ~= ARGV[9] then return {'reused', 0} end
    return {known[1], 0}
  end
end
local count = redis.call('ZCARD', KEYS[1])
if count >= tonumber(ARGV[7]) then return {'jobs', count} end
local held = 0
for _, size in ipairs(redis.call('HVALS', KEYS[2])) do held = held + tonumber(size) end
if held + #ARGV[4] > tonumber(ARGV[8]) then return {'bytes', held} end
redis.call('ZADD', KEYS[1], ARGV[5], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], #ARGV[4])
redis.call('HSET', KEYS[4], 'record', ARGV[3], 'status', 'queued')
redis.call('EXPIREAT', KEYS[4], math.ceil(ARGV[5] + ARGV[6]))
redis.call('SET', KEYS[5], ARGV[4], 'EXAT', math.ceil(ARGV[5]))
if KEYS[6] then
  redis.call('HSET', KEYS[6], 'id', ARGV[2], 'digest', ARGV[9])
  redis.call('EXPIREAT', KEYS[6], math.ceil(ARGV[5]))
end
redis.call('RPUSH', KEYS[3], ARGV[2])
return {'added', 0}
"""

# KEYS queue leases; ARGV now until. Jobs whose lease is over come first.
CLAIM = """
local id = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
if not id then id = redis.call('LPOP', KEYS[1]) end
if not id then return false end
redis.call('ZADD', KEYS[2], ARGV[2], id)
return id
"""

# KEYS job leases; ARGV id until
RENEW = """
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'queued' and status ~= 'running' then return 0 end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1
"""

# KEYS queue leases; ARGV id again
RELEASE = """
redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[2] == '1' then redis.call('LPUSH', KEYS[1], ARGV[1]) end
"""

# KEYS job document result live sizes; ARGV id status record result expires ttl
# A job ends once; only a cancellation, which drops document and result, comes over another end.
SAVE = """
local was = redis.call('HGET', KEYS[1], 'status')
if not was or was == 'cancelled' then return 0 end
if ARGV[2] == 'cancelled' then
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.call('ZREM', KEYS[4], ARGV[1])
  redis.call('HDEL', KEYS[5], ARGV[1])
elseif was == 'succeeded' or was == 'failed' then
  return 0
else
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
  redis.call('EXPIREAT', KEYS[2], math.ceil(ARGV[5]))
  if #ARGV[4] > 0 then
    redis.call('SET', KEYS[3], ARGV[4], 'EXAT', math.ceil(ARGV[5]))
    redis.call('HINCRBY', KEYS[5], ARGV[1], #ARGV[4])
  end
end
redis.call('HSET', KEYS[1], 'record', ARGV[3], 'status', ARGV[2])
redis.call('EXPIREAT', KEYS[1], math.ceil(ARGV[5] + ARGV[6]))
return 1
"""
