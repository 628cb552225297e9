import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** A process, told from a later one with the same pid by its start time (clock ticks since boot). */
export interface ProcessId {
  pid: number
  startTicks: number
}

/** Field 22 of /proc/PID/stat; the name in field 2 may itself hold spaces and brackets. undefined: no such process, or a zombie. */
export const startTicksOf = (pid: number): number | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}

export const isAlive = (process: ProcessId): boolean => startTicksOf(process.pid) === process.startTicks

const readQuietly = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The name of the program a process runs; '' when it is gone. */
export const programOf = (pid: number): string => {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '')
  } catch {
    return ''
  }
}

/** Part of a Docker Engine: these are ended after the containers, and outlive the daemons. */
export const isEngineProcess = (pid: number): boolean =>
  /^(dockerd|containerd|containerd-shim.*|runc|docker-proxy)$/.test(programOf(pid))

const worksBelow = (pid: number, directory: string): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${directory}/`)
  } catch {
    return false
  }
}

/**
 * Every process that belongs to the cluster with this data directory, found without any file of ours, because files
 * can be lost: they inherit SKIFF_DATA_DIR in their environment (containerd's shims too). nginx writes over its
 * environment, so it and its workers are known by their working directory.
 */
export const clusterProcesses = (dataDir: string): ProcessId[] => {
  const marker = `\0SKIFF_DATA_DIR=${dataDir}\0`
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => pid !== process.pid)
    .filter(
      pid =>
        `\0${readQuietly(`/proc/${pid}/environ`)}`.includes(marker) ||
        (programOf(pid) === 'nginx' && worksBelow(pid, dataDir)),
    )
    .flatMap(pid => {
      const startTicks = startTicksOf(pid)
      return startTicks === undefined ? [] : [{ pid, startTicks }]
    })
}

const signalQuietly = (process_: ProcessId, signal: NodeJS.Signals): void => {
  try {
    if (isAlive(process_)) process.kill(process_.pid, signal)
  } catch {
    // It ended between the two calls.
  }
}

/** Asks processes to end, waits up to `graceMs`, then kills what is left; resolves when all are gone. */
export const endProcesses = async (processes: readonly ProcessId[], graceMs: number): Promise<void> => {
  if (graceMs > 0) for (const one of processes) signalQuietly(one, 'SIGTERM')
  const deadline = Date.now() + graceMs
  while (Date.now() < deadline && processes.some(isAlive)) await new Promise(resolve => setTimeout(resolve, 20))
  for (let round = 0; round < 250 && processes.some(isAlive); round++) {
    for (const one of processes) signalQuietly(one, 'SIGKILL')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Resident memory in bytes; 0 when the process is gone. */
export const memoryOf = (pid: number): number => {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readQuietly(`/proc/${pid}/status`))?.[1]
  return kb === undefined ? 0 : Number(kb) * 1024
}
