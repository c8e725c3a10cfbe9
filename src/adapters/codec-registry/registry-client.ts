import { setTimeout as sleep } from 'node:timers/promises'
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { z } from 'zod'
import { jsonOrNull } from '../../core/json.ts'
import { reasonOf } from '../../core/reason.ts'

export interface RegistryOptions {
  /** up to where `/subjects` begins, such as `https://registry.example.com` or `http://127.0.0.1:8080/apis/ccompat/v7` */
  url: string
  username?: string
  password?: string
}

/** The registry is out of reach, or answered with something that is no answer: it has to be asked again. */
export class RegistryError extends Error {
  override name = 'RegistryError'
}

/** The registry will not have this schema under this subject: asking again changes nothing. */
export class RegistryRefusal extends Error {
  override name = 'RegistryRefusal'
}

/** One call, the library's own retries included, ms: it waits for ever for the rest of an answer that was cut. */
const callLimitMs = 15_000
/** What each subject has before its first schema is registered, so that there is none without it whenever a process is killed. */
const compatibility = COMPATIBILITY.FULL_TRANSITIVE
const notFound = 404
/** incompatible (409), not a schema (422): in the Confluent API these two are about the schema itself */
const refusals = [409, 422]
/** Two processes that register the same at the same moment: one of them may be refused, and finds it there when it asks again. */
const registrations = { attempts: 5, pauseMs: 200 }
const isOtherLevel = (reason: string): boolean => reason.startsWith('Compatibility does not match')

/** What the library calls for itself (4.1.0, `api`): it has no call of its own that only sets a level, nor one that gives a schema as it was registered. */
interface Calls {
  Subject: {
    config(of: { subject: string }): Promise<unknown>
    updateConfig(of: { subject: string; body: { compatibility: string } }): Promise<unknown>
  }
  Schema: { find(of: { id: number }): Promise<{ data(): unknown }> }
}

/** The library takes a redirection or the page of a login for an answer. Frames have 32 bits for an id. */
const Registered = z.object({ id: z.int().min(0).max(0xffffffff) })
const Found = z.object({ schema: z.string(), schemaType: z.string().default('AVRO') })

/** A Confluent-compatible registry, through @kafkajs/confluent-schema-registry, with its errors told apart. */
export class RegistryClient {
  readonly #open: () => SchemaRegistry
  #library: SchemaRegistry
  /** for error messages; no credentials in it */
  readonly place: string
  /** a subject that is there for sure */
  #control: string | null = null

  constructor({ url, username, password }: RegistryOptions) {
    const { origin, pathname } = new URL(url)
    this.place = `${origin}${pathname.replace(/\/$/, '')}`
    const auth = username === undefined ? {} : { auth: { username, password: password ?? '' } }
    this.#open = () => new SchemaRegistry({ host: this.place, clientId: 'grantline', ...auth })
    this.#library = this.#open()
  }

  /** The id of this schema under `subject`, which is registered if it was not. Throws RegistryRefusal with the registry's reason. */
  async register(subject: string, avro: string): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#level(subject)
        const { id } = answered(Registered, await this.#within(this.#library.register({ type: SchemaType.AVRO, schema: avro }, { subject, compatibility })))
        this.#control = subject
        return id
      } catch (error) {
        const told = this.#told(`registering ${subject}`, error, subject)
        if (!(told instanceof RegistryRefusal) || isOtherLevel(reasonOf(error)) || attempt >= registrations.attempts) throw told
      }
      await sleep(registrations.pauseMs * (0.5 + Math.random()))
    }
  }

  /**
   * The Avro schema of this id, as it was registered; null where it is of another kind, undefined where the registry says that it has none. A gateway
   * in front of a registry that is down may answer 'not found' too: that is believed only beside a subject that is found. A registry takes schemas that the
   * library can't parse, with an error that looks like one of the surroundings, so nothing is parsed here but JSON.
   */
  async schema(id: number): Promise<unknown> {
    try {
      const { schema, schemaType } = answered(Found, (await this.#within(this.#api.Schema.find({ id }))).data())
      return schemaType === 'AVRO' ? jsonOrNull(schema) : null
    } catch (error) {
      if (statusOf(error) === notFound && (await this.#answers())) return undefined
      throw this.#told(`asking for schema ${id}`, error, null)
    }
  }

  /**
   * A subject that nobody has said anything of yet gets its level, which registries take before there is a schema. The library would set it
   * after the schema, and who is killed in between leaves a subject of which some registries (Apicurio) tell their own default.
   */
  async #level(subject: string): Promise<void> {
    const subjects = this.#api.Subject
    try {
      await this.#within(subjects.config({ subject }))
    } catch (error) {
      if (statusOf(error) !== notFound) throw error
      await this.#within(subjects.updateConfig({ subject, body: { compatibility } }))
    }
  }

  get #api(): Calls {
    return (this.#library as unknown as { api: Calls }).api
  }

  async #answers(): Promise<boolean> {
    if (this.#control === null) return false
    return this.#within(this.#library.getLatestSchemaId(this.#control)).then(() => true, () => false)
  }

  #told(doing: string, error: unknown, subject: string | null): Error {
    const reason = reasonOf(error)
    const status = statusOf(error)
    const isRefusal = subject !== null && ((status !== null && refusals.includes(status)) || isOtherLevel(reason))
    if (!isRefusal) return new RegistryError(`${doing} at the schema registry ${this.place} failed: ${reason}. Is it up, and is the url right?`, { cause: error })
    const help = isOtherLevel(reason)
      ? `Somebody changed it, or registered the subject by other means: PUT {"compatibility":"${compatibility}"} to ${this.place}/config/${subject}`
      : `Subjects are ${compatibility}: a field that comes later needs a default (make it nullable), none may go that has no default, and a new record type needs a topic of its own`
    return new RegistryRefusal(`the schema registry ${this.place} refuses today's schema of ${subject}: ${reason}. ${help}`, { cause: error })
  }

  async #within<T>(call: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      this.#library = this.#open() // the library shares what it still waits for with whoever asks next
      late.reject(new Error(`no answer within ${callLimitMs} ms`))
    }, callLimitMs)
    return Promise.race([call, late.promise]).finally(() => clearTimeout(timer))
  }
}

function answered<T>(shape: z.ZodType<T>, answer: unknown): T {
  const parsed = shape.safeParse(answer)
  if (!parsed.success) throw new Error('the answer is not one of a schema registry')
  return parsed.data
}

function statusOf(error: unknown): number | null {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null
}
