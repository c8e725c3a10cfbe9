/**
 * What stands in place of a value that looks like a secret, and how the digest begins that stands in place of an id. Nothing else is
 * kept of either. Who finds one knows that the application shows a secret there.
 */
export const secretMark = '<secret>'
export const secretIdMark = '<secret '
