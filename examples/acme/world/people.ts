import { iso } from './dates.ts'

export interface Person {
  id: string
  given: string
  family: string
  email: string
  personnelNo: string
  department: string
  title: string
  worker: 'employee' | 'contractor'
  start: string
  end: string | null
  continues: string | null
}

const given = ['Ada', 'Ben', 'Clara', 'David', 'Elif', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Katja', 'Liam', 'Mira', 'Noah', 'Olga', 'Pavel', 'Qiu', 'Rosa', 'Sven', 'Tara', 'Uwe', 'Vera', 'Willem', 'Xenia', 'Yusuf', 'Zoë']
const family = ['Adler', 'Brandt', 'Castillo', 'Dvořák', 'Eriksen', 'Fischer', 'García', 'Horvat', 'Ivanova', 'Jansen', 'Keller', 'Lindqvist', 'Moreau', 'Nowak', 'Okafor', 'Petrov', 'Quinn', 'Rossi', 'Schmidt', 'Tanaka', 'Ulrich', 'Vogel', 'Weber', 'Yilmaz', 'Zhang']

/** Who works where: department, title, how many. 2,050 people, of whom every 50th has left. */
export const staffing: readonly (readonly [department: string, title: string, count: number])[] = [
  ['Finance', 'Clerk', 240],
  ['Finance', 'Manager', 40],
  ['Plant', 'Operator', 800],
  ['Plant', 'Supervisor', 100],
  ['Support', 'Agent', 320],
  ['Sales', 'Representative', 400],
  ['IT', 'Engineer', 100],
  ['HR', 'Partner', 50],
]

const ascii = (text: string): string => text.normalize('NFD').replace(/[^A-Za-z]/g, '').toLowerCase()

/** The staff, the same at every call. `i` counts from 0; person P1000 is the first. */
export function staff(): Person[] {
  const people: Person[] = []
  for (const [department, title, count] of staffing) {
    for (let k = 0; k < count; k++) {
      const i = people.length
      const g = given[(i * 7) % given.length]!
      const f = family[(i * 11 + Math.floor(i / given.length)) % family.length]!
      const left = i % 50 === 49
      people.push({
        id: `P${1000 + i}`,
        given: g,
        family: f,
        email: `${ascii(g)}.${ascii(f)}${i}@acme.example`,
        personnelNo: String(700000 + i),
        department,
        title,
        worker: 'employee',
        start: iso(-400 - (i % 2000)),
        end: left ? iso(-30 - (i % 60)) : null,
        continues: null,
      })
    }
  }
  return people
}
