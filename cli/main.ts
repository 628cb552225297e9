import { messageOf, SkiffError } from '../kube/errors.ts'
import { ApiError } from '../kube/status.ts'
import type { Output } from './command.ts'
import { commands } from './commands/table.ts'

const usage = (): string => {
  const width = Math.max(...commands.map(command => command.name.length))
  const rows = commands.filter(c => c.hidden !== true).map(c => `  ${c.name.padEnd(width)}  ${c.summary}`)
  return `skiff: a small Kubernetes that explains itself\n\nUsage: skiff COMMAND [flags]\n\n${rows.join('\n')}\n\nskiff COMMAND --help says more.\n`
}

const output: Output = {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
  terminal: process.stdout.isTTY,
}

/** Runs one command line; the exit code: 0 done, 1 failed, 2 misused. */
const run = async (argv: readonly string[]): Promise<number> => {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    output.out(usage())
    return name === undefined ? 2 : 0
  }
  const command = commands.find(candidate => candidate.name === name)
  if (command === undefined) {
    output.err(`skiff: unknown command: ${name}\nskiff --help lists the commands.\n`)
    return 2
  }
  try {
    return await command.run(rest, output)
  } catch (error) {
    const remedy = error instanceof SkiffError && error.remedy !== undefined ? `\n  → ${error.remedy}` : ''
    const text =
      error instanceof ApiError ? `the API said ${error.code} ${error.reason}: ${error.message}` : messageOf(error)
    output.err(`skiff ${name}: ${text}${remedy}\n`)
    return error instanceof SkiffError && (error.code === 'INVALID_INPUT' || error.code === 'NOT_IMPLEMENTED') ? 2 : 1
  }
}

// Not exitCode: a daemon that failed half-way may have left sockets open that would keep the process alive, and
// nobody would start it anew. Standard output is a file, a pipe or a terminal: all written synchronously on Linux.
process.exit(await run(process.argv.slice(2)))
