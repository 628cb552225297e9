import { SkiffError } from '../../../kube/errors.ts'

/** A reference to an image, as the distribution project's grammar has it. */
export interface ImageReference {
  /** `docker.io` when none is named. */
  registry: string
  repository: string
  tag: string | undefined
  digest: string | undefined
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const grammar = new RegExp(
  `^(?:([a-zA-Z0-9.-]+(?::[0-9]+)?|\\[[0-9a-fA-F:]+\\](?::[0-9]+)?)/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@([a-z0-9+._-]+:[0-9a-fA-F]{32,}))?$`,
)

/** Throws INVALID_INPUT with upstream's text. */
export const parseImageReference = (text: string): ImageReference => {
  const match = grammar.exec(text)
  if (match === null || match[2] === undefined)
    throw new SkiffError(
      'INVALID_INPUT',
      `Failed to apply default image tag "${text}": couldn't parse image name "${text}": invalid reference format`,
    )
  const [, host, path, tag, digest] = match
  // The first part is a registry only when it could be a host: `library/x` is a path.
  const isHost = host !== undefined && (/[.:]/.test(host) || host === 'localhost')
  const full = host === undefined || isHost ? path : `${host.toLowerCase() === host ? host : ''}/${path}`
  if (full.startsWith('/'))
    throw new SkiffError('INVALID_INPUT', `couldn't parse image name "${text}": repository name must be lowercase`)
  const repository = isHost || full.includes('/') ? full : `library/${full}`
  return { registry: isHost ? host : 'docker.io', repository, tag, digest }
}

/** The policy when the pod names none: Always for `:latest` and for no tag at all. */
export const defaultPullPolicy = (text: string): 'Always' | 'IfNotPresent' => {
  const { tag, digest } = parseImageReference(text)
  return digest === undefined && (tag === undefined || tag === 'latest') ? 'Always' : 'IfNotPresent'
}
