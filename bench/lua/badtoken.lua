-- A token that reads well and was signed by somebody else: nothing may reach the database.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  return common.forged(common.someone())
end
