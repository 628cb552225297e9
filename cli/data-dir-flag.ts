import { optionsFromFlags, resolveOptions, stringOption } from '../kube/options.ts'
import { defaultDataDir } from './layout.ts'

const table = {
  dataDir: stringOption('data-dir', { default: defaultDataDir, help: 'where the cluster keeps everything' }),
}

/** The one flag that the processes of a cluster take: the rest stands in cluster.json. */
export const dataDirFlag = (argv: readonly string[]): string =>
  resolveOptions(table, optionsFromFlags(table, argv)).dataDir
