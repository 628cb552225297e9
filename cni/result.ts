import { isIPv4 } from 'node:net'
import { CniError, cniCodes } from './cni-error.ts'

export interface CniInterface {
  name: string
  mac?: string
  /** Path of the namespace it is in; absent for the host's. */
  sandbox?: string
}

export interface CniAddress {
  /** Index into `interfaces`. */
  interface?: number
  /** With prefix length. */
  address: string
  gateway?: string
}

export interface CniRoute {
  dst: string
  gw?: string
}

export interface CniDns {
  nameservers?: string[]
  domain?: string
  search?: string[]
  options?: string[]
}

/** What ADD answers, in the form of CNI 1.0.0; `convertResult` gives it older forms. */
export interface CniResult {
  interfaces: CniInterface[]
  ips: CniAddress[]
  routes: CniRoute[]
  dns: CniDns
}

export const supportedVersions = ['0.3.1', '0.4.0', '1.0.0'] as const
export type CniVersion = (typeof supportedVersions)[number]

/** Throws CNI code 1 for a version that is not in `supportedVersions`. */
export const parseVersion = (version: unknown): CniVersion => {
  // A configuration without a version is 0.1.0 by the specification, which nobody writes any more.
  const text = typeof version === 'string' && version !== '' ? version : '0.1.0'
  const known = supportedVersions.find(candidate => candidate === text)
  if (known !== undefined) return known
  throw new CniError(cniCodes.incompatibleVersion, 'incompatible CNI versions', {
    details: `config is ${JSON.stringify(text)}, plugin supports ${JSON.stringify(supportedVersions)}`,
  })
}

/** The JSON of a result in the version the configuration asked for: before 1.0.0 each address names its family. */
export const convertResult = (result: CniResult, version: CniVersion): Record<string, unknown> => {
  const ips =
    version === '1.0.0'
      ? result.ips
      : result.ips.map(ip => ({ version: isIPv4(ip.address.split('/')[0] ?? '') ? '4' : '6', ...ip }))
  return {
    cniVersion: version,
    ...(result.interfaces.length === 0 ? {} : { interfaces: result.interfaces }),
    ...(ips.length === 0 ? {} : { ips }),
    ...(result.routes.length === 0 ? {} : { routes: result.routes }),
    dns: result.dns,
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listOf = (value: unknown, what: string): Record<string, unknown>[] => {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every(isRecord)) return value
  throw new CniError(cniCodes.decode, `${what} is not a list of objects`)
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Reads a result of any supported version (prevResult, or what a delegated plugin wrote). Throws CNI code 6. */
export const parseResult = (value: unknown): CniResult => {
  if (!isRecord(value)) throw new CniError(cniCodes.decode, 'a result is not a JSON object')
  return {
    interfaces: listOf(value['interfaces'], 'interfaces').map(entry => ({
      name: text(entry['name']),
      ...(text(entry['mac']) === '' ? {} : { mac: text(entry['mac']) }),
      ...(text(entry['sandbox']) === '' ? {} : { sandbox: text(entry['sandbox']) }),
    })),
    ips: listOf(value['ips'], 'ips').map(entry => ({
      ...(typeof entry['interface'] === 'number' ? { interface: entry['interface'] } : {}),
      address: text(entry['address']),
      ...(text(entry['gateway']) === '' ? {} : { gateway: text(entry['gateway']) }),
    })),
    routes: listOf(value['routes'], 'routes').map(entry => ({
      dst: text(entry['dst']),
      ...(text(entry['gw']) === '' ? {} : { gw: text(entry['gw']) }),
    })),
    dns: isRecord(value['dns']) ? (value['dns'] as CniDns) : {},
  }
}
