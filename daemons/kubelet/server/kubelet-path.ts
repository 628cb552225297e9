/** What a URL of the kubelet's API speaks of. The uid between pod and container is optional, as upstream has it. */
export type KubeletPath =
  | { kind: 'logs' | 'exec' | 'attach'; namespace: string; pod: string; uid: string | undefined; container: string }
  | { kind: 'portForward'; namespace: string; pod: string; uid: string | undefined }

const streaming = { containerLogs: 'logs', exec: 'exec', attach: 'attach' } as const

/** Undefined for a path of another shape. */
export const parseKubeletPath = (path: string): KubeletPath | undefined => {
  let words: string[]
  try {
    words = path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return undefined
  }
  if (words.some(word => word === '')) return undefined
  const [verb = '', namespace, pod, third, fourth] = words
  if (namespace === undefined || pod === undefined) return undefined
  if (verb === 'portForward' && words.length <= 4) return { kind: 'portForward', namespace, pod, uid: third }
  const kind = Object.hasOwn(streaming, verb) ? streaming[verb as keyof typeof streaming] : undefined
  if (kind === undefined || third === undefined || words.length > 5) return undefined
  return fourth === undefined
    ? { kind, namespace, pod, uid: undefined, container: third }
    : { kind, namespace, pod, uid: third, container: fourth }
}
