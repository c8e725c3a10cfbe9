import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { feedRows, requiredFields } from '../../schemas/feeds.ts'
import type { IntentClass } from '../../schemas/settings.ts'

const page = readFileSync('docs/feeds.md', 'utf8')
const everyRow = ['valid', 'removed']

it.each(Object.keys(feedRows) as IntentClass[])('docs/feeds.md names every field of %s, and which a row must have', (name) => {
  const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))!
  const [must, may] = row.split(/(?<!\\)\|/).slice(2, 4).map((cell) => new Set(cell.match(/`\w+`/g)?.map((word) => word.slice(1, -1))))
  expect([...requiredFields[name]].filter((field) => !must!.has(field))).toEqual([])
  expect(Object.keys(feedRows[name].shape).filter((field) => !everyRow.includes(field) && !must!.has(field) && !may!.has(field))).toEqual([])
})
