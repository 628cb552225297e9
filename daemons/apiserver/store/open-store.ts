import { readFileSync } from 'node:fs'
import { systemClock } from '../../../host/clock.ts'
import type { DaemonContext } from '../../../host/daemon.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { ApiServerOptions } from '../options.ts'
import { LmdbStore } from './lmdb-store.ts'
import type { Store } from './store.ts'
import type { ValueCodec } from './value-codec.ts'

const readOptional = (flag: string, file: string): Buffer | undefined => {
  if (file === '') return undefined
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${flag} ${file}: ${messageOf(cause)}`, { cause })
  }
}

/** The certificates for etcd, as the flags name them. */
export const etcdTls = (
  options: Pick<ApiServerOptions, 'etcdCafile' | 'etcdCertfile' | 'etcdKeyfile'>,
): { ca?: Buffer; cert?: Buffer; key?: Buffer } => {
  const ca = readOptional('etcd-cafile', options.etcdCafile)
  const cert = readOptional('etcd-certfile', options.etcdCertfile)
  const key = readOptional('etcd-keyfile', options.etcdKeyfile)
  if ((cert === undefined) !== (key === undefined))
    throw new SkiffError('INVALID_INPUT', '--etcd-certfile and --etcd-keyfile belong together: one is missing')
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
}

const codecOf = async (file: string): Promise<ValueCodec | undefined> => {
  if (file === '') return undefined
  const [{ readEncryptionConfiguration }, { encryptedValues }] = await Promise.all([
    import('./encryption/encryption-configuration.ts'),
    import('./encryption/encrypted-values.ts'),
  ])
  return encryptedValues(await readEncryptionConfiguration(file))
}

/** The engine that the flags name. Throws what the engines' `open` do, and INVALID_INPUT for files that do not fit. */
export const openStore = async (options: ApiServerOptions, { signal, log }: DaemonContext): Promise<Store> => {
  const codec = await codecOf(options.encryptionProviderConfig)
  const common = { clock: systemClock, signal, ...(codec === undefined ? {} : { codec }) }
  if (options.etcdServers.length === 0)
    return LmdbStore.open({
      ...common,
      directory: options.dataDir,
      onError: err => log.error({ err }, 'compaction failed'),
    })
  const { EtcdStore } = await import('./etcd/etcd-store.ts')
  return EtcdStore.open({
    ...common,
    servers: options.etcdServers,
    tls: etcdTls(options),
    prefix: options.etcdPrefix,
    eventTtlMs: options.eventTtl,
    compactionIntervalMs: options.etcdCompactionInterval,
    onError: err => log.error({ err }, 'etcd'),
  })
}
