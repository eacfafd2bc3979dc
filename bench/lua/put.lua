-- One task of a random user, replaced as a whole.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  local user = common.someone()
  return common.tell("PUT", "/api/v1/tasks/" .. common.some_task(user), user, common.new_task())
end
