import { LdapConfig } from '../../connectors/ldap/config.ts'
import { SqlConfig } from '../../connectors/sql/config.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadConfig } from '../config/load.ts'
import { testCsv, testSqlite } from './test-files.ts'
import { type HttpTestOptions, testHttp } from './test-http.ts'
import { testLdap, testPostgres } from './test-server.ts'

/**
 * Runs everything that is known to go wrong with an application of its kind, and only reads of it. HTTP: against what it answered once. Files: copies
 * are damaged. PostgreSQL and LDAP: through a proxy that breaks connections. Answers how many scenarios failed.
 */
export async function testConnector(configFile: string, name: string, options: HttpTestOptions = {}): Promise<number> {
  const config = await loadConfig(configFile)
  const settings = config.apps[name]
  if (settings === undefined) throw new ConfigError(`there is no application ${name}; there are ${Object.keys(config.apps).join(', ')}`)
  const { connector } = settings
  if (connector === 'webhook') throw new ConfigError(`${name} is not read, it delivers: run grantline and let \`grantline hostile webhooks\` deliver to it`)
  if (!['csv', 'sql', 'ldap'].includes(connector)) return await testHttp(name, settings, config.baseDir, options)
  if (options.record !== undefined || options.recorded !== undefined) {
    throw new ConfigError(`${name} is asked by ${connector}: only answers by HTTP can be recorded${connector === 'ldap' ? '' : '; to test without the application, let its settings name a copy of its files'}`)
  }
  if (connector === 'csv') return await testCsv(name, settings, config.baseDir)
  if (connector === 'ldap') return await testLdap(name, settings, LdapConfig.parse(settings.with), config.baseDir)
  const sql = SqlConfig.parse(settings.with)
  return await (sql.driver === 'sqlite' ? testSqlite(name, settings, sql, config.baseDir) : testPostgres(name, settings, sql, config.baseDir))
}
