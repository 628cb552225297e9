import { SkiffError } from '../../kube/errors.ts'
import { invalidConfig } from '../cni-error.ts'
import { ConfigReader } from '../skel/config-reader.ts'

/** The bridge plugin's own keys, with the reference plugin's names and defaults. */
export interface BridgeConfig {
  bridge: string
  isGateway: boolean
  isDefaultGateway: boolean
  forceAddress: boolean
  ipMasq: boolean
  hairpinMode: boolean
  promiscMode: boolean
  /** 0: the kernel's default. */
  mtu: number
  /** '' for none: links only. */
  ipamType: string
}

/** Keys of the reference plugin that change what a packet meets: refused rather than quietly ignored. */
const notBuilt = [
  'vlan',
  'vlanTrunk',
  'macspoofchk',
  'enabledad',
  'disableContainerInterface',
  'portIsolation',
] as const

/** Throws CNI code 7 with the key; NOT_IMPLEMENTED (CNI code 2) for keys that Skiff's bridge does not build. */
export const parseBridgeConfig = (config: Readonly<Record<string, unknown>>): BridgeConfig => {
  const reader = new ConfigReader(config)
  for (const key of notBuilt) {
    const value = reader.raw(key)
    const asksForNothing = value === undefined || value === null || value === false || value === 0
    if (!asksForNothing && !(Array.isArray(value) && value.length === 0))
      throw new SkiffError('NOT_IMPLEMENTED', `bridge: ${key} is not implemented`)
  }
  const bridge = reader.string('bridge', 'cni0')
  if (bridge === '' || bridge.length > 15 || /[/:\s]/.test(bridge))
    throw invalidConfig(`bridge: ${JSON.stringify(bridge)} is no link name`)
  const hairpinMode = reader.boolean('hairpinMode', false)
  const promiscMode = reader.boolean('promiscMode', false)
  // Both make frames come back to their sender: together every one of them would arrive twice.
  if (hairpinMode && promiscMode) throw invalidConfig('hairpinMode and promiscMode cannot both be true')
  const isDefaultGateway = reader.boolean('isDefaultGateway', false)
  return {
    bridge,
    isDefaultGateway,
    isGateway: reader.boolean('isGateway', false) || isDefaultGateway,
    forceAddress: reader.boolean('forceAddress', false),
    ipMasq: reader.boolean('ipMasq', false),
    hairpinMode,
    promiscMode,
    mtu: reader.count('mtu', 0),
    ipamType: reader.object('ipam')?.string('type', '') ?? '',
  }
}
