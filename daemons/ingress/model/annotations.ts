import type { IngressProblem, LocationSettings } from './ingress-config.ts'

export const annotationPrefix = 'nginx.ingress.kubernetes.io/'

export const defaultSettings: LocationSettings = {
  rewriteTarget: undefined,
  useRegex: false,
  sslRedirect: true,
  forceSslRedirect: false,
  connectTimeoutSeconds: 5,
  readTimeoutSeconds: 60,
  sendTimeoutSeconds: 60,
  bodySize: '1m',
  backendProtocol: 'http',
}

/** A value's meaning, or a sentence on what it should have been. */
type Reading = { set: Partial<LocationSettings> } | { wrong: string }

const boolean = (value: string, set: (on: boolean) => Partial<LocationSettings>): Reading =>
  value === 'true' || value === 'false' ? { set: set(value === 'true') } : { wrong: 'must be true or false' }

const seconds = (value: string, set: (n: number) => Partial<LocationSettings>): Reading =>
  /^[1-9]\d{0,5}$/.test(value) ? { set: set(Number(value)) } : { wrong: 'must be whole seconds from 1 to 999999' }

/** Every annotation that is built: its value is read by a grammar in which no word of nginx's can be hidden. */
const readers: Readonly<Record<string, (value: string) => Reading>> = {
  'rewrite-target': value =>
    /^\/(?:[A-Za-z0-9_.~/-]|%[0-9A-Fa-f]{2}|\$[1-9])*$/.test(value)
      ? { set: { rewriteTarget: value } }
      : { wrong: 'must be a path of letters, digits and -._~/%XX, with $1 to $9' },
  'use-regex': value => boolean(value, useRegex => ({ useRegex })),
  'ssl-redirect': value => boolean(value, sslRedirect => ({ sslRedirect })),
  'force-ssl-redirect': value => boolean(value, forceSslRedirect => ({ forceSslRedirect })),
  'proxy-connect-timeout': value => seconds(value, connectTimeoutSeconds => ({ connectTimeoutSeconds })),
  'proxy-read-timeout': value => seconds(value, readTimeoutSeconds => ({ readTimeoutSeconds })),
  'proxy-send-timeout': value => seconds(value, sendTimeoutSeconds => ({ sendTimeoutSeconds })),
  'proxy-body-size': value =>
    /^\d{1,9}[kKmMgG]?$/.test(value)
      ? { set: { bodySize: value } }
      : { wrong: 'must be a size such as 8m; 0: no limit' },
  'backend-protocol': value =>
    value === 'HTTP' || value === 'HTTPS'
      ? { set: { backendProtocol: value === 'HTTPS' ? 'https' : 'http' } }
      : { wrong: 'must be HTTP or HTTPS (others are not built)' },
}

/**
 * The settings of one Ingress. A wrong value rejects the Ingress; an annotation that is not built is named and passed
 * over.
 */
export const readAnnotations = (
  ingress: string,
  annotations: Readonly<Record<string, string>>,
): { settings: LocationSettings; problems: IngressProblem[] } => {
  let settings = defaultSettings
  const problems: IngressProblem[] = []
  for (const [key, value] of Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!key.startsWith(annotationPrefix)) continue
    const name = key.slice(annotationPrefix.length)
    const field = `metadata.annotations[${key}]`
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined
    if (read === undefined) {
      problems.push({ ingress, field, message: 'is not built and has no effect', rejects: false })
      continue
    }
    const reading = read(value)
    if ('set' in reading) settings = { ...settings, ...reading.set }
    else problems.push({ ingress, field, message: `${JSON.stringify(value)}: ${reading.wrong}`, rejects: true })
  }
  return { settings, problems }
}
