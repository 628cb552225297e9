import type { Secret } from 'kubernetes-types/core/v1.js'
import type { RegistryAuth } from '../../../host/container-engine.ts'
import type { ImageReference } from './image-reference.ts'

interface AuthEntry {
  auth?: string
  username?: string
  password?: string
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

const entriesOf = (secret: Secret): Record<string, AuthEntry> => {
  const json = secret.data?.['.dockerconfigjson']
  const old = secret.data?.['.dockercfg']
  try {
    if (json !== undefined) return (JSON.parse(decode(json)) as { auths?: Record<string, AuthEntry> }).auths ?? {}
    if (old !== undefined) return JSON.parse(decode(old)) as Record<string, AuthEntry>
  } catch {
    // A secret that cannot be read is as good as none: the pull itself will say that it was refused.
  }
  return {}
}

const dockerHubNames = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/** `https://index.docker.io/v1/` names a host; a path after it narrows it to repositories below. */
const keyOf = (server: string): { host: string; path: string } => {
  const bare = server.replace(/^https?:\/\//, '').replace(/\/v[12]\/?$/, '')
  const slash = bare.indexOf('/')
  const host = slash < 0 ? bare : bare.slice(0, slash)
  return {
    host: dockerHubNames.has(host) ? 'docker.io' : host,
    path: slash < 0 ? '' : bare.slice(slash + 1).replace(/\/$/, ''),
  }
}

/** Credentials for an image among pull secrets; the longest matching path wins. Pure. */
export const registryAuth = (image: ImageReference, secrets: readonly Secret[]): RegistryAuth | undefined => {
  const matching = secrets
    .flatMap(secret => Object.entries(entriesOf(secret)))
    .map(([server, entry]) => ({ server, entry, ...keyOf(server) }))
    .filter(
      ({ host, path }) => host === image.registry && (path === '' || `${image.repository}/`.startsWith(`${path}/`)),
    )
    .sort((a, b) => b.path.length - a.path.length)[0]
  if (matching === undefined) return undefined
  const { entry, server } = matching
  const [user = '', ...rest] = entry.auth === undefined ? [] : decode(entry.auth).split(':')
  return {
    username: entry.username ?? user,
    password: entry.password ?? rest.join(':'),
    serverAddress: server,
  }
}
