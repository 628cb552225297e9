import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runOk, systemExec, type Exec } from '../../host/exec.ts'
import { readJournal } from '../../host/journal.ts'
import { undoChanges } from '../../host/undo.ts'

if (process.getuid?.() !== 0) {
  t.pass('skipped: network namespaces need root')
  process.exit(0)
}

const namespace = `sdns-${process.pid}`
const directory = mkdtempSync(join(tmpdir(), 'skiff-dns-e2e-'))
const journalDirectory = join(directory, 'journal')
const main = join(import.meta.dirname, '../../daemons/dns/main.js')
const inside: Exec = {
  run: (file, args, options) => systemExec.run('ip', ['netns', 'exec', namespace, file, ...args], options),
}
const children: ChildProcess[] = []

await runOk(systemExec, 'ip', ['netns', 'add', namespace])
t.teardown(async () => {
  for (const child of children) child.kill('SIGKILL')
  await systemExec.run('ip', ['netns', 'del', namespace])
  rmSync(directory, { recursive: true })
})

const startDaemon = async (
  corefile: string,
): Promise<{ child: ChildProcess; exited: Promise<number | null>; stderr(): string }> => {
  const conf = join(directory, 'Corefile')
  writeFileSync(conf, corefile)
  const args = ['netns', 'exec', namespace, process.execPath, main, '--conf', conf, '--service-address', '10.96.0.10']
  const child = spawn('ip', args, {
    env: { PATH: process.env['PATH'], SKIFF_JOURNAL_DIR: journalDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let stderr = ''
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  const exited = new Promise<number | null>(resolve => child.on('close', resolve))
  await Promise.race([
    exited,
    new Promise(resolve =>
      child.stdout.on('data', chunk => String(chunk).includes('DNS is served') && resolve(undefined)),
    ),
  ])
  return { child, exited, stderr: () => stderr }
}

const addresses = () => runOk(systemExec, 'ip', ['-n', namespace, '-br', 'address', 'show', 'dev', 'lo'])
const corefile = '. {\n  hosts {\n    192.0.2.1 a.example\n  }\n}\n'

void t.test('the daemon makes its own address, answers on it, and takes it away when it stops', async t => {
  const { child, exited } = await startDaemon(corefile)
  t.match(await addresses(), /10\.96\.0\.10\/32/)
  t.equal((await runOk(inside, 'dig', ['+short', '@10.96.0.10', 'a.example'])).trim(), '192.0.2.1')
  t.equal((await runOk(inside, 'dig', ['+short', '+tcp', '@10.96.0.10', 'a.example'])).trim(), '192.0.2.1')
  child.kill('SIGTERM')
  t.equal(await exited, 0)
  t.notMatch(await addresses(), /10\.96\.0\.10/)
})

void t.test('killed, it leaves a journal by which the address is taken away', async t => {
  const { child, exited } = await startDaemon(corefile)
  child.kill('SIGKILL')
  await exited
  t.match(await addresses(), /10\.96\.0\.10\/32/)
  t.strictSame((await undoChanges(readJournal(journalDirectory), inside)).failures, [])
  t.notMatch(await addresses(), /10\.96\.0\.10/)
})

void t.test('a wrong Corefile is exit code 2 with its line', async t => {
  const { exited, stderr } = await startDaemon('. {\n  forward . 10.96.0.10\n}\n')
  t.equal(await exited, 2)
  t.match(stderr(), /Corefile:2: forward: 10\.96\.0\.10:53 is this server itself/)
})

void t.test('a port that is taken is named, with what to do', async t => {
  const first = await startDaemon(corefile)
  const second = await startDaemon(corefile)
  t.equal(await second.exited, 1)
  t.match(second.stderr(), /10\.96\.0\.10:53 is taken[\s\S]*--bind/)
  t.match(await addresses(), /10\.96\.0\.10\/32/, "the first one's address stays")
  first.child.kill('SIGTERM')
  await first.exited
})
