import { SkiffError } from '../../kube/errors.ts'
import type { Profile } from './framework/schedule-pod.ts'
import { filterPlugins, scorePlugins } from './plugins/table.ts'

const invalid = (where: string, what: string) =>
  new SkiffError('INVALID_INPUT', `profiles${where}: ${what}`, {
    remedy: `filters: ${filterPlugins.map(p => p.name).join(', ')}; scores: ${scorePlugins.map(p => p.name).join(', ')}`,
  })

const record = (value: unknown, where: string): Record<string, unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where, 'is not a mapping')
  return value as Record<string, unknown>
}

const list = (value: unknown, where: string): unknown[] => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(where, 'is not a list')
  return value
}

const onlyKeys = (row: Record<string, unknown>, known: readonly string[], where: string): void => {
  for (const key of Object.keys(row))
    if (!known.includes(key)) throw invalid(where, `unknown key ${key} (known: ${known.join(', ')})`)
}

interface Edits {
  disabled: Set<string>
  weights: Map<string, number>
}

const known = (name: unknown, where: string): string => {
  const names = [...filterPlugins, ...scorePlugins].map(plugin => plugin.name)
  if (name === '*' || (typeof name === 'string' && names.includes(name))) return name
  throw invalid(where, `no plugin ${JSON.stringify(name)}`)
}

const readEdits = (value: unknown, where: string): Edits => {
  const row = record(value ?? {}, where)
  onlyKeys(row, ['enabled', 'disabled'], where)
  const weights = new Map<string, number>()
  const disabled = new Set<string>()
  list(row['disabled'], `${where}.disabled`).forEach((entry, i) => {
    const at = `${where}.disabled[${i}]`
    const fields = record(entry, at)
    onlyKeys(fields, ['name'], at)
    disabled.add(known(fields['name'], at))
  })
  list(row['enabled'], `${where}.enabled`).forEach((entry, i) => {
    const at = `${where}.enabled[${i}]`
    const fields = record(entry, at)
    onlyKeys(fields, ['name', 'weight'], at)
    weights.set(known(fields['name'], at), typeof fields['weight'] === 'number' ? fields['weight'] : 0)
  })
  return { disabled, weights }
}

/** Enabling wins over disabling, so that `disabled: [*]` with a list of enabled ones keeps just those. */
const kept = (name: string, edits: readonly Edits[]): boolean =>
  edits.some(e => e.weights.has(name)) || !edits.some(e => e.disabled.has(name) || e.disabled.has('*'))

const readProfile = (value: unknown, where: string): Profile => {
  const row = record(value, where)
  onlyKeys(row, ['schedulerName', 'plugins'], where)
  const plugins = record(row['plugins'] ?? {}, `${where}.plugins`)
  onlyKeys(plugins, ['multiPoint', 'filter', 'score'], `${where}.plugins`)
  const all = readEdits(plugins['multiPoint'], `${where}.plugins.multiPoint`)
  const filter = readEdits(plugins['filter'], `${where}.plugins.filter`)
  const score = readEdits(plugins['score'], `${where}.plugins.score`)
  const name = row['schedulerName'] ?? 'default-scheduler'
  if (typeof name !== 'string' || name === '') throw invalid(`${where}.schedulerName`, 'is not a name')
  return {
    schedulerName: name,
    filters: filterPlugins.filter(plugin => kept(plugin.name, [all, filter])),
    scores: scorePlugins
      .filter(plugin => kept(plugin.name, [all, score]))
      .map(plugin => {
        const weight = score.weights.get(plugin.name) || all.weights.get(plugin.name) || plugin.weight
        return { ...plugin, weight }
      }),
  }
}

export const defaultProfile: Profile = {
  schedulerName: 'default-scheduler',
  filters: filterPlugins,
  scores: scorePlugins,
}

/** `profiles` of a KubeSchedulerConfiguration; throws INVALID_INPUT naming the key that is unknown or wrong. */
export const readProfiles = (value: unknown): readonly Profile[] => {
  const profiles = list(value, '').map((entry, i) => readProfile(entry, `[${i}]`))
  const names = profiles.map(profile => profile.schedulerName)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalid('', `two profiles are called ${twice}`)
  return profiles.length === 0 ? [defaultProfile] : profiles
}
