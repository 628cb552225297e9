import { firstLight } from './first-light.ts'

const usage = `Usage: npm run bench [-- NAME]

Prints the figures of docs/performance.md as measured on this machine, now. As root; no cluster may be up.

  first-light   up to Ready, one pod to Running, memory at rest (about a minute)
`

/** One row a bench: adding one is adding a row. */
const benches: Record<string, () => Promise<string>> = { 'first-light': firstLight }

const [name = 'first-light'] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined || name === '--help') {
  process.stdout.write(usage)
  process.exitCode = name === '--help' ? 0 : 2
} else process.stdout.write(`${await bench()}\n`)
