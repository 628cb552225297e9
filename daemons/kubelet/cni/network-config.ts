import { SkiffError } from '../../../kube/errors.ts'

export interface PluginConfig {
  type: string
  capabilities?: Record<string, boolean>
  [key: string]: unknown
}

/** A list of plugins, run one after the other for each pod. */
export interface NetworkConfig {
  cniVersion: string
  name: string
  plugins: readonly PluginConfig[]
  /** The file it was read from. */
  file: string
}

const supported = new Set(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses a `.conflist` or a `.conf`/`.json` of one plugin; throws INVALID_INPUT that names the file and what is wrong in it. */
export const parseNetworkConfig = (file: string, text: string): NetworkConfig => {
  const invalid = (what: string, cause?: unknown) =>
    new SkiffError('INVALID_INPUT', `CNI config ${file}: ${what}`, cause === undefined ? {} : { cause })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : 'is not JSON', cause)
  }
  if (!isObject(json)) throw invalid('is not a JSON object')
  const { name, cniVersion = '0.3.1' } = json
  if (typeof name !== 'string' || !/^[a-zA-Z0-9][\w.-]*$/.test(name)) throw invalid('"name" is missing or not a name')
  if (typeof cniVersion !== 'string' || !supported.has(cniVersion))
    throw invalid(`cniVersion ${JSON.stringify(cniVersion)} is none of ${[...supported].join(', ')}`)
  const list = file.endsWith('.conflist') ? json['plugins'] : [json]
  if (!Array.isArray(list) || list.length === 0) throw invalid('"plugins" is missing or empty')
  const plugins = list.map((plugin: unknown, index): PluginConfig => {
    const type = isObject(plugin) ? plugin['type'] : undefined
    // A type is the name of an executable in the bin directory, and of nothing else.
    if (!isObject(plugin) || typeof type !== 'string' || type === '' || type.includes('/'))
      throw invalid(`plugins[${index}].type is missing or not a plugin's name`)
    return { ...plugin, type }
  })
  return { cniVersion, name, plugins, file }
}

/** The files of a directory that may hold a network, in the order in which they are looked at. Pure. */
export const configFiles = (names: readonly string[]): string[] =>
  names.filter(name => /\.(conf|conflist|json)$/.test(name)).sort()
