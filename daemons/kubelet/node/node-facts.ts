import { readFileSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os'
import { SkiffError } from '../../../kube/errors.ts'

/** What a machine is, for its Node object. */
export interface MachineFacts {
  hostname: string
  architecture: string
  kernelVersion: string
  osImage: string
  machineId: string
  bootId: string
  systemUuid: string
  cpus: number
  memoryBytes: number
  storageBytes: number
}

/** What changes while it runs. */
export interface Pressure {
  memoryAvailableBytes: number
  storageAvailableBytes: number
  storageBytes: number
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    // Not every machine has each of these (no DMI in a container, no machine-id in a chroot).
    return ''
  }
}

/** Node's names of architectures are not Go's. */
const goArch: Record<string, string> = { x64: 'amd64', ia32: '386', arm64: 'arm64' }

export const readMachine = async (rootDir: string): Promise<MachineFacts> => {
  const osRelease = textOf('/etc/os-release')
  const storage = await statfs(rootDir)
  return {
    hostname: hostname().toLowerCase(),
    architecture: goArch[arch()] ?? arch(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    machineId: textOf('/etc/machine-id'),
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    systemUuid: textOf('/sys/class/dmi/id/product_uuid'),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    storageBytes: storage.blocks * storage.bsize,
  }
}

export const readPressure = async (rootDir: string): Promise<Pressure> => {
  const storage = await statfs(rootDir)
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(textOf('/proc/meminfo'))?.[1]
  return {
    memoryAvailableBytes: available === undefined ? Number.MAX_SAFE_INTEGER : Number(available) * 1024,
    storageAvailableBytes: storage.bavail * storage.bsize,
    storageBytes: storage.blocks * storage.bsize,
  }
}

/** The first address of the machine that is not loopback; throws HOST_UNFIT when there is none. */
export const firstAddress = (): string => {
  const found = Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .find(address => address.family === 'IPv4' && !address.internal)
  if (found === undefined)
    throw new SkiffError('HOST_UNFIT', 'this machine has no IPv4 address besides loopback', {
      remedy: 'name the address of the node with --node-ip',
    })
  return found.address
}

/**
 * Whether an oom_score_adj may be lowered here (CAP_SYS_RESOURCE): tried on ourselves and put back. Where it is
 * refused, a container that asks for it would not start at all.
 */
export const probeNegativeOomScore = (): boolean => {
  const file = '/proc/self/oom_score_adj'
  const before = textOf(file)
  try {
    writeFileSync(file, '-998')
    writeFileSync(file, before)
    return true
  } catch {
    return false
  }
}
