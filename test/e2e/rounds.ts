import type { Grantline } from '../../src/compose.ts'
import { openFindings } from '../examples/acme.ts'
import { actionsOf, dayMs, historyOf, type SystemsCompany } from './company.ts'
import type { Story } from './stories.ts'
import { apps, type Held } from './systems.ts'

/** What is so after a round, in lines where there may be many. */
export interface Outcome {
  /** by person, everybody's */
  held: Record<string, Held>
  /** by person and application, everybody's */
  made: Record<string, string>
  /** of the people whose chapter it was: person, application, kind of finding, states */
  actions: string[]
  /** open findings about people: person, application, kind */
  open: string[]
}

export interface Round {
  found: Outcome
  expected: Outcome
  /** actions that were told as applied though the answer to a call was lost */
  doubtful: string[]
}

interface Playing {
  who: string
  story: Story
  /** of the story, which one this round plays */
  chapter: number
}

/**
 * Stories told in rounds: in each of them one more person of each story enters its first chapter, and who entered before goes on with
 * the next one. So while a round lasts every chapter of every story is under way.
 */
export class Rounds {
  readonly #company: SystemsCompany
  readonly #stories: readonly Story[]
  /** so many people of each story there are */
  readonly #size: number
  readonly #before: Pick<Outcome, 'held' | 'made'>
  #round = -1

  static async begin(company: SystemsCompany, stories: readonly Story[], size: number): Promise<Rounds> {
    return new Rounds(company, stories, size, await tables(company))
  }

  private constructor(company: SystemsCompany, stories: readonly Story[], size: number, before: Pick<Outcome, 'held' | 'made'>) {
    this.#company = company
    this.#stories = stories
    this.#size = size
    this.#before = before
  }

  /** Three days later the next round: its chapters begin, `pass` does what it does, and the next start finishes. */
  async play(pass: () => Promise<unknown>): Promise<Round> {
    const company = this.#company
    this.#round += 1
    company.offsetMs += 3 * dayMs
    const playing = this.#stories.flatMap((story) => story.chapters.map((_, chapter): Playing => ({ who: `${story.initial}${this.#round - chapter}x`, story, chapter })))
      .filter(({ chapter }) => this.#round >= chapter && this.#round - chapter < this.#size)
    for (const { who, story, chapter } of playing) await story.chapters[chapter]!.begin(company, who)
    await pass()
    return await company.once(async (grantline) => {
      const actions = await actionsIn(grantline, playing)
      const found = { ...(await tables(company)), actions: actions.map(({ line }) => line), open: await openLines(grantline) }
      for (const { who, story, chapter } of playing) await story.chapters[chapter]!.decide?.(grantline, who)
      return { found, expected: this.#expected(playing), doubtful: actions.flatMap(({ line, doubts }) => (doubts ? [line] : [])) }
    })
  }

  #expected(playing: readonly Playing[]): Outcome {
    const held = { ...this.#before.held }
    const made = { ...this.#before.made }
    for (const story of this.#stories) {
      for (let entered = 0; entered <= this.#round && entered < this.#size; entered++) {
        const who = `${story.initial}${entered}x`
        const chapter = story.chapters[Math.min(this.#round - entered, story.chapters.length - 1)]!
        held[who] = chapter.held
        for (const app of apps) made[`${who} ${app}`] = chapter.made[app]
      }
    }
    const lines = playing.flatMap(({ who, story, chapter }) => {
      const { actions, open } = story.chapters[chapter]!
      return apps.map((app) => ({
        actions: Object.entries(actions).map(([kind, states]) => `${who} ${app} ${kind}: ${states}`),
        open: open === null ? [] : [`${who} ${app} ${open}`],
      }))
    })
    return { held, made, actions: lines.flatMap(({ actions }) => actions).sort(), open: lines.flatMap(({ open }) => open).sort() }
  }
}

async function tables({ systems }: SystemsCompany): Promise<Pick<Outcome, 'held' | 'made'>> {
  const held = await systems.held()
  const made: Record<string, string> = {}
  for (const { who, app, what } of await systems.changes()) {
    if (held.has(who)) made[`${who} ${app}`] = [made[`${who} ${app}`] ?? [], what].flat().join(' ')
  }
  return { held: Object.fromEntries(held), made }
}

async function actionsIn(grantline: Grantline, playing: readonly Playing[]): Promise<{ line: string; doubts: boolean }[]> {
  const actions: { line: string; doubts: boolean }[] = []
  for (const { who } of playing) {
    for (const { id, app, kind } of await actionsOf(grantline, { identity: who })) {
      const { states, doubts } = await historyOf(grantline, id)
      actions.push({ line: `${who} ${app} ${kind}: ${states.join(' ')}`, doubts })
    }
  }
  return actions.sort((one, other) => (one.line < other.line ? -1 : 1))
}

async function openLines(grantline: Grantline): Promise<string[]> {
  return (await openFindings(grantline)).flatMap(({ identity, app, kind }) => (identity === null ? [] : [`${identity} ${app} ${kind}`])).sort()
}
