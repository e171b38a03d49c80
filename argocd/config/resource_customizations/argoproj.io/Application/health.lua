-- Argo CD gives Applications no health of their own (argo-cd#3781), so the waves of an app of apps would not wait.
-- Healthy but not synced is not there yet: what could not be created does not count as ill (argo-cd#27917).
-- One that cannot be compared or applied needs a person: were it Progressing, the sync that made it would wait for
-- ever, and no commit that mends it would come in.
local errors = {InvalidSpecError = true, ComparisonError = true, SyncError = true}
local status = obj.status
for _, condition in ipairs(status ~= nil and status.conditions or {}) do
  if errors[condition.type] then
    return {status = "Degraded", message = condition.type .. ": " .. condition.message}
  end
end
if status == nil or status.health == nil or status.health.status == nil or status.sync == nil then
  return {status = "Progressing", message = "not compared with Git yet"}
end
if status.health.status == "Healthy" and status.sync.status ~= "Synced" then
  return {status = "Progressing", message = "not synced: " .. status.sync.status}
end
return {status = status.health.status, message = status.health.message or ""}
