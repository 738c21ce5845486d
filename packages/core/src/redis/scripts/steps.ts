// The steps of a record, as scripts hand them out.
import { stepMark } from './record.js';

/** Defines `appendSteps`: the fields and values of all steps, behind what the list holds already. */
export const steps = `
local function appendSteps(list)
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) == '${stepMark}' then
      list[#list + 1] = fields[i]
      list[#list + 1] = fields[i + 1]
    end
  end
  return list
end
`;
