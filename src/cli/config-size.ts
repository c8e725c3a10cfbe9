/** Of a config file: by their names. */
interface Sized {
  readonly apps: object
  readonly feeds: object
}

/** `1 application, 6 feeds` */
export const configSize = ({ apps, feeds }: Sized): string => `${counted(apps, 'application')}, ${counted(feeds, 'feed')}`

function counted(named: object, noun: string): string {
  const count = Object.keys(named).length
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
