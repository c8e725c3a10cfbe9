/** Columns of the terminal; where the output is no terminal, wide enough to cut nothing that people would miss. */
export const terminalWidth = (): number => (process.stdout.isTTY ? process.stdout.columns : 200)
