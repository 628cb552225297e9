import { existsSync } from 'node:fs'
import { SkiffError } from '../../kube/errors.ts'
import { booleanOption, helpOf, optionsFromFlags, resolveOptions, stringOption } from '../../kube/options.ts'
import { systemExec } from '../../host/exec.ts'
import type { Output } from '../command.ts'
import { currentDataDir, layout } from '../layout.ts'
import { tearDown } from '../tear-down.ts'
import { takeLock } from '../up/lock.ts'

const table = {
  keepData: booleanOption('keep-data', {
    default: false,
    help: 'keep the objects, certificates and images for the next up',
  }),
  dataDir: stringOption('data-dir', { default: '', help: 'the cluster to stop; empty: the one that is up' }),
}

const usage = `Usage: skiff down [flags]

Stops the cluster and undoes every change it made to the machine: no rule, link, namespace, mount, container, route
or sysctl is left. Works also when every process was killed. Running it again is harmless.`

/** `skiff down`: see the usage text. */
export const run = async (argv: readonly string[], output: Output): Promise<number> => {
  if (argv.includes('--help') || argv.includes('-h')) {
    output.out(helpOf(usage, table))
    return 0
  }
  const options = resolveOptions(table, optionsFromFlags(table, argv))
  if (process.getuid?.() !== 0)
    throw new SkiffError('PERMISSION_DENIED', 'down needs root', { remedy: 'run it with sudo' })
  const dataDir = currentDataDir(options.dataDir === '' ? undefined : options.dataDir)
  const unlock = takeLock('down')
  try {
    const was = existsSync(layout(dataDir).config) || existsSync(layout(dataDir).journal)
    await tearDown(dataDir, { keepData: options.keepData, exec: systemExec })
    output.out(
      was
        ? `down: the machine is as it was${options.keepData ? `; the data is kept in ${dataDir}` : ''}\n`
        : 'nothing was up\n',
    )
    return 0
  } finally {
    unlock()
  }
}
