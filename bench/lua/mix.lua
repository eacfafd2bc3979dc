-- What people do: 60 % lists, 30 % single tasks, 10 % new ones.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  local user = common.someone()
  local dice = math.random(10)
  if dice <= 6 then
    return common.ask("GET", "/api/v1/tasks", user)
  elseif dice <= 9 then
    return common.ask("GET", "/api/v1/tasks/" .. common.some_task(user), user)
  end
  return common.tell("POST", "/api/v1/tasks", user, common.new_task())
end
