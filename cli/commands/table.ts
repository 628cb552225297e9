import { SkiffError } from '../../kube/errors.ts'
import type { Command } from '../command.ts'

/** Loads a command's module only when it runs: `skiff kubectl` should not pay for the API server. */
const lazy = (
  name: string,
  summary: string,
  load: () => Promise<{ run: Command['run'] }>,
  hidden = false,
): Command => ({
  name,
  summary,
  hidden,
  run: async (argv, output) => (await load()).run(argv, output),
})

/** A daemon alone, as its unit file starts it: its main.ts reads process.argv, less the daemon's name, and sets the exit code. */
const daemon = (name: string, load: () => Promise<unknown>): Command => ({
  name,
  summary: `the ${name} daemon alone, as a unit file starts it`,
  run: async () => {
    process.argv.splice(2, 1)
    await load()
    return Number(process.exitCode ?? 0)
  },
})

const notBuilt = (name: string, summary: string): Command => ({
  name,
  summary: `${summary} (not built yet)`,
  run: () => Promise.reject(new SkiffError('NOT_IMPLEMENTED', `${name} is not built yet in this version`)),
})

/** Every command: adding one is adding a row. */
export const commands: readonly Command[] = [
  lazy('up', 'bring a cluster up on this machine', () => import('../up/up.ts')),
  lazy('down', 'stop it and undo every change it made to the machine', () => import('./down.ts')),
  lazy('status', 'the daemons, their state, addresses and memory', () => import('./status.ts')),
  lazy('kubectl', "kubectl with the cluster's kubeconfig", () => import('./kubectl.ts')),
  notBuilt('render', 'the rules that Services and EndpointSlices give, without a cluster'),
  notBuilt('explain', 'the path of a packet to a Service, or what a pod waits for'),
  notBuilt('doctor', 'check the host for what breaks clusters'),
  notBuilt('provision', 'machines over SSH: plan, apply, drift'),
  lazy('backup', "save and restore the cluster's whole state", () => import('./backup.ts')),
  daemon('kube-apiserver', () => import('../../daemons/apiserver/main.ts')),
  daemon('kube-scheduler', () => import('../../daemons/scheduler/main.ts')),
  daemon('kube-controller-manager', () => import('../../daemons/controller-manager/main.ts')),
  daemon('kubelet', () => import('../../daemons/kubelet/main.ts')),
  daemon('kube-proxy', () => import('../../daemons/kube-proxy/main.ts')),
  daemon('dns', () => import('../../daemons/dns/main.ts')),
  daemon('ingress', () => import('../../daemons/ingress/main.ts')),
  lazy(
    'install-packages',
    'installs Debian packages without starting their services',
    () => import('./install-packages.ts'),
    true,
  ),
  lazy('supervise', 'keeps the processes of a cluster running', () => import('../supervisor/supervise.ts'), true),
  lazy(
    'control-plane',
    'API server, scheduler and controllers in one process',
    () => import('../control-plane.ts'),
    true,
  ),
  lazy('node', 'kubelet, kube-proxy, DNS and ingress in one process', () => import('../node.ts'), true),
]
