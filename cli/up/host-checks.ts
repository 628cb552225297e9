import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { cidrsOverlap, formatIp, nthOf, parseNetwork, type Cidr } from '../../kube/ip-address.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { runOk, type Exec } from '../../host/exec.ts'
import type { UpOptions } from './options.ts'

/** One line of `ip -j route show`. */
export interface HostRoute {
  dst: string
  dev?: string
  prefsrc?: string
}

export const readRoutes = async (exec: Exec): Promise<HostRoute[]> =>
  JSON.parse(await runOk(exec, 'ip', ['-j', '-4', 'route', 'show'])) as HostRoute[]

const cidrOfRoute = (route: HostRoute): Cidr | undefined => {
  if (route.dst === 'default') return undefined
  try {
    return parseNetwork(route.dst.includes('/') ? route.dst : `${route.dst}/32`)
  } catch {
    return undefined
  }
}

/** The ranges must be sound, apart from each other and from every route of the host but the default one. */
export const checkRanges = (
  options: Pick<UpOptions, 'podCidr' | 'serviceCidr'>,
  routes: readonly HostRoute[],
): void => {
  const ranges = [
    { flag: '--pod-cidr', text: options.podCidr, cidr: parseNetwork(options.podCidr) },
    { flag: '--service-cidr', text: options.serviceCidr, cidr: parseNetwork(options.serviceCidr) },
  ]
  const [pods, services] = ranges
  if (pods === undefined || services === undefined) return
  for (const { flag, text, cidr } of ranges)
    if (cidr.ip.family !== 4)
      throw new SkiffError('NOT_IMPLEMENTED', `${flag} ${text}: IPv6 is not built yet in this version`)
  if (pods.cidr.prefix > 24) throw new SkiffError('INVALID_INPUT', `--pod-cidr ${pods.text}: a node needs a /24 of it`)
  if (services.cidr.prefix > 27 || services.cidr.prefix < 12)
    throw new SkiffError('INVALID_INPUT', `--service-cidr ${services.text}: its length must be from /12 to /27`)
  if (cidrsOverlap(pods.cidr, services.cidr))
    throw new SkiffError('INVALID_INPUT', `--pod-cidr ${pods.text} and --service-cidr ${services.text} overlap`)
  for (const { flag, text, cidr } of ranges)
    for (const route of routes) {
      const taken = cidrOfRoute(route)
      // Routes over our own bridge are a cluster's that was killed: `up` takes them over.
      if (taken !== undefined && route.dev !== 'skiff0' && cidrsOverlap(cidr, taken))
        throw new SkiffError(
          'HOST_UNFIT',
          `${flag} ${text} overlaps the host's route to ${route.dst} (dev ${route.dev ?? '?'})`,
          {
            remedy: `choose a free range: ${flag} 10.200.0.0/16, for instance; ip route shows what is taken`,
          },
        )
    }
}

/** The address that leads to the default route; a host without one must be told. */
export const findNodeIp = async (exec: Exec, given: string): Promise<string> => {
  if (given !== '') return given
  const { stdout } = await exec.run('ip', ['-j', '-4', 'route', 'get', '192.0.0.8'])
  const found = stdout.startsWith('[') ? (JSON.parse(stdout) as HostRoute[])[0]?.prefsrc : undefined
  if (found === undefined)
    throw new SkiffError('HOST_UNFIT', 'this host has no default route, so the node has no address to be known by', {
      remedy: 'name one: --node-ip ADDRESS (an address of this host that is not a loopback address)',
    })
  return found
}

interface PortNeed {
  port: number
  address: string
  what: string
}

export const portsNeeded = (options: UpOptions, nodeIp: string): PortNeed[] => [
  { port: 6443, address: '127.0.0.1', what: 'the API server' },
  { port: 6443, address: nodeIp, what: 'the API server' },
  { port: 10250, address: nodeIp, what: 'the kubelet' },
  { port: 10249, address: '127.0.0.1', what: "kube-proxy's metrics" },
  { port: 10256, address: '127.0.0.1', what: "kube-proxy's health" },
  { port: 10257, address: '127.0.0.1', what: 'the controller manager' },
  { port: 10259, address: '127.0.0.1', what: 'the scheduler' },
  { port: 10254, address: '127.0.0.1', what: "the ingress controller's health" },
  { port: options.ingressHttpPort, address: '0.0.0.0', what: 'the ingress (--ingress-http-port)' },
]

const tryListen = (need: PortNeed): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ port: need.port, host: need.address, exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    )
  })

/** Every port that a daemon will listen on is free now. */
export const checkPorts = async (needs: readonly PortNeed[]): Promise<void> => {
  for (const need of needs) {
    const error = await tryListen(need)
    if (error === undefined) continue
    if (error.code === 'EADDRNOTAVAIL')
      throw new SkiffError('HOST_UNFIT', `${need.address} is not an address of this host`, {
        cause: error,
        remedy: 'name one that is: --node-ip ADDRESS',
      })
    throw new SkiffError(
      'HOST_UNFIT',
      `port ${need.port} on ${need.address}, which ${need.what} needs: ${messageOf(error)}`,
      {
        cause: error,
        remedy: `ss -ltnp 'sport = :${need.port}' shows who holds it; stop that program${need.what.includes('--') ? ' or choose another port' : ''}`,
      },
    )
  }
}

const minimumDiskBytes = 512 * 1024 * 1024

/** Root, Linux with what containers and rules need, a Debian that packages come from, and room on the disk. */
export const checkHost = (options: Pick<UpOptions, 'dataDir'>): void => {
  if (process.platform !== 'linux')
    throw new SkiffError('HOST_UNFIT', `Skiff runs on Linux; this is ${process.platform}`)
  if (process.getuid?.() !== 0)
    throw new SkiffError('PERMISSION_DENIED', 'up needs root', { remedy: 'run it with sudo' })
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  if (!/^ID(_LIKE)?=.*debian/m.test(release))
    throw new SkiffError('HOST_UNFIT', 'this is not Debian or one of its derivatives (/etc/os-release)', {
      remedy: 'Skiff installs its system packages with apt-get: use Debian 12, for instance in a virtual machine',
    })
  const filesystems = readFileSync('/proc/filesystems', 'utf8')
  if (!/\boverlay$/m.test(filesystems) && !existsSync('/sbin/modprobe'))
    throw new SkiffError('HOST_UNFIT', 'the kernel has no overlay file system, which the Engine keeps images on')
  if (!existsSync('/proc/self/ns/net'))
    throw new SkiffError('HOST_UNFIT', 'the kernel has no network namespaces (CONFIG_NET_NS)')
  if (!existsSync('/sys/fs/cgroup/cgroup.controllers') && !existsSync('/sys/fs/cgroup/memory'))
    throw new SkiffError('HOST_UNFIT', 'no cgroup hierarchy is mounted below /sys/fs/cgroup', {
      remedy: 'mount -t cgroup2 none /sys/fs/cgroup',
    })
  let existing = options.dataDir
  while (!existsSync(existing)) existing = dirname(existing)
  const disk = statfsSync(existing)
  const freeBytes = disk.bavail * disk.bsize
  if (freeBytes < minimumDiskBytes)
    throw new SkiffError(
      'HOST_UNFIT',
      `${existing} has ${Math.round(freeBytes / 1048576)} MiB free; at least 512 are needed`,
      {
        remedy: 'free some, or choose another place: --data-dir DIR',
      },
    )
}

/** The addresses that follow from the service range: its first is the API's, its tenth DNS's. */
export const serviceAddresses = (serviceCidr: string): { apiServiceIp: string; dnsIp: string } => {
  const cidr = parseNetwork(serviceCidr)
  return { apiServiceIp: formatIp(nthOf(cidr, 1)), dnsIp: formatIp(nthOf(cidr, 10)) }
}
