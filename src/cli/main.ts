import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { letterStages } from '../../schemas/letter-stages.ts'
import { ConfigError } from '../config/config-error.ts'
import { reasonOf } from '../core/reason.ts'
import { dialects, proxyFaults } from '../hostile/names.ts'
import { schemes } from '../hostile/webhook-sender.ts'
import { ApiError } from '../http/api-error.ts'
import type { Api } from '../http/api.ts'
import type { Format } from '../reports/format.ts'
import { roleNames } from '../roles.ts'
import type { CsvOptions } from './hostile-csv.ts'
import type { ProxyOptions } from './hostile-proxy.ts'
import type { HookOptions } from './hostile-webhooks.ts'
import type { HostileOptions } from './hostile.ts'
import { releaseOf } from './release.ts'
import type { HttpTestOptions } from './test-http.ts'
import type { ReplaySelection, VerifySelection } from './verify.ts'

/** Exit codes: 0 done; 1 it failed; 2 the command, the config or the question was wrong. */
const exitCodes = { done: 0, failed: 1, usage: 2 } as const

/**
 * Runs one command line (without node and script). Errors are printed; the answer is the exit code. What a command rests on is loaded
 * when it is called: a question to a running process needs neither the log nor the tables.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const program = build()
  try {
    await program.parseAsync(withoutHelpForNone(program, argv), { from: 'user' })
    return exitCodes.done
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    console.error(reasonOf(error))
    return error instanceof ConfigError || error instanceof ApiError ? exitCodes.usage : exitCodes.failed
  }
}

/** Asked for the help of a command that there is none of, the parser prints that of all: without the question it says what is wrong. */
function withoutHelpForNone(program: Command, argv: readonly string[]): string[] {
  let at = program
  for (const word of argv) {
    if (word.startsWith('-') || at.commands.length === 0 || word === 'help') return [...argv]
    const next = at.commands.find((command) => command.name() === word)
    if (next === undefined) return argv.filter((other) => other !== '--help' && other !== '-h')
    at = next
  }
  return [...argv]
}

function build(): Command {
  const program = new Command('grantline')
    .description('Reads what applications grant, reconciles it with what governance intends, and explains every difference.')
    .version(releaseOf())
    .exitOverride()
    .enablePositionalOptions() // `hostile` and the commands below it have faults
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText('after', examples(['run --config grantline.yaml', 'findings --app billing --severity high', 'explain 3f9a', 'access --identity P1003 --at 2026-11-01 --known-at 2026-11-02', 'sync-runs -o csv']))

  command(program, 'run', 'sync every source, reconcile, print progress and results; goes on until Ctrl-C')
    .option('--once', 'one full pass: ends when every input is at its end')
    .option('--log-level <level>', 'structured log lines on standard error: trace, debug, info, warn, error, silent', 'silent')
    .option('--roles <names>', 'what this process does of the whole, by commas: connectors, processors, sink, api', roleNames.join(','))
    .option('--threads <count>', 'threads that run the processors, at most one a partition; 1: beside all else', threadsOf, 1)
    .action(async (options: { config: string; once?: true; logLevel: string; roles: string; threads: number }) => {
      const { rolesOf, run } = await import('./run.ts')
      await run(options.config, { once: options.once === true, logLevel: options.logLevel, roles: rolesOf(options.roles), threads: options.threads })
    })
    .addHelpText('after', examples(['run', 'run --once', 'run --log-level info 2> grantline.log', 'run --roles connectors,processors', 'run --threads 4']))

  report(program, 'findings', 'differences between what is granted and what is intended, worst first')
    .addOption(new Option('--state <state>', 'which').choices(['open', 'closed', 'all']))
    .option('--kind <kind>', 'unauthorised-grant, missing-grant, orphaned-account, leaver-access, …')
    .addOption(new Option('--severity <severity>', 'of this severity').choices(['low', 'medium', 'high', 'critical']))
    .option('--app <app>').option('--identity <id>').option('--account <id>')
    .option('--known-at <time>', 'as it was known at this time')
    .addHelpText('after', examples(['findings', 'findings --kind leaver-access -o json', 'findings --identity P1003 --state all', 'findings --app billing --known-at 2026-11-01']))
  report(program, 'access', 'who holds what, and whether that is right; now, or at a past time')
    .option('--app <app>').option('--account <id>').option('--identity <id>')
    .option('--entitlement <name>', 'catalogue name or native id')
    .option('--verdict <verdict>', 'matched, matched-indirectly, unauthorised, pending, undecided')
    .option('--at <time>', 'what was held at this time')
    .option('--known-at <time>', 'as it was known at this time')
    .addHelpText('after', examples(['access --app billing --account u1003', 'access --entitlement billing.payment.release', 'access --identity P1003 --at 2026-11-01 --known-at 2026-11-02T12:00:00Z']))
  report(program, 'access-history', 'what an account or a person held, from when to when, and how it was judged')
    .option('--app <app>').option('--account <id>').option('--identity <id>')
    .option('--entitlement <name>', 'catalogue name or native id')
    .option('--known-at <time>', 'as it was known at this time')
    .addHelpText('after', examples(['access-history --app billing --account u1003', 'access-history --identity P1003 --entitlement billing.payment.release']))
  report(program, 'access-changes', 'what is held at one time and not at another, or was judged otherwise')
    .requiredOption('--from <time>', 'the earlier time').requiredOption('--to <time>', 'the later time')
    .option('--app <app>').option('--account <id>').option('--identity <id>')
    .option('--entitlement <name>', 'catalogue name or native id')
    .option('--known-at <time>', 'as it was known at this time')
    .addHelpText('after', examples(['access-changes --from 2026-11-01 --to 2026-12-01', 'access-changes --app billing --from 2026-11-01 --to 2026-11-22 -o csv']))
  report(program, 'lag', 'how long desired changes took to be seen done, per application')
    .option('--app <app>')
    .addHelpText('after', examples(['lag', 'lag --app billing -o json']))
  report(program, 'sync-runs', 'runs of every source: verdict, reason, counts').option('--source <name>', 'an application or a feed')
    .addOption(new Option('--verdict <verdict>', 'of this verdict').choices(['complete', 'partial', 'unknown']))
    .addHelpText('after', examples(['sync-runs', 'sync-runs --source billing -o csv', 'sync-runs --verdict partial']))

  command(program, 'connectors', 'how every application and feed is doing: state, freshness, counts, waits, troubles')
    .addOption(outputOption(['table', 'json', 'csv']))
    .action(async (options: { config: string; output: Format }) => (await import('./ask.ts')).connectors(options.config, options.output))
    .addHelpText('after', examples(['connectors', 'connectors -o json']))

  command(program, 'explain', 'the way from a finding back to the pages and intent records it rests on')
    .argument('<finding>', 'id, or the beginning of one')
    .addOption(outputOption(['table', 'json']))
    .action(async (id: string, options: { config: string; output: 'table' | 'json' }) => (await import('./ask.ts')).explain(options.config, id, options.output))
    .addHelpText('after', examples(['explain 3f9a', 'explain 3f9a -o json']))
  command(program, 'sync', 'begin a snapshot of an application now').argument('<app>')
    .action((app: string, options: { config: string }) => told(options.config, (api) => api.sync(app), `asked ${app} for a snapshot; \`grantline sync-runs --source ${app}\` shows it`))
    .addHelpText('after', examples(['sync billing']))
  command(program, 'rule', 'decide on a source: release held absences, declare its baseline, or retire it')
    .addOption(new Option('--kind <kind>', 'what is decided').choices(['release', 'baseline', 'retire']).makeOptionMandatory())
    .requiredOption('--by <name>', 'who decides').requiredOption('--reason <text>', 'why')
    .option('--run <number>', 'the run whose absences are released', wholeNumber)
    .argument('<source>', 'an application or a feed')
    .action((source: string, options: { config: string; kind: 'release' | 'baseline' | 'retire'; by: string; reason: string; run?: number }) =>
      told(options.config, (api) => api.rule({ source, kind: options.kind, by: options.by, reason: options.reason, run: options.run ?? null }), `${options.kind} of ${source} is recorded, by ${options.by}`))
    .addHelpText('after', examples(['rule hr --kind release --run 12 --by "A. Kaya" --reason "the Basel site was sold"', 'rule portal --kind retire --by "A. Kaya" --reason "switched off in May"']))

  actionCommands(program)
  deadLetterCommands(program)

  command(program, 'verify', 'derive everything again from the recorded input and compare: the log byte for byte, then the tables')
    .option('--processor <name>', 'entitle, normalise, reconcile or remediate only').option('--partition <number>', 'this partition only', wholeNumber)
    .option('--from <offset>', 'compare what inputs from this offset on caused', wholeNumber).option('--to <offset>', 'and below this one', wholeNumber)
    .option('--app <app>', 'compare records of this application only')
    .action(async ({ config, ...selection }: { config: string } & VerifySelection) => (await import('./verify.ts')).verify(config, selection))
    .addHelpText('after', `${afterRun}${examples(['verify', 'verify --processor normalise --partition 2'])}`)
  command(program, 'replay', 'who had what at a past moment and why, as known then, rebuilt from the log alone')
    .requiredOption('--until <time>', 'the moment')
    .option('--app <app>').option('--account <id>').option('--identity <id>')
    .addOption(outputOption(['table', 'json', 'csv']))
    .action(async ({ config, output, ...selection }: { config: string; output: 'table' | 'json' | 'csv' } & ReplaySelection) => (await import('./verify.ts')).replay(config, selection, output))
    .addHelpText('after', `${afterRun}${examples(['replay --until 2026-11-01 --identity P1003', 'replay --until 2026-11-01T12:00:00Z --app billing -o csv'])}`)

  const log = program.command('log').description('back the log up, or carry it to another place: to another data directory, to Kafka, and back')
    .addHelpText('after', examples(['log backup /backup/2026-11-25', 'log export ./export -c embedded.yaml', 'log import ./export -c on-kafka.yaml']))
  command(log, 'backup', 'copy the log of a data directory as it stands at one moment, also while `grantline run` works on it')
    .argument('<directory>', 'made where it is not there; must hold no log. It is a data directory then')
    .action(async (directory: string, { config }: { config: string }) => (await import('./log.ts')).backUpTo(config, directory))
    .addHelpText('after', `${afterBackup}${examples(['log backup /backup/2026-11-25', 'log backup "/backup/$(date -u +%Y-%m-%dT%H%M)" -c /etc/grantline/grantline.yaml'])}`)
  command(log, 'export', 'write every message at its offset, and every state, into a directory; nothing may run meanwhile')
    .argument('<directory>', 'made where it is not there; must be empty')
    .action(async (directory: string, { config }: { config: string }) => (await import('./log.ts')).exportTo(config, directory))
    .addHelpText('after', examples(['log export ./export', 'log export /backup/2026-11-25 -c /etc/grantline/grantline.yaml']))
  command(log, 'import', 'fill an empty log with an export; cut off at any moment, it goes on when it is run again')
    .argument('<directory>', 'of the export')
    .action(async (directory: string, { config }: { config: string }) => (await import('./log.ts')).importFrom(config, directory))
    .addHelpText('after', examples(['log import ./export -c on-kafka.yaml', 'verify -c on-kafka.yaml']))

  const connector = program.command('connector').description('one application’s connector: what the application really does')
    .addHelpText('after', examples(['connector new shop', 'connector probe shop', 'connector test shop']))
  command(connector, 'probe', 'measure what an application really does: page sizes, totals, order, cursors, single reads, rate headers')
    .argument('<app>').addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .action(async (app: string, options: { config: string; output: 'table' | 'json' }) => (await import('./probe.ts')).probeApp(options.config, app, options.output))
    .addHelpText('after', examples(['connector probe billing', 'connector probe billing -o json']))

  connector.command('new').description('write a connector that works, with its test, to begin from').argument('<name>')
    .option('-d, --dir <directory>', 'where its folder is made', '.')
    .action(async (name: string, options: { dir: string }) => {
      const { newConnector } = await import('./connector-new.ts')
      for (const file of await newConnector(name, options.dir)) console.log(file)
    })
    .addHelpText('after', examples(['connector new billing', 'connector new billing --dir ./connectors']))
  command(connector, 'test', 'run everything that is known to go wrong with an application of its kind; nothing is written to it')
    .argument('<app>')
    .option('--record <directory>', 'by HTTP: keep what the application answers, without secrets, and test against that')
    .option('--recorded <directory>', 'test against what was kept so; the application and its secrets are not needed')
    .action(async (app: string, { config, ...options }: { config: string } & HttpTestOptions) => {
      const { testConnector } = await import('./connector-test.ts')
      const failed = await testConnector(config, app, options)
      if (failed > 0) throw new Error(`the connector of ${app} fails ${failed} scenarios`)
    })
    .addHelpText('after', `
An application by HTTP is read once, and the kit runs against what it answered. Files (csv, SQLite) are copied, and the copies damaged.
PostgreSQL and LDAP are read through a proxy that breaks connections: so often as there are scenarios, twice each.
${examples(['connector test portal', 'connector test portal -c examples/acme/grantline.yaml', 'connector test portal --record test/portal', 'connector test portal --recorded test/portal', 'connector test hr-export', 'connector test directory'])}`)
  hostileCommands(program)

  const config = program.command('config').description('check the config file, or print its JSON Schema')
    .addHelpText('after', examples(['config check', 'config schema > grantline.schema.json']))
  command(config, 'check', 'read the file and every connector setting in it; says what is wrong and where').action(async (options: { config: string }) => (await import('./config.ts')).configCheck(options.config))
    .addHelpText('after', examples(['config check', 'config check -c /etc/grantline/grantline.yaml']))
  config.command('schema').description('the JSON Schema of the config file, for editors').action(async () => (await import('./config.ts')).configSchema())
    .addHelpText('after', examples(['config schema > grantline.schema.json']))
  return program
}

function hostileCommands(program: Command): void {
  const hostile = program.command('hostile').enablePositionalOptions().description('serve an application that misbehaves as told, for those who write connectors')
    .addOption(new Option('--paging <kind>', 'how its lists are paged, or the kind of application').choices(dialects).default('offset'))
    .option('--accounts <count>', 'how many accounts it holds', wholeNumber, 1_000)
    .option('--port <port>', 'on 127.0.0.1; 0: any', wholeNumber, 0)
    .option('--fault <name...>', 'what goes wrong, by its name', [])
    .option('--list', 'print what can go wrong: name, what a run or the verdict of a write has to be, what it needs')
    .action(async (options: HostileOptions & { list?: boolean }) => {
      const { listFaults, runHostile } = await import('./hostile.ts')
      if (options.list === true) listFaults()
      else await runHostile(options)
    })
    .addHelpText('after', examples(['hostile --list', 'hostile --paging cursor --accounts 1000000', 'hostile --paging keycloak', 'hostile --fault "throttled once, no header" "one row is never shown"', 'hostile --fault "writes: carried out, no answer"', 'hostile --fault "changes: the cursor is no longer known, once"']))
  hostile.command('webhooks').description('deliver to an address what an application delivers that loses, repeats, reorders, damages and forges; says what has to be known then')
    .argument('[address]', 'of the receiver: /v1/webhooks/<app> of a running process')
    .addOption(new Option('--scheme <kind>', 'how deliveries are signed').choices(Object.keys(schemes)).default('standard'))
    .option('--fault <name...>', 'what goes wrong, by its name', [])
    .option('--list', 'print what can go wrong: name, what has to become of it, of which scheme')
    .option('--settings', 'print the application, for a config file, that takes these deliveries')
    .action(async (address: string | undefined, options: HookOptions & { list?: true; settings?: true }) => {
      const { listHookFaults, printHookSettings, sendWebhooks } = await import('./hostile-webhooks.ts')
      if (options.list === true) listHookFaults()
      else if (options.settings === true) printHookSettings(options.scheme)
      else await sendWebhooks(address, options)
    })
    .addHelpText('after', examples(['hostile webhooks --list', 'hostile webhooks --settings --scheme hmac', 'hostile webhooks http://127.0.0.1:7400/v1/webhooks/shop --fault "each is sent twice" "never sent"']))
  hostile.command('csv').description('put a drop of files, damaged as told, where a csv application reads; says what has to become of it')
    .argument('[directory]', 'that drops are put into')
    .option('--accounts <count>', 'how many accounts it holds', wholeNumber, 23)
    .option('--drop <name>', 'its directory; the greatest name is the newest drop (default: today)')
    .option('--fault <name...>', 'what is done to users.csv, by its name', [])
    .option('--list', 'print what can be done to it: name, what a run has to be')
    .option('--settings', 'print the application, for a config file, that reads these drops')
    .action(async (directory: string | undefined, options: CsvOptions & { list?: true; settings?: true }) => {
      const { listDamages, printCsvSettings, writeHostileCsv } = await import('./hostile-csv.ts')
      if (options.list === true) listDamages()
      else if (options.settings === true) printCsvSettings(directory)
      else writeHostileCsv(directory, options)
    })
    .addHelpText('after', examples(['hostile csv --list', 'hostile csv ./drops --settings', 'hostile csv ./drops --drop 2026-11-26', 'hostile csv ./drops --drop 2026-11-27 --fault "the file ends between two rows"']))
  hostile.command('proxy').description('stand before a real server (SQL, LDAP, any by TCP) and break its connections; `connector test` does so by itself')
    .argument('<host:port>', 'of the server')
    .addOption(new Option('--fault <kind>', 'what is done to a connection').choices(proxyFaults).default('none'))
    .option('--after <bytes>', 'reset, cut, half-open: after so many bytes of the server', wholeNumber, 0)
    .option('--ms <ms>', 'delay: how late each piece comes', wholeNumber, 10)
    .option('--connections <count>', 'to the first so many connections only', wholeNumber)
    .option('--port <port>', 'on 127.0.0.1; 0: any', wholeNumber, 0)
    .action(async (target: string, options: ProxyOptions) => (await import('./hostile-proxy.ts')).runHostileProxy(target, options))
    .addHelpText('after', examples(['hostile proxy 127.0.0.1:5432', 'hostile proxy db.example.org:5432 --fault reset --after 4000', 'hostile proxy 127.0.0.1:389 --fault half-open --after 2000 --connections 1', 'hostile proxy 127.0.0.1:389 --fault delay --ms 50 --port 10389']))
}

function actionCommands(program: Command): void {
  const about = (of: Command): Command => of.option('--app <app>').option('--kind <kind>', 'leaver-access, unauthorised-grant, missing-grant, …').option('--identity <id>').option('--account <id>')
  about(report(program, 'plan', 'what would be written to applications to correct findings, and what else it would change'))
    .addHelpText('after', examples(['plan', 'plan --app billing --kind unauthorised-grant']))
  about(command(program, 'apply', 'approve what the plan proposes, and follow it until it is written and verified'))
    .requiredOption('--by <name>', 'who decides').requiredOption('--why <text>', 'why')
    .option('--wait <seconds>', 'follow for this long', '120')
    .action(async ({ config, by, why, wait, ...filters }: { config: string; by: string; why: string; wait: string } & Record<string, string>) => {
      const { apply, secondsOf } = await import('./actions.ts')
      await apply(config, filters, by, why, secondsOf(wait))
    })
    .addHelpText('after', examples(['apply --app billing --by "A. Kaya" --why "change 4711"']))

  const actions = program.command('actions').description('corrections: proposed, decided, written, verified')
    .addHelpText('after', examples(['actions list --state held', 'actions show 3f9a', 'actions approve 3f9a 77c1 --by "A. Kaya" --why "not hers"', 'actions reject 3f9a --by "A. Kaya" --why "on call until May"', 'actions release billing --by "A. Kaya" --why "the Basel site was sold" --until 2026-12-01']))
  about(report(actions, 'list', 'every action with its state, worst first', 'actions')).option('--state <state>', 'proposed, approved, held, dispatched, applied, failed, contested, rejected, verified, withdrawn')
    .addHelpText('after', examples(['actions list', 'actions list --app billing --state held']))
  command(actions, 'show', 'one action from its proposal to its verification').argument('<action>', 'id, or the beginning of one').addOption(outputOption(['table', 'json']))
    .action(async (id: string, options: { config: string; output: 'table' | 'json' }) => (await import('./actions.ts')).showAction(options.config, id, options.output))
    .addHelpText('after', examples(['actions show 3f9a', 'actions show 3f9a -o json']))
  for (const decision of ['approve', 'reject'] as const) {
    command(actions, decision, decision === 'approve' ? 'let it be written' : 'let it be as it is').argument('<action...>', 'ids, or beginnings of them')
      .requiredOption('--by <name>', 'who decides').requiredOption('--why <text>', 'why')
      .action(async (ids: string[], { config, by, why }: { config: string; by: string; why: string }) => (await import('./actions.ts')).decideActions(config, { decision, ids, by, why }))
      .addHelpText('after', examples([`actions ${decision} 3f9a 77c1 --by "A. Kaya" --why "not hers"`]))
  }
  command(actions, 'release', 'let go of what the brake of an application holds').argument('<app>')
    .requiredOption('--by <name>', 'who decides').requiredOption('--why <text>', 'why')
    .option('--until <time>', 'hold nothing until then')
    .action(async (app: string, { config, by, why, until }: { config: string; by: string; why: string; until?: string }) => {
      const { decideActions, untilOf } = await import('./actions.ts')
      await decideActions(config, { decision: 'release', app, by, why, until: untilOf(until) })
    })
    .addHelpText('after', examples(['actions release billing --by "A. Kaya" --why "the Basel site was sold"', 'actions release billing --by "A. Kaya" --why "the move" --until 2026-12-01']))
}

function deadLetterCommands(program: Command): void {
  const dlq = program.command('dlq').description('dead letters: records that could not be processed, and what to do about them')
    .addHelpText('after', examples(['dlq list --source billing', 'dlq show 3f9a', 'dlq retry 3f9a --by "A. Kaya"', 'dlq discard 3f9a --by "A. Kaya" --why "a test row"']))
  report(dlq, 'list', 'newest first, with place and reason; open ones unless told otherwise', 'dead-letters')
    .option('--source <name>', 'an application or a feed').addOption(new Option('--stage <stage>', 'where on its way').choices(letterStages))
    .option('--code <code>', 'what kind of problem').addOption(new Option('--state <state>', 'which').choices(['open', 'retried', 'discarded', 'superseded', 'all']))
    .addHelpText('after', examples(['dlq list', 'dlq list --source billing --state all -o json']))
  command(dlq, 'show', 'everything known of one letter').argument('<letter>', 'id, or the beginning of one')
    .action(async (id: string, options: { config: string }) => (await import('./ask.ts')).letter(options.config, id))
    .addHelpText('after', examples(['dlq show 3f9a']))
  command(dlq, 'retry', 'read its object from the application again').argument('<letter>', 'id, or the beginning of one')
    .requiredOption('--by <name>', 'who decides')
    .action(async (id: string, { config, by }: { config: string; by: string }) => (await import('./ask.ts')).decide(config, id, { decision: 'retry', by }))
    .addHelpText('after', examples(['dlq retry 3f9a --by "A. Kaya"']))
  command(dlq, 'discard', 'put it aside for good').argument('<letter>', 'id, or the beginning of one')
    .requiredOption('--by <name>', 'who decides').requiredOption('--why <text>', 'why nothing is lost by it')
    .action(async (id: string, { config, by, why }: { config: string; by: string; why: string }) => (await import('./ask.ts')).decide(config, id, { decision: 'discard', by, why }))
    .addHelpText('after', examples(['dlq discard 3f9a --by "A. Kaya" --why "a test row"']))
}

async function told(configFile: string, what: (api: Api) => Promise<void>, done: string): Promise<void> {
  await (await import('./ask.ts')).tell(configFile, what, done)
}

const outputOption = (choices: readonly string[]): Option => new Option('-o, --output <format>', 'how to print').choices(choices).default('table')
const afterRun = '\nOn the embedded log one process at a time opens the data directory: stop a run that goes on, or ask a copy of it (`grantline log backup`).\n'
const afterBackup = '\nTables are not copied: they are filled from the log when `grantline run` starts on the copy. A log on Kafka has its copies there.\n'
const examples = (lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  grantline ${line}`).join('\n')}\n`

function threadsOf(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 1')
  return Number(text)
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('expected a whole number')
  return Number(text)
}

function command(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description).option('-c, --config <file>', 'the config file', 'grantline.yaml')
}

/** A named report, by its own name or another: every option that is given becomes a filter of the same name. */
function report(parent: Command, name: string, description: string, of = name): Command {
  return command(parent, name, description)
    .addOption(outputOption(['table', 'json', 'csv']))
    .option('--limit <rows>', 'at most this many rows')
    .action(async ({ config, output, ...filters }: { config: string; output: 'table' | 'json' | 'csv' } & Record<string, string>) => (await import('./ask.ts')).ask(config, of, filters, output))
}
