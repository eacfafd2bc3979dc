-- As badtoken, and the same hundred tokens over and over: what does a refusal cost the second time?
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")

function request()
  return common.forged(math.random(math.min(100, #common.users)))
end
