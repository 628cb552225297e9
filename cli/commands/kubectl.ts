import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { SkiffError } from '../../kube/errors.ts'
import type { Output } from '../command.ts'
import { currentDataDir } from '../layout.ts'
import { kubeconfigPath } from '../../provision/certificates/pki-path.ts'

/** Runs the kubectl on PATH with the admin kubeconfig of the cluster that is up; its exit code is ours. */
export const run = async (argv: readonly string[], _output: Output): Promise<number> => {
  const kubeconfig = kubeconfigPath(currentDataDir(), 'admin')
  if (!existsSync(kubeconfig))
    throw new SkiffError('NOT_FOUND', `no cluster is up: ${kubeconfig} is not there`, {
      remedy: 'run ./skiff up first',
    })
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', argv, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: kubeconfig } })
    // Ctrl-C reaches both; kubectl decides what it means, and we end with it.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('error', cause =>
      reject(
        new SkiffError('HOST_UNFIT', 'kubectl was not found on PATH', {
          cause,
          remedy: 'apt-get install kubernetes-client, or install kubectl',
        }),
      ),
    )
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}
