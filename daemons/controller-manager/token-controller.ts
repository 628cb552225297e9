import type { Secret, ServiceAccount } from 'kubernetes-types/core/v1.js'
import { readFileSync } from 'node:fs'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { readSigningKey, signToken, type TokenClaims } from '../../kube/json-web-token.ts'
import { secrets, serviceAccounts } from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import type { StartController } from './controller-context.ts'
import { applyWrite, deleteWrite, updateWrite, type Write } from './write.ts'

const secretType = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'

/** What a token Secret is filled with. */
export interface TokenSource {
  sign(claims: TokenClaims): string
  /** PEM; '' where nobody said which. */
  rootCa: string
}

const claimsOf = (secret: Secret, account: ServiceAccount): TokenClaims => {
  const { namespace = '', name = '' } = account.metadata ?? {}
  const own = 'kubernetes.io/serviceaccount'
  return {
    iss: own.replace('.io', ''),
    [`${own}/namespace`]: namespace,
    [`${own}/secret.name`]: secret.metadata?.name ?? '',
    [`${own}/service-account.name`]: name,
    [`${own}/service-account.uid`]: account.metadata?.uid ?? '',
    sub: `system:serviceaccount:${namespace}:${name}`,
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/**
 * A Secret of a token with what it lacks: the token, which ends with the Secret, the namespace and the certificate
 * authority. One whose account is gone, or is another by now, goes too.
 */
export const planTokenSecret = (
  secret: Secret | undefined,
  account: ServiceAccount | undefined,
  source: TokenSource,
): Write | undefined => {
  if (secret?.type !== secretType || secret.metadata?.deletionTimestamp !== undefined) return undefined
  const { annotations = {}, namespace = '' } = secret.metadata ?? {}
  const uid = account?.metadata?.uid
  const claimed = annotations[uidAnnotation] ?? ''
  if (account === undefined || uid === undefined || (claimed !== '' && claimed !== uid))
    return deleteWrite(secrets, secret)
  const wanted = {
    ...(secret.data?.['token'] ? {} : { token: base64(source.sign(claimsOf(secret, account))) }),
    ...(secret.data?.['namespace'] ? {} : { namespace: base64(namespace) }),
    ...(source.rootCa === '' || secret.data?.['ca.crt'] === base64(source.rootCa)
      ? {}
      : { 'ca.crt': base64(source.rootCa) }),
  }
  if (claimed === uid && Object.keys(wanted).length === 0) return undefined
  return updateWrite(secrets, {
    ...secret,
    metadata: { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: uid } },
    data: { ...secret.data, ...wanted },
  })
}

const read = (flag: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${flag} ${file}: ${messageOf(cause)}`, { cause })
  }
}

const signerOf = (file: string): TokenSource['sign'] => {
  const text = read('service-account-private-key-file', file)
  try {
    const key = readSigningKey(text)
    return claims => signToken(key, claims)
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--service-account-private-key-file ${file}: ${messageOf(cause)}`, {
      cause,
      remedy: 'name a PEM file with a private key, RSA or EC',
    })
  }
}

/** Fills Secrets of type kubernetes.io/service-account-token, with --service-account-private-key-file; else nothing. */
export const startTokenController: StartController = context => {
  const { informers, client, signal, options } = context
  if (options.serviceAccountPrivateKeyFile === '') return
  const rootCa = options.rootCaFile === '' ? '' : read('root-ca-file', options.rootCaFile)
  const source = { sign: signerOf(options.serviceAccountPrivateKeyFile), rootCa }
  const [known, accounts] = [informers.of(secrets), informers.of(serviceAccounts)]
  const live = (namespace: string, name: string): Promise<ServiceAccount | undefined> =>
    client.get(serviceAccounts, name, { namespace, signal }).catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    })
  const queue = context.startQueue('serviceaccount_tokens_secret', 1, async key => {
    const secret = known.get(key)
    if (secret === undefined) return
    const name = secret.metadata?.annotations?.[nameAnnotation] ?? ''
    const namespace = secret.metadata?.namespace ?? ''
    // An account that was made just before its Secret may not be in the cache: nothing is deleted on its word alone.
    const account = accounts.get(`${namespace}/${name}`) ?? (await live(namespace, name))
    const write = planTokenSecret(secret, account, source)
    if (write !== undefined) await applyWrite(client, write, signal)
  })
  const keyOf = ({ metadata }: Secret) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
  const enqueue = (secret: Secret): void => {
    if (secret.type === secretType) queue.add(keyOf(secret))
  }
  const enqueueAll = (account: ServiceAccount): void => {
    for (const secret of known.list())
      if (
        secret.metadata?.namespace === account.metadata?.namespace &&
        secret.metadata?.annotations?.[nameAnnotation] === account.metadata?.name
      )
        enqueue(secret)
  }
  known.subscribe({ added: enqueue, updated: enqueue })
  accounts.subscribe({ added: enqueueAll, updated: enqueueAll, deleted: enqueueAll })
}
