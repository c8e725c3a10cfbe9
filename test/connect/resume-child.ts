import { Spool } from '../../src/connect/spool.ts'

/** Fills a spool page after page until it is killed; says each page that is saved. Argument: directory. */
const spool = new Spool(process.argv[2] ?? '.', 'app')
for (let page = 1; ; page++) {
  for (let row = 0; row < 10; row++) {
    const object = `u${page}-${row}`
    spool.put({ family: 'account', object, native: object, stream: 0, stamp: page, place: `page ${page}`, content: '{}' })
  }
  spool.keepPage(0, `digest ${page}`)
  spool.save(String(page))
  process.stdout.write(`saved ${page}\n`)
  await new Promise((resolve) => setTimeout(resolve, 1))
}
