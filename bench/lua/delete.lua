-- Each task once: a second time it would not be there.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  local user, task = common.fresh_task()
  return common.ask("DELETE", "/api/v1/tasks/" .. task, user)
end
