import { SkiffError } from './errors.ts'

/**
 * One option of a daemon: a flag (as upstream names it), the key it has in the daemon's config file (dotted), how its
 * text is read, and its default. A daemon's options.ts is one table of these.
 */
export interface OptionSpec<T> {
  /** Without dashes: `bind-address`. */
  readonly flag: string
  /** Dotted key in the config file: `authentication.x509.clientCAFile`. None: flag only. */
  readonly config?: string
  readonly default: T
  /** Turns a flag's text or a config file's value into the option; throws SkiffError INVALID_INPUT. */
  parse(value: unknown): T
  readonly help: string
}

export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>
export type OptionsOf<Table extends OptionTable> = {
  [K in keyof Table]: Table[K] extends OptionSpec<infer T> ? T : never
}

interface Described<T> {
  default: T
  help: string
  config?: string
}

const invalid = (flag: string, value: unknown, what: string) =>
  new SkiffError('INVALID_INPUT', `--${flag}: ${JSON.stringify(value)} is not ${what}`)

export const stringOption = (flag: string, d: Described<string>): OptionSpec<string> => ({
  flag,
  ...d,
  parse: value => {
    if (typeof value === 'string') return value
    throw invalid(flag, value, 'a string')
  },
})

export const numberOption = (flag: string, d: Described<number>): OptionSpec<number> => ({
  flag,
  ...d,
  parse: value => {
    const number = typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : NaN
    if (Number.isFinite(number)) return number
    throw invalid(flag, value, 'a number')
  },
})

export const booleanOption = (flag: string, d: Described<boolean>): OptionSpec<boolean> => ({
  flag,
  ...d,
  parse: value => {
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    throw invalid(flag, value, 'true or false')
  },
})

/** Comma-separated on the command line, a list in a config file. */
export const listOption = (flag: string, d: Described<readonly string[]>): OptionSpec<readonly string[]> => ({
  flag,
  ...d,
  parse: value => {
    if (typeof value === 'string') return value === '' ? [] : value.split(',')
    if (Array.isArray(value) && value.every(item => typeof item === 'string')) return value
    throw invalid(flag, value, 'a list of strings')
  },
})

/** Go's durations, as upstream's flags take them: `300ms`, `10s`, `1m30s`, `0`. In milliseconds. */
export const durationOption = (flag: string, d: Described<number>): OptionSpec<number> => ({
  flag,
  ...d,
  parse: value => {
    const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
    if (value === '0' || value === 0) return 0
    if (typeof value === 'string' && /^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value))
      return [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
        (sum, [, n, u]) => sum + Number(n) * (units[u ?? ''] ?? 0),
        0,
      )
    throw invalid(flag, value, 'a duration such as 10s or 1m30s')
  },
})

const flatten = (value: unknown, prefix: string, leaves: ReadonlySet<string>): [string, unknown][] => {
  if (leaves.has(prefix) || typeof value !== 'object' || value === null || Array.isArray(value))
    return [[prefix, value]]
  return Object.entries(value).flatMap(([key, child]) =>
    flatten(child, prefix === '' ? key : `${prefix}.${key}`, leaves),
  )
}

/** Options from a parsed config file; a key that is not in the table fails by name. apiVersion and kind are left to the caller. */
export const optionsFromConfig = <Table extends OptionTable>(
  table: Table,
  config: unknown,
  file: string,
): Partial<OptionsOf<Table>> => {
  const byKey = new Map(
    Object.entries(table).flatMap(([name, spec]) => (spec.config === undefined ? [] : [[spec.config, name] as const])),
  )
  const result: Record<string, unknown> = {}
  for (const [key, value] of flatten(config, '', new Set(byKey.keys()))) {
    if (key === 'apiVersion' || key === 'kind') continue
    const name = byKey.get(key)
    if (name === undefined)
      throw new SkiffError('INVALID_INPUT', `${file}: unknown key ${key}`, {
        remedy: `known keys: ${[...byKey.keys()].sort().join(', ')}`,
      })
    result[name] = table[name]?.parse(value)
  }
  return result as Partial<OptionsOf<Table>>
}

/** Options from argv (`--flag value`, `--flag=value`, `--flag` and `--no-flag`-less booleans); an unknown flag fails by name. */
export const optionsFromFlags = <Table extends OptionTable>(
  table: Table,
  argv: readonly string[],
): Partial<OptionsOf<Table>> => {
  const byFlag = new Map(Object.entries(table).map(([name, spec]) => [spec.flag, name] as const))
  const result: Record<string, unknown> = {}
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    const match = /^--([^=]+)(?:=([\s\S]*))?$/.exec(word)
    const name = match?.[1] === undefined ? undefined : byFlag.get(match[1])
    if (match === null || name === undefined)
      throw new SkiffError(
        'INVALID_INPUT',
        word.startsWith('-') ? `unknown flag: ${word}` : `unexpected argument: ${word}`,
        {
          remedy: 'see --help for the flags there are',
        },
      )
    const spec = table[name]
    if (spec === undefined) continue
    let text = match[2]
    if (text === undefined && typeof spec.default === 'boolean') text = 'true'
    if (text === undefined) {
      text = argv[++i]
      if (text === undefined) throw new SkiffError('INVALID_INPUT', `--${spec.flag} needs a value`)
    }
    result[name] = spec.parse(text)
  }
  return result as Partial<OptionsOf<Table>>
}

/** Defaults, overlaid by each layer in turn (config file first, flags last). */
export const resolveOptions = <Table extends OptionTable>(
  table: Table,
  ...layers: Partial<OptionsOf<Table>>[]
): OptionsOf<Table> => {
  const defaults = Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, spec.default]))
  return Object.assign(defaults, ...layers) as OptionsOf<Table>
}

/** The text of --help. */
export const helpOf = (usage: string, table: OptionTable): string => {
  const rows = Object.values(table).map(
    spec => `  --${spec.flag}  ${spec.help} (default ${JSON.stringify(spec.default)})`,
  )
  return `${usage}\n\nFlags:\n${rows.join('\n')}\n`
}
