import { pino, type Logger } from 'pino'

/**
 * Structured log lines on standard error. Fields that may hold a secret are masked by name, whatever depth-one object they are in:
 * the rule of the house is that secrets never get this far, this is the second lock.
 */
export function createLogger(level: string): Logger {
  const secretFields = ['password', 'token', 'secret', 'authorization', 'adminKey', 'apiKey', 'cookie']
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '***' },
    },
    pino.destination({ dest: 2, sync: true }),
  )
}
