-- A random one of the addresses in a file, asked for by the first person of the people file: pages of one long list.
local common = dofile(os.getenv("BENCH_LUA") .. "/common.lua")
local paths = {}
for line in io.lines(os.getenv("BENCH_PATHS")) do
  paths[#paths + 1] = line
end

function request()
  return common.ask("GET", paths[math.random(#paths)], 1)
end
