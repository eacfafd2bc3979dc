-- A client that looks whether its list is still current: it is, every time. Everybody is at the revision of the load.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")
local tag = "If-None-Match: " .. os.getenv("BENCH_ETAG") .. "\r\n"

function request()
  return common.ask("GET", "/api/v1/tasks", common.someone(), tag)
end
