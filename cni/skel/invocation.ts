import { isRecord } from './config-reader.ts'
import { CniError, cniCodes, invalidConfig } from '../cni-error.ts'
import { parseVersion, type CniVersion } from '../result.ts'

export type CniCommand = 'ADD' | 'DEL' | 'CHECK'

/** One call of a plugin, parsed from its environment and standard input (CNI specification 1.0.0, section 3). */
export interface Invocation {
  command: CniCommand
  containerId: string
  /** Path of the pod's network namespace; '' only for DEL of one that is gone. */
  netns: string
  ifName: string
  /** CNI_ARGS, `K=V;K=V`. */
  args: ReadonlyMap<string, string>
  /** Directories in which delegated plugins are looked for. */
  path: readonly string[]
  cniVersion: CniVersion
  /** The network's name. */
  network: string
  config: Readonly<Record<string, unknown>>
  /** Exactly what was read, for plugins that are delegated to. */
  stdin: string
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

const required: Record<CniCommand, readonly string[]> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
}

const environmentError = (details: string) =>
  new CniError(cniCodes.invalidEnvironment, 'invalid environment', { details })

const parseArgs = (text: string): Map<string, string> =>
  new Map(
    text
      .split(';')
      .filter(pair => pair !== '')
      .map(pair => {
        const [key = '', value] = pair.split(/=(.*)/s)
        if (key === '' || value === undefined) throw environmentError(`CNI_ARGS: ${JSON.stringify(pair)} is not K=V`)
        return [key, value]
      }),
  )

/** ADD, DEL, CHECK or VERSION; throws CNI code 4 for anything else. */
export const parseCommand = (env: Readonly<Record<string, string | undefined>>): CniCommand | 'VERSION' => {
  const command = env['CNI_COMMAND'] ?? ''
  if (command === 'ADD' || command === 'DEL' || command === 'CHECK' || command === 'VERSION') return command
  throw environmentError(command === '' ? 'CNI_COMMAND is missing' : `unknown CNI_COMMAND: ${command}`)
}

const checkEnvironment = (command: CniCommand, env: Readonly<Record<string, string | undefined>>): void => {
  const missing = required[command].filter(name => (env[name] ?? '') === '')
  if (missing.length > 0) throw environmentError(`missing: ${missing.join(', ')}`)
  const { CNI_CONTAINERID: id = '', CNI_IFNAME: ifName = '' } = env
  if (!namePattern.test(id)) throw environmentError(`CNI_CONTAINERID ${JSON.stringify(id)} is not valid`)
  // The kernel's IFNAMSIZ is 16 with the closing zero.
  if (ifName.length > 15 || ifName === '.' || ifName === '..' || /[/:\s]/.test(ifName))
    throw environmentError(`CNI_IFNAME ${JSON.stringify(ifName)} is not valid`)
}

/** Throws CNI codes 1, 4, 6 and 7. */
export const parseInvocation = (
  command: CniCommand,
  env: Readonly<Record<string, string | undefined>>,
  stdin: string,
): Invocation => {
  checkEnvironment(command, env)
  let config: unknown
  try {
    config = JSON.parse(stdin)
  } catch (cause) {
    throw new CniError(cniCodes.decode, 'the network configuration is not JSON', { cause })
  }
  if (!isRecord(config)) throw new CniError(cniCodes.decode, 'the network configuration is not a JSON object')
  const cniVersion = parseVersion(config['cniVersion'])
  if (command === 'CHECK' && cniVersion === '0.3.1')
    throw new CniError(cniCodes.incompatibleVersion, 'CHECK came with CNI 0.4.0; the configuration says 0.3.1')
  const network = config['name']
  if (typeof network !== 'string' || !namePattern.test(network))
    throw invalidConfig(`name: ${JSON.stringify(network)} is not a valid network name`)
  if (command === 'CHECK' && config['prevResult'] === undefined)
    throw invalidConfig('prevResult is missing: CHECK compares with it')
  return {
    command,
    containerId: env['CNI_CONTAINERID'] ?? '',
    netns: env['CNI_NETNS'] ?? '',
    ifName: env['CNI_IFNAME'] ?? '',
    args: parseArgs(env['CNI_ARGS'] ?? ''),
    path: (env['CNI_PATH'] ?? '').split(':').filter(directory => directory !== ''),
    cniVersion,
    network,
    config,
    stdin,
  }
}
