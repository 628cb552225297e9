import type { WebhookClientConfig } from 'kubernetes-types/admissionregistration/v1.js'
import type { Draft } from './draft.ts'
import { invalid, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123SubdomainErrors, portNumberErrors } from './name-syntax.ts'

const form = '; desired format: https://host[/path]'

/** `https://host[/path]`, without credentials, query and fragment. */
export const validateWebhookUrl = (text: string, path: string): FieldError[] => {
  if (!URL.canParse(text)) {
    // To Go a text without a scheme is a URL too, of a path alone.
    if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(text))
      return [required(path, `url must be a valid URL: parse ${JSON.stringify(text)}${form}`)]
    return [
      invalid(path, '', `'https' is the only allowed URL scheme${form}`),
      invalid(path, '', `host must be provided${form}`),
    ]
  }
  const url = new URL(text)
  const errors: FieldError[] = []
  const scheme = url.protocol.slice(0, -1)
  if (scheme !== 'https') errors.push(invalid(path, scheme, `'https' is the only allowed URL scheme${form}`))
  if (url.host === '') errors.push(invalid(path, '', `host must be provided${form}`))
  if (url.username !== '' || url.password !== '')
    errors.push(invalid(path, url.username, 'user information is not permitted in the URL'))
  if (url.hash !== '') errors.push(invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL'))
  if (url.search !== '')
    errors.push(invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL'))
  return errors
}

const validatePath = (text: string, path: string): FieldError[] => {
  if (text === '' || text === '/') return []
  if (text === '//') return [invalid(path, text, 'segment[0] may not be empty')]
  const errors = text.startsWith('/') ? [] : [invalid(path, text, "must start with a '/'")]
  const wrong = text
    .replace(/^\//, '')
    .replace(/\/$/, '')
    .split('/')
    .flatMap((segment, i) =>
      segment === ''
        ? [invalid(path, text, `segment[${i}] may not be empty`)]
        : dns1123SubdomainErrors(segment).map(why => invalid(path, text, `segment[${i}]: ${why}`)),
    )
  return [...errors, ...wrong]
}

export interface WebhookService {
  name?: string | undefined
  namespace?: string | undefined
  path?: string | undefined
  port?: number | undefined
}

export const validateWebhookService = (service: WebhookService, path: string): FieldError[] => {
  const { name, namespace, port = 443 } = service
  const errors: FieldError[] = []
  if (!name) errors.push(required(`${path}.name`, 'service name is required'))
  if (!namespace) errors.push(required(`${path}.namespace`, 'service namespace is required'))
  const wrong = portNumberErrors(port)
  if (wrong.length > 0) errors.push(invalid(`${path}.port`, port, `port is not valid: ${wrong.join(',')}`))
  return [...errors, ...validatePath(service.path ?? '', `${path}.path`)]
}

/** Where a webhook is: a URL or a Service. */
export const validateClientConfig = (config: Draft<WebhookClientConfig> | undefined, path: string): FieldError[] => {
  const { url, service } = config ?? {}
  if ((url === undefined) === (service === undefined))
    return [required(path, 'exactly one of url or service is required')]
  if (url !== undefined) return validateWebhookUrl(url, `${path}.url`)
  return service === undefined ? [] : validateWebhookService(service, `${path}.service`)
}
