import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { startTestServer } from '../http/test-server.ts'
import { kubeconfig } from './test-kubeconfig.ts'

// Debian's package is for Debian's Python, whatever else stands first on PATH.
const python = '/usr/bin/python3'
const installed = existsSync('/usr/lib/python3/dist-packages/kubernetes')
const script = fileURLToPath(new URL('../../../../../test/daemons/apiserver/clients/python-client.py', import.meta.url))

const expected = {
  made: ['py', 0, { n: '1' }],
  again: [409, 'AlreadyExists'],
  patched: { n: '1', m: '2' },
  'json patch': { m: '2' },
  stale: [409, 'Conflict'],
  pages: [['p1', 'p2'], ['p3']],
  watched: [
    ['DELETED', 'p1'],
    ['DELETED', 'p2'],
    ['DELETED', 'p3'],
  ],
  missing: [404, 'NotFound'],
  lease: '2026-01-02T03:04:05.678901Z',
  version: '34',
}

void t.test(
  'Python’s client writes, pages, patches, watches and finds kinds by discovery',
  { skip: installed ? false : 'python3-kubernetes is not installed' },
  async t => {
    const server = await startTestServer(t)
    const file = join(server.directory, 'kubeconfig')
    writeFileSync(file, kubeconfig(server.url, server.authority, server.admin))
    // Its discovery cache belongs to this server alone.
    const env = { PATH: process.env['PATH'] ?? '', HOME: server.directory, TMPDIR: server.directory }
    const { stdout } = await promisify(execFile)(python, [script, file], { env, timeout: 60_000 })
    const seen = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { step: string; value: unknown })
    t.same(Object.fromEntries(seen.map(({ step, value }) => [step, value])), expected)
  },
)
