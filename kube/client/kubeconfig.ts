import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { messageOf, SkiffError } from '../errors.ts'

/** Where the API is and who asks; certificates and keys are PEM texts. */
export interface ClientConfig {
  /** `https://127.0.0.1:6443` */
  server: string
  ca?: string
  cert?: string
  key?: string
  token?: string
}

type Fields = Readonly<Record<string, unknown>>

const asFields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

/** The `cluster`, `user` or `context` part of a kubeconfig's named list. */
const named = (config: Fields, list: string, part: string, name: unknown, path: string): Fields => {
  const entries = config[list]
  const found = Array.isArray(entries) ? entries.map(asFields).find(entry => entry['name'] === name) : undefined
  if (found !== undefined) return asFields(found[part])
  throw new SkiffError('INVALID_INPUT', `${path}: there is no ${part} named ${JSON.stringify(name ?? '')}`)
}

/** A PEM given inline (base64) or as a file beside the kubeconfig. */
const pem = (fields: Fields, key: string, path: string): string | undefined => {
  const inline = fields[`${key}-data`]
  if (typeof inline === 'string' && inline !== '') return Buffer.from(inline, 'base64').toString('utf8')
  const file = fields[key]
  if (typeof file !== 'string' || file === '') return undefined
  return readText(resolve(dirname(path), file), `${path}: ${key}`)
}

const readText = (file: string, what: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `${what}: ${messageOf(cause)}`, { cause })
  }
}

/** Ways to connect that are not built: ignoring them would connect as somebody else, or without checking the server. */
const refuseUnbuilt = (cluster: Fields, user: Fields, path: string): void => {
  for (const [fields, keys] of [
    [cluster, ['insecure-skip-tls-verify', 'proxy-url', 'tls-server-name']],
    [user, ['exec', 'auth-provider', 'username', 'as']],
  ] as const)
    for (const key of keys)
      if (fields[key] !== undefined && fields[key] !== false && fields[key] !== '')
        throw new SkiffError('NOT_IMPLEMENTED', `${path}: ${key} is not supported`, {
          remedy: 'use certificate-authority with client-certificate and client-key, or a token',
        })
}

/** The current context of a kubeconfig. Throws SkiffError INVALID_INPUT or NOT_IMPLEMENTED, naming the key. */
export const readKubeconfig = (path: string): ClientConfig => {
  let parsed: unknown
  try {
    parsed = parseYaml(readText(path, 'kubeconfig'))
  } catch (cause) {
    if (cause instanceof SkiffError) throw cause
    throw new SkiffError('INVALID_INPUT', `${path}: ${messageOf(cause)}`, { cause })
  }
  const config = asFields(parsed)
  const context = named(config, 'contexts', 'context', config['current-context'], path)
  const cluster = named(config, 'clusters', 'cluster', context['cluster'], path)
  const user = named(config, 'users', 'user', context['user'], path)
  refuseUnbuilt(cluster, user, path)
  const server = cluster['server']
  if (typeof server !== 'string' || !URL.canParse(server))
    throw new SkiffError('INVALID_INPUT', `${path}: clusters[].cluster.server is not a URL: ${JSON.stringify(server)}`)
  const ca = pem(cluster, 'certificate-authority', path)
  const cert = pem(user, 'client-certificate', path)
  const key = pem(user, 'client-key', path)
  const tokenFile = user['tokenFile']
  const token =
    typeof user['token'] === 'string'
      ? user['token']
      : typeof tokenFile === 'string'
        ? readText(resolve(dirname(path), tokenFile), `${path}: tokenFile`).trim()
        : undefined
  return {
    server,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(token === undefined ? {} : { token }),
  }
}
