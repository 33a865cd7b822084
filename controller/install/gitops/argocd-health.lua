-- Argo CD's health of a SealedSecret, in the place of the built-in check, which takes what was said of an older
-- generation for news: `resource.customizations.health.bitnami.com_SealedSecret` of ConfigMap argocd-cm.
-- It reads what our controller writes, and what Bitnami's does.
local health = { status = "Progressing", message = "Waiting for the controller" }
local status = obj.status or {}
local generation = obj.metadata.generation

if status.observedGeneration ~= generation then
  return health
end

local found = {}
for _, condition in ipairs(status.conditions or {}) do
  -- Bitnami's conditions have no generation of their own.
  if (condition.observedGeneration or generation) == generation then
    found[condition.type] = condition
  end
end

local function is(kind, value)
  return found[kind] ~= nil and found[kind].status == value
end

local function said(kind)
  return found[kind].message or found[kind].reason or ""
end

if is("Stalled", "True") then
  health.status, health.message = "Degraded", said("Stalled")
elseif is("Reconciling", "True") then
  health.message = said("Reconciling")
elseif is("Synced", "True") then
  health.status, health.message = "Healthy", said("Synced")
elseif is("Synced", "False") then
  health.status, health.message = "Degraded", said("Synced")
end
return health
