/** What is wrong with a config file: one line for each fault, each with file, line and what to write instead. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}
