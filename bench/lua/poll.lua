-- A client that looks whether its list is still current: it is, every time. Everybody is at the revision of the load.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")
local conditions = {} -- each user's own, in the order of common.users
for tag in io.lines(os.getenv("BENCH_TAGS")) do
  conditions[#conditions + 1] = "If-None-Match: " .. tag .. "\r\n"
end

function request()
  local user = common.someone()
  return common.ask("GET", "/api/v1/tasks", user, conditions[user])
end
