-- The conditions follow kstatus: Stalled needs a person, Reconciling needs time, Ready says whether pages are read.
local function health(status, message)
  return {status = status, message = message}
end

if obj.status == nil or obj.status.conditions == nil then
  return health("Progressing", "the operator has not looked at it yet")
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "the operator has not looked at the newest spec yet")
end

local found = {}
for _, condition in ipairs(obj.status.conditions) do
  found[condition.type] = condition
end
local ready, reconciling, stalled = found.Ready, found.Reconciling, found.Stalled

if stalled ~= nil and stalled.status == "True" then
  return health("Degraded", stalled.reason .. ": " .. stalled.message)
end
if reconciling ~= nil and reconciling.status == "True" then
  return health("Progressing", reconciling.message)
end
if ready == nil then
  return health("Progressing", "the operator has not judged it yet")
end
if ready.status == "True" then
  return health("Healthy", ready.message)
end
if ready.reason == "Suspended" or ready.reason == "ScaledToZero" then
  return health("Suspended", ready.message)
end
return health("Progressing", ready.message)
