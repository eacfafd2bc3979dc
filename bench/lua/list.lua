-- The 20 newest tasks of a random user.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  return common.ask("GET", "/api/v1/tasks", common.someone())
end
