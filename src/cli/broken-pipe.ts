/** as a shell tells of a program that SIGPIPE ended */
const brokenPipe = 141

/** Where whoever read the output has seen enough (`| head`) the process ends at once, as other programs do, and without a stack; where the errors went nothing can be said. */
export function endWithReader(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(brokenPipe)
    })
  }
}
