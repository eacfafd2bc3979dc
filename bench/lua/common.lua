-- What every workload shares. wrk runs each of its threads in a Lua of its own, so all of this exists once a thread.
--
-- Users come from a file (their ids and tokens); the ids of tasks are computed, as bench/dataset.py computes them, so
-- that a million of them need not be kept in memory beside the server that is measured.

local common = {}

local function setting(name)
  local value = os.getenv("BENCH_" .. name)
  return value or error("BENCH_" .. name .. " is not set: start wrk through `python -m bench`")
end

local USERS = tonumber(setting("USERS"))
local TASKS_EACH = tonumber(setting("TASKS_EACH"))
local BASE_MS = tonumber(setting("BASE_MS"))
local STEP_MS = tonumber(setting("STEP_MS"))
local AUTH = setting("AUTH") -- "bearer", or "header" for the peers without sign-in
local RUN = tonumber(setting("RUN")) -- differs in every run, so that no run repeats the random choices of another
local OFFSET = tonumber(setting("OFFSET")) -- the first task that no earlier run has deleted
local THREADS = tonumber(setting("THREADS"))

local next_thread = 0

function setup(thread)
  thread:set("thread_number", next_thread)
  next_thread = next_thread + 1
end

common.users = {} -- ids, in the order of the file
common.heads = {} -- the header lines that say who asks
common.tokens = {}

function init()
  math.randomseed(RUN * 1000 + (thread_number or 0) * 7919 + 1)
  for _ = 1, 10 do math.random() end -- LuaJIT's first numbers after a seed are alike
  for line in io.lines(setting("PEOPLE")) do
    local id, token = line:match("^(%S+) (%S+)$")
    local n = #common.users + 1
    common.users[n] = id
    common.tokens[n] = token
    common.heads[n] = AUTH == "bearer" and ("Authorization: Bearer " .. token .. "\r\n") or ("X-User-Id: " .. id .. "\r\n")
  end
end

-- A random user, counted from 1.
function common.someone()
  return math.random(#common.users)
end

-- The id of a user's task: user from 1, task from 0. A UUID of version 7, in the order of creation.
function common.task_id(user, task)
  local ms = BASE_MS + (task * USERS + (user - 1)) * STEP_MS
  local high = math.floor(ms / 65536)
  return string.format("%08x-%04x-7000-8000-%012x", high, ms - high * 65536, user - 1)
end

function common.some_task(user)
  return common.task_id(user, math.random(TASKS_EACH) - 1)
end

local walked = 0

-- A task that no other thread and no other run asks for: a task can be deleted once.
function common.fresh_task()
  local n = OFFSET + walked * THREADS + (thread_number or 0)
  walked = walked + 1
  local user = n % USERS + 1
  return user, common.task_id(user, math.floor(n / USERS) % TASKS_EACH)
end

-- The whole request as text: wrk.format would build it anew from a table each time, on the cores that are measured.
function common.ask(method, path, user, more)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: taskwell\r\n" .. common.heads[user] .. (more or "") .. "\r\n"
end

function common.tell(method, path, user, body)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: taskwell\r\n" .. common.heads[user]
    .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

-- The list of a user, with another's signature under the user's token.
function common.forged(user)
  local token = common.tokens[user]
  local forged = token:sub(1, -61) .. string.rep("A", 20) .. token:sub(-40)
  return "GET /api/v1/tasks HTTP/1.1\r\nHost: taskwell\r\nAuthorization: Bearer " .. forged .. "\r\n\r\n"
end

local serial = 0

-- A title that differs each time, so that every change changes something.
function common.title()
  serial = serial + 1
  return "Bench " .. RUN .. "-" .. (thread_number or 0) .. "-" .. serial .. " buy milk and bread"
end

function common.new_task()
  return '{"title":"' .. common.title() .. '","description":"Two litres, the blue one, and a loaf from the market"}'
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%.0f,"p95":%.0f,"p99":%.0f,"max":%.0f,'
      .. '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    latency.max, errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end

return common
