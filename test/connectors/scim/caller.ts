/** Calls a SCIM service by a way of its own, past any proxy; the parsed answer. */
export const callerOf = (base: string, token: string) => async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }
  const response = await fetch(`${base}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
