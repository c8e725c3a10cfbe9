/** Config files and we name sources shorter. */
const maxLength = 80

/** A source as a header can have it: messages of strangers may name anything. */
export const quoted = (source: string): string => `"${source.slice(0, maxLength).replace(/[^!-~]|["\\,;]/g, '?')}"`
