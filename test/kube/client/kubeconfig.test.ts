import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readKubeconfig } from '../../../kube/client/kubeconfig.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const directory = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
const write = (name: string, cluster: string, user: string) => {
  const file = join(directory, name)
  writeFileSync(
    file,
    `apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {${cluster}}}]\nusers: [{name: u, user: {${user}}}]\n`,
  )
  return file
}

t.test('certificates are read inline and from files beside the kubeconfig', async t => {
  writeFileSync(join(directory, 'ca.crt'), 'CA')
  const file = write(
    'a',
    'server: "https://x:6443", certificate-authority: ca.crt',
    `client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}`,
  )
  t.same(readKubeconfig(file), { server: 'https://x:6443', ca: 'CA', cert: 'CERT', key: 'KEY' })
})

for (const { name, cluster, user, error } of [
  { name: 'a server that is no URL', cluster: 'server: x', user: '', error: { code: 'INVALID_INPUT' } },
  {
    name: 'a file that is not there',
    cluster: 'server: "https://x", certificate-authority: gone.crt',
    user: '',
    error: { code: 'INVALID_INPUT', message: /gone\.crt/ },
  },
  {
    name: 'an exec plugin',
    cluster: 'server: "https://x"',
    user: 'exec: {command: login}',
    error: { code: 'NOT_IMPLEMENTED', message: /exec/ },
  },
  {
    name: 'an unchecked server',
    cluster: 'server: "https://x", insecure-skip-tls-verify: true',
    user: '',
    error: { code: 'NOT_IMPLEMENTED' },
  },
])
  t.test(`${name} is refused by name`, async t => {
    t.throws(() => readKubeconfig(write('b', cluster, user)), error)
  })

t.test('a kubeconfig that is missing or no YAML is INVALID_INPUT', async t => {
  t.throws(() => readKubeconfig(join(directory, 'none')), { code: 'INVALID_INPUT' })
  writeFileSync(join(directory, 'bad'), '{')
  t.throws(() => readKubeconfig(join(directory, 'bad')), { code: 'INVALID_INPUT' })
})
