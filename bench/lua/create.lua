-- A new task for a random user.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  return common.tell("POST", "/api/v1/tasks", common.someone(), common.new_task())
end
