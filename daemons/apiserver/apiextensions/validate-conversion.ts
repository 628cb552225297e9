import { X509Certificate } from 'node:crypto'
import { forbidden, invalid, invalidEach, notSupported, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { dns1035LabelErrors, portNumberErrors } from '../kinds/name-syntax.ts'
import type { Conversion, WebhookClientConfig } from './definition.ts'

const strategies = ['None', 'Webhook']
/** The versions of ConversionReview that the server can speak. */
const accepted = ['v1', 'v1beta1']

const urlErrors = (path: string, text: string): FieldError[] => {
  const form = 'url must be of the form "https://host[:port]/path"'
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return [required(path, `url must be a valid URL: ${form}`)]
  }
  const errors: FieldError[] = []
  if (url.protocol !== 'https:')
    errors.push(invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme; ${form}`))
  if (url.host === '') errors.push(invalid(path, url.host, `host must be specified; ${form}`))
  if (url.username !== '' || url.password !== '')
    errors.push(invalid(path, url.username, `user information is not permitted in the URL`))
  if (url.hash !== '') errors.push(invalid(path, url.hash.slice(1), `fragments are not permitted in the URL`))
  if (url.search !== '')
    errors.push(invalid(path, url.search.slice(1), `query parameters are not permitted in the URL`))
  return errors
}

const serviceErrors = (path: string, service: NonNullable<WebhookClientConfig['service']>): FieldError[] => {
  const errors: FieldError[] = []
  if (!service.name) errors.push(required(`${path}.name`, 'service name is required'))
  if (!service.namespace) errors.push(required(`${path}.namespace`, 'service namespace is required'))
  if (service.port !== undefined)
    for (const detail of portNumberErrors(service.port))
      errors.push(invalid(`${path}.port`, service.port, `port is not valid: ${detail}`))
  if (service.path !== undefined && !service.path.startsWith('/'))
    errors.push(invalid(`${path}.path`, service.path, "must start with a '/'"))
  return errors
}

const bundleErrors = (path: string, bundle: string): FieldError[] => {
  try {
    new X509Certificate(Buffer.from(bundle, 'base64'))
    return []
  } catch {
    return [invalid(path, '<invalid>', 'unable to load root certificates: unable to parse bytes as PEM block')]
  }
}

const clientErrors = (path: string, config: WebhookClientConfig | undefined): FieldError[] => {
  if (config === undefined) return [required(path, 'required when strategy is set to Webhook')]
  if ((config.url === undefined) === (config.service === undefined))
    return [required(path, 'exactly one of url or service is required')]
  return [
    ...(config.url === undefined ? [] : urlErrors(`${path}.url`, config.url)),
    ...(config.service === undefined ? [] : serviceErrors(`${path}.service`, config.service)),
    ...(config.caBundle === undefined || config.caBundle === ''
      ? []
      : bundleErrors(`${path}.caBundle`, config.caBundle)),
  ]
}

const reviewVersionErrors = (path: string, versions: readonly string[]): FieldError[] => {
  if (versions.length === 0) return [required(path)]
  const errors = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(`${path}[${i}]`, version, 'duplicate version')]
      : invalidEach(`${path}[${i}]`, version, dns1035LabelErrors(version)),
  )
  if (!versions.some(version => accepted.includes(version)))
    errors.push(invalid(path, versions, `must include at least one of ${accepted.join(', ')}`))
  return errors
}

/** Paths are upstream's, which are those of the type it keeps inside: `webhookClientConfig`. */
export const conversionErrors = (conversion: Conversion | undefined): FieldError[] => {
  if (conversion === undefined) return []
  const { strategy = '', webhook } = conversion
  const path = 'spec.conversion'
  const wrong =
    strategy === ''
      ? [required(`${path}.strategy`)]
      : strategies.includes(strategy)
        ? []
        : [notSupported(`${path}.strategy`, strategy, strategies)]
  if (strategy === 'Webhook')
    return [
      ...wrong,
      ...clientErrors(`${path}.webhookClientConfig`, webhook?.clientConfig),
      ...reviewVersionErrors(`${path}.conversionReviewVersions`, webhook?.conversionReviewVersions ?? []),
    ]
  const unwanted = 'should not be set when strategy is not set to Webhook'
  return [
    ...wrong,
    ...(webhook?.clientConfig === undefined ? [] : [forbidden(`${path}.webhookClientConfig`, unwanted)]),
    ...((webhook?.conversionReviewVersions ?? []).length === 0
      ? []
      : [forbidden(`${path}.conversionReviewVersions`, unwanted)]),
  ]
}
