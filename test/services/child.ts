import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'

/** Answers how a server is ended, at once, with its directory. It ends with this process too. */
export function endsWithUs(server: ChildProcess, directory: string): () => Promise<void> {
  const killOnExit = (): boolean => server.kill('SIGKILL')
  process.once('exit', killOnExit)
  return async () => {
    process.off('exit', killOnExit)
    if (server.exitCode === null && server.signalCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
    }
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The last of what a server writes. */
export function lastWords(server: ChildProcess): () => string {
  let said = ''
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-2_000)
    })
  }
  return () => said.trim()
}
