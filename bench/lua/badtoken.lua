-- A token that reads well and was signed by somebody else: nothing may reach the database.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  local token = common.tokens[common.someone()]
  local forged = token:sub(1, -61) .. string.rep("A", 20) .. token:sub(-40)
  return "GET /api/v1/tasks HTTP/1.1\r\nHost: taskwell\r\nAuthorization: Bearer " .. forged .. "\r\n\r\n"
end
