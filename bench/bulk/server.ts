import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An application with as many accounts as the argument says, made as they are asked for: GET /users?limit=&cursor=. Prints its port. */
const total = Number(process.argv[2] ?? 1_000_000)

createServer((request, response) => {
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams
  const from = Number(query.get('cursor') ?? 0)
  const to = Math.min(total, from + Math.min(1_000, Number(query.get('limit') ?? 1_000)))
  const items = Array.from({ length: to - from }, (_, at) => account(from + at))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ items, total, next: to < total ? String(to) : null }))
}).listen(0, '127.0.0.1', function (this: { address(): unknown }) {
  console.log((this.address() as AddressInfo).port)
})

function account(n: number): object {
  const id = `u${String(n).padStart(8, '0')}`
  return { id, name: `Account ${n}`, active: n % 50 !== 0, mail: `${id}@example.org`, roles: [`role-${n % 97}`, `role-${n % 89}`] }
}
