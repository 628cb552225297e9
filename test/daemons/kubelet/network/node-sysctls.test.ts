import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { setNodeSysctls } from '../../../../daemons/kubelet/network/node-sysctls.ts'
import { FakeExec } from '../../../../host/exec-fake.ts'
import { FakeJournal } from '../../../../host/journal.ts'

const machine = (bridged: boolean) => {
  const root = mkdtempSync(join(tmpdir(), 'skiff-sysctl-'))
  mkdirSync(join(root, 'net/ipv4'), { recursive: true })
  writeFileSync(join(root, 'net/ipv4/ip_forward'), '0\n')
  const load = () => {
    mkdirSync(join(root, 'net/bridge'))
    writeFileSync(join(root, 'net/bridge/bridge-nf-call-iptables'), '1\n')
  }
  if (bridged) load()
  const said: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void said.push(line) })
  return { root, load, said, log, journal: new FakeJournal() }
}

t.test('forwarding is written down, then switched on; what is on already is left', async t => {
  const { root, log, journal } = machine(true)
  t.teardown(() => rmSync(root, { recursive: true }))
  await setNodeSysctls(root, { journal, exec: new FakeExec(), log })
  t.equal(readFileSync(join(root, 'net/ipv4/ip_forward'), 'utf8'), '1')
  t.strictSame(journal.changes, [{ kind: 'sysctl', key: 'net/ipv4/ip_forward', before: '0' }])
})

t.test('br_netfilter is loaded where it is not, and written down first', async t => {
  const { root, load, log, journal, said } = machine(false)
  t.teardown(() => rmSync(root, { recursive: true }))
  const exec = new FakeExec(({ args }) => {
    t.ok(journal.changes.some(change => change.kind === 'module'))
    t.strictSame(args, ['br_netfilter'])
    load()
    return {}
  })
  await setNodeSysctls(root, { journal, exec, log })
  t.equal(exec.calls.length, 1)
  t.strictSame(said, [])
})

t.test('a kernel without it is said, and the node goes on', async t => {
  const { root, log, journal, said } = machine(false)
  t.teardown(() => rmSync(root, { recursive: true }))
  await setNodeSysctls(root, { journal, exec: new FakeExec(() => ({ exitCode: 1, stderr: 'not found' })), log })
  t.match(said.join(''), /br_netfilter.*not found/)
})
