-- wrk script: POST the files BODIES.0, BODIES.1 and so on up to COUNT, one after the other.
local bodies, place = {}, 0
for number = 0, tonumber(os.getenv("COUNT")) - 1 do
  local file = assert(io.open(os.getenv("BODIES") .. "." .. number))
  bodies[number] = file:read("*a")
  file:close()
end
local headers = {
  ["Content-Type"] = "application/json",
  ["Authorization"] = "Bearer sk-bench",
  ["x-api-key"] = "sk-bench",
  ["anthropic-version"] = "2023-06-01",
}

request = function()
  place = (place + 1) % tonumber(os.getenv("COUNT"))
  return wrk.format("POST", nil, headers, bodies[place])
end
