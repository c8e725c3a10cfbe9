/**
 * Address of the next page, absolute: from a Link header (RFC 8288) the target whose `rel` names `next`; null where there is none.
 * `requestUrl`: what relative targets are relative to.
 */
export function nextLink(header: string | undefined, requestUrl: string): string | null {
  for (const [target, parameters] of linksOf(header ?? '')) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,]+))/i.exec(parameters)
    const relations = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/)
    if (relations.includes('next')) return absolute(target, requestUrl)
  }
  return null
}

/** A next address as a body gives it, made absolute; null where it is empty or no address. */
export function absolute(address: string | null, requestUrl: string): string | null {
  return address === null || address.trim() === '' ? null : (URL.parse(address.trim(), requestUrl)?.href ?? null)
}

/** Target and parameters of each link. Commas and semicolons may stand in targets and in quoted values. */
function* linksOf(header: string): Generator<[target: string, parameters: string]> {
  for (const match of header.matchAll(/<([^>]*)>((?:\s*;\s*[^\s;,=]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,]*))?)*)/g)) {
    yield [match[1] ?? '', match[2] ?? '']
  }
}
