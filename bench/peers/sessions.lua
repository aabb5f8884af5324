-- wrk -s sessions.lua URL -- AGENT…: sessions of all agents in turns, on every connection one after another; each answer
-- is looked at.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(agents)
  wrong = 0
  turn = 0
  requests = {}
  local headers = { ['Content-Type'] = 'application/json' }
  for _, agent in ipairs(agents) do
    table.insert(requests, wrk.format('POST', nil, headers, '{"agentId":"' .. agent .. '"}'))
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status, headers, body)
  if not body:find('"status":"authenticated"', 1, true) then
    wrong = wrong + 1
  end
end

function done(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get('wrong')
  end
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local text = '{"sessions":%d,"micros":%d,"wrong":%d,"failed":%d,"p50":%d,"p99":%d}'
  local p50, p99 = latency:percentile(50), latency:percentile(99)
  print('JSON ' .. text:format(summary.requests, summary.duration, wrong, failed, p50, p99))
end
