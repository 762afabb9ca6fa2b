-- wrk script: POSTs the file named by BODY, with so many new bytes in each as UNIQUE says in place of @NEW@, and a pause
-- of DELAY milliseconds after each answer.
local file = io.open(os.getenv("BODY")); local body = file:read("*a"); file:close()
local unique, delay_ms = tonumber(os.getenv("UNIQUE")), tonumber(os.getenv("DELAY"))
local first, last = body:find("@NEW@", 1, true)
local head, tail = body:sub(1, first - 1), body:sub(last + 1)
local words, number = {}, 0
math.randomseed(os.time())
for i = 1, 4096 do words[i] = string.format("%s%x ", ("bcdfghklmnpqrst"):sub(i % 15 + 1, i % 15 + 1), i * 40503 % 65521) end

function request()
  number = number + 1
  local text, size = { tostring(number), " " }, 0
  while size < unique do
    local word = words[math.random(#words)]
    text[#text + 1] = word
    size = size + #word
  end
  return wrk.format("POST", nil, nil, head .. table.concat(text) .. tail)
end

function delay() return delay_ms end

wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-bench"
