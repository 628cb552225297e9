import { spawn } from 'node:child_process'
import t from 'tap'
import {
  clusterProcesses,
  endProcesses,
  isAlive,
  isEngineProcess,
  memoryOf,
  programOf,
  startTicksOf,
} from '../../cli/processes.ts'

const started = async (script: string, env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, ['-e', `${script};process.stdout.write("up");setInterval(() => {}, 1000)`], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise(resolve => child.stdout.once('data', resolve))
  const pid = child.pid ?? 0
  return { pid, startTicks: startTicksOf(pid) ?? 0 }
}

t.test('a process is told from a later one with its pid by when it started', async t => {
  const self = { pid: process.pid, startTicks: startTicksOf(process.pid) ?? 0 }
  t.ok(isAlive(self))
  t.notOk(isAlive({ ...self, startTicks: self.startTicks + 1 }))
  t.equal(startTicksOf(2 ** 22 + 1), undefined)
})

t.test('a process that ignores SIGTERM is killed when its time is over', async t => {
  const stubborn = await started('process.on("SIGTERM", () => {})')
  await endProcesses([stubborn], 50)
  t.notOk(isAlive(stubborn))
})

t.test('a process that heeds SIGTERM is not waited for longer than it takes', async t => {
  const polite = await started('')
  const before = performance.now()
  await endProcesses([polite], 60_000)
  t.notOk(isAlive(polite))
  t.ok(performance.now() - before < 30_000)
})

t.test('the processes of a cluster are found by the data directory they inherit, whole', async t => {
  const dataDir = `/tmp/skiff-marker-${process.pid}`
  const ours = await started('', { SKIFF_DATA_DIR: dataDir })
  const longer = await started('', { SKIFF_DATA_DIR: `${dataDir}-other` })
  t.strictSame(clusterProcesses(dataDir), [ours])
  await endProcesses([ours, longer], 0)
  t.strictSame(clusterProcesses(dataDir), [])
})

t.test('a process has a program and memory, one that is gone has none', async t => {
  t.match(programOf(process.pid), /^node/)
  t.notOk(isEngineProcess(process.pid))
  t.ok(memoryOf(process.pid) > 1e6)
  t.equal(programOf(2 ** 22 + 1), '')
  t.equal(memoryOf(2 ** 22 + 1), 0)
})
