import { systemExec } from '../../host/exec.ts'
import type { Output } from '../command.ts'
import { installPackages } from '../up/packages.ts'

/** Installs the packages named, as `up` does it: what the end-to-end tests need besides. */
export const run = async (argv: readonly string[], output: Output): Promise<number> => {
  if (argv.length === 0) {
    output.err('usage: skiff install-packages PACKAGE...\n')
    return 2
  }
  await installPackages(systemExec, argv, new AbortController().signal)
  return 0
}
