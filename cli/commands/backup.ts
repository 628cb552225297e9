import { resolve } from 'node:path'
import { options as apiServerOptions } from '../../daemons/apiserver/options.ts'
import type { BackupSummary } from '../../daemons/apiserver/backup/backup-file.ts'
import type { EtcdPlace } from '../../daemons/apiserver/backup/etcd-backup.ts'
import type { Restored } from '../../daemons/apiserver/backup/lmdb-backup.ts'
import { etcdTls } from '../../daemons/apiserver/store/open-store.ts'
import { SkiffError } from '../../kube/errors.ts'
import {
  booleanOption,
  helpOf,
  optionsFromFlags,
  type OptionsOf,
  resolveOptions,
  stringOption,
} from '../../kube/options.ts'
import type { Output } from '../command.ts'
import { currentDataDir, layout } from '../layout.ts'

const { etcdServers, etcdPrefix, etcdCafile, etcdCertfile, etcdKeyfile } = apiServerOptions
const table = {
  dataDir: stringOption('data-dir', { default: '', help: 'the cluster of `skiff up`; empty: the one that is up' }),
  store: stringOption('store', {
    default: '',
    help: "directory of an embedded store: a kube-apiserver's own --data-dir",
  }),
  etcdServers,
  etcdPrefix,
  etcdCafile,
  etcdCertfile,
  etcdKeyfile,
  output: stringOption('output', { default: 'text', help: 'text or json' }),
  help: booleanOption('help', { default: false, help: 'this text' }),
}
type Options = OptionsOf<typeof table>

const usage = `Usage: skiff backup save FILE [flags]
       skiff backup restore FILE [flags]

save writes every object of the cluster, as it is at one moment, to FILE, while the cluster runs or while it is
stopped. restore puts them in the place of what a stopped cluster has: it checks FILE first, and when it is
interrupted either the old state is there or the new one. Both work on the embedded store and on etcd, and a backup of
one can be restored to the other. What is encrypted stays encrypted: keep encryption.json of the data directory, or
your own EncryptionConfiguration, somewhere else.`

interface Request {
  verb: 'save' | 'restore'
  file: string
  options: Options
}

/** Throws SkiffError INVALID_INPUT. */
const parse = (argv: readonly string[]): Request | 'help' => {
  const [verb, ...rest] = argv
  if (verb === undefined || argv.some(word => word === '--help' || word === '-h')) return 'help'
  if (verb !== 'save' && verb !== 'restore')
    throw new SkiffError('INVALID_INPUT', `backup ${verb}: save and restore are known`, {
      remedy: 'skiff backup --help',
    })
  const [file = '', ...flags] = rest
  if (file === '' || file.startsWith('-'))
    throw new SkiffError('INVALID_INPUT', `backup ${verb} needs a FILE before its flags`, {
      remedy: 'skiff backup --help',
    })
  const words = flags.map(word => (word === '-o' ? '--output' : word.replace(/^-o(?=[^-])/, '--output=')))
  const options = resolveOptions(table, optionsFromFlags(table, words))
  if (!['text', 'json'].includes(options.output))
    throw new SkiffError('INVALID_INPUT', `-o ${options.output}: text and json are known`)
  if (options.etcdServers.length > 0 && (options.store !== '' || options.dataDir !== ''))
    throw new SkiffError('INVALID_INPUT', '--etcd-servers goes with neither --store nor --data-dir')
  return { verb, file: resolve(file), options }
}

type Place = { kind: 'etcd'; etcd: EtcdPlace; name: string } | { kind: 'embedded'; directory: string; name: string }

const placeOf = (options: Options): Place => {
  if (options.etcdServers.length > 0) {
    const etcd = { servers: options.etcdServers, prefix: options.etcdPrefix, tls: etcdTls(options) }
    return { kind: 'etcd', etcd, name: `${options.etcdPrefix} of ${options.etcdServers.join(',')}` }
  }
  const given = options.dataDir === '' ? undefined : options.dataDir
  const directory = options.store === '' ? layout(currentDataDir(given)).store : resolve(options.store)
  return { kind: 'embedded', directory, name: directory }
}

const perform = async ({ verb, file }: Request, place: Place): Promise<BackupSummary | Restored> => {
  const savedAt = new Date().toISOString()
  if (place.kind === 'etcd') {
    const { restoreEtcd, saveEtcd } = await import('../../daemons/apiserver/backup/etcd-backup.ts')
    return verb === 'save' ? saveEtcd(place.etcd, file, savedAt) : restoreEtcd(file, place.etcd)
  }
  const { restoreLmdb, saveLmdb } = await import('../../daemons/apiserver/backup/lmdb-backup.ts')
  return verb === 'save' ? saveLmdb(place.directory, file, savedAt) : restoreLmdb(file, place.directory)
}

/** `skiff backup`: see the usage text. */
export const run = async (argv: readonly string[], output: Output): Promise<number> => {
  const request = parse(argv)
  if (request === 'help') {
    output.out(helpOf(usage, table))
    return 0
  }
  const place = placeOf(request.options)
  const done = await perform(request, place)
  if (request.options.output === 'json') {
    output.out(`${JSON.stringify({ file: request.file, ...done }, null, 2)}\n`)
    return 0
  }
  const what = `${done.objects} objects as of revision ${done.revision} (${done.savedAt})`
  output.out(
    'newRevision' in done
      ? `restored ${what} to ${place.name}; it goes on at revision ${done.newRevision}\n`
      : `saved ${what} of ${place.name} to ${request.file}\n`,
  )
  if (done.encryptedWith.length > 0)
    output.out(
      `encrypted with ${done.encryptedWith.join(' ')}: a server needs the EncryptionConfiguration with these keys\n`,
    )
  return 0
}
