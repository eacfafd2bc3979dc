-- One task of a random user.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  local user = common.someone()
  return common.ask("GET", "/api/v1/tasks/" .. common.some_task(user), user)
end
