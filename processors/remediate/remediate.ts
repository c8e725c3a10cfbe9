import type { ActionDecision, ActionRecord, Proposal, WriteResult } from '../../schemas/wire/actions.ts'
import { RemedySetting } from '../../schemas/settings.ts'
import type { Setting } from '../../schemas/wire/common.ts'
import type { Context, Processor, ProcessorType } from '../../src/ports/processor.ts'
import { Jobs } from '../shared/jobs.ts'
import { Settings, type ParsedSettings } from '../shared/settings.ts'
import { Book } from './book.ts'
import { tellBrake } from './brake.ts'
import { closed, decided, proposed, resulted } from './decide.ts'
import { step, type Job, type Scope } from './work.ts'

const name = 'remediate'

/**
 * Turns proposals into writes: what policy or a person approves is asked of the application, within what its brake allows, and is
 * verified by what is observed afterwards. See ARCHITECTURE.md, "What is done about it".
 */
export const remediate: ProcessorType<'actions'> = {
  name,
  input: 'actions',
  outputs: ['commands', 'action-log', 'findings'],
  version: 5,
  stateFormat: 1,
  create: () => new Remediate(),
}

class Remediate implements Processor<'actions'> {
  readonly #parsed: ParsedSettings = new Map()

  process(context: Context, record: ActionRecord): void {
    const scope = this.#scope(context)
    const jobs = new Jobs<Job>(context.state)
    switch (record.type) {
      case 'Proposal':
        propose(scope, record)
        return
      case 'ActionDecision':
        decide(scope, jobs, record)
        return
      case 'WriteResult':
        result(scope, record)
        return
      case 'Census':
        scope.book.putApp(record.app, { ...scope.book.app(record.app), accounts: record.accounts })
        return
      case 'Setting':
        this.#setting(context, jobs, record)
        return
      case 'Tick':
        if (scope.book.due() !== null) jobs.push({ kind: 'timers' })
        for (const [app, { ready }] of scope.book.apps()) if (ready > 0) jobs.push({ kind: 'dispatch', app })
        return
      case 'Epoch':
        // what policy took back while an older version ran stood there as approved
        if (record.processor === name) for (const [app] of scope.book.apps()) jobs.push({ kind: 'policy', app, after: null })
        return
    }
  }

  slice(context: Context, budget: number): boolean {
    const scope = this.#scope(context)
    return new Jobs<Job>(context.state).run(budget, (job, rows) => step(scope, job, rows))
  }

  #setting(context: Context, jobs: Jobs<Job>, record: Setting): void {
    if (!record.name.startsWith('remedy/') || !new Settings(context.state, this.#parsed).apply(record)) return
    jobs.push({ kind: 'policy', app: record.name.slice('remedy/'.length), after: null })
  }

  #scope(context: Context): Scope {
    const settings = new Settings(context.state, this.#parsed)
    return { context, book: new Book(context), setting: (app) => settings.remedy(app) ?? nothing }
  }
}

/** Of an application that no setting names, nothing is written. */
const nothing = RemedySetting.parse({ active: false })

function propose({ context, book, setting }: Scope, record: Proposal): void {
  const before = book.action(record.app, record.finding)
  if (record.change === 'closed') {
    if (before === undefined) return
    book.save(before, closed(before, record, context.now), record.decided)
    tellBrake(context, book, record.app)
    return
  }
  book.save(before, proposed(before, record, setting(record.app), context.now), record.decided)
  tellBrake(context, book, record.app)
}

function decide({ context, book, setting }: Scope, jobs: Jobs<Job>, record: ActionDecision): void {
  const { app, finding, decision, by, why, until } = record
  if (decision === 'release') {
    book.putApp(app, { ...book.app(app), passUntil: until })
    jobs.push({ kind: 'release', app, by, why })
    return
  }
  const before = finding === null ? undefined : book.action(app, finding)
  if (before === undefined) return
  book.save(before, decided(before, record, setting(app), context.now))
  tellBrake(context, book, app)
}

function result({ context, book, setting }: Scope, record: WriteResult): void {
  const before = book.action(record.app, record.finding)
  if (before !== undefined) book.save(before, resulted(before, record, setting(record.app), context.now))
}
