import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

// dist/test/layers -> the checkout
const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const tops = ['kube', 'host', 'proxy', 'cni', 'daemons', 'provision', 'cli', 'bench', 'test']

const sources = (directory: string): string[] =>
  readdirSync(join(root, directory), { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return sources(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const importsOf = (file: string): Import[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /(?:^|\n)(import|export)( type)?\s[^'"]*?from\s*'(\.[^']+)'|import\('(\.[^']+)'\)/g,
    ),
  ].map(match => ({
    from: file,
    to: normalize(join(dirname(file), match[3] ?? match[4] ?? '')),
    typeOnly: match[2] !== undefined,
  }))

const layerOf = (path: string): string => {
  const [top = '', second = ''] = path.split('/')
  return top === 'daemons' ? `daemons/${second}` : top
}

/** What each layer may import besides itself; `host` in brackets means types only, except in apply and main files. */
const allowed: Record<string, readonly string[]> = {
  kube: [],
  host: ['kube'],
  proxy: ['kube', '(host)'],
  cni: ['kube', '(host)'],
  provision: ['kube', 'host'],
  daemons: ['kube', 'host', 'proxy', 'cni'],
  cli: ['kube', 'host', 'proxy', 'cni', 'daemons', 'provision'],
  bench: ['kube', 'host', 'proxy', 'cni', 'daemons', 'provision', 'cli'],
  test: tops,
}

const violation = ({ from, to, typeOnly }: Import): string | undefined => {
  const [source, target] = [layerOf(from), layerOf(to)]
  if (source === target) return undefined
  const top = source.split('/')[0] ?? ''
  const rule = allowed[top] ?? []
  const targetTop = target.split('/')[0] ?? ''
  if (top === 'daemons' && targetTop === 'daemons') return `${from} imports another daemon: ${to}`
  if (rule.includes(targetTop)) return undefined
  if (rule.includes(`(${targetTop})`) && (typeOnly || /(^|\/|-)(apply|main)[^/]*\.ts$/.test(from))) return undefined
  return `${from} may not import ${to}`
}

t.test('no file imports what its layer may not', async t => {
  const violations = tops
    .flatMap(sources)
    .flatMap(importsOf)
    .map(violation)
    .filter(text => text !== undefined)
  t.strictSame(violations, [])
})

t.test('a daemon importing another daemon is found', async t => {
  t.ok(violation({ from: 'daemons/dns/start.ts', to: 'daemons/kubelet/start.ts', typeOnly: false }))
  t.ok(violation({ from: 'proxy/model/plan.ts', to: 'host/exec.ts', typeOnly: false }))
  t.notOk(violation({ from: 'proxy/apply.ts', to: 'host/exec.ts', typeOnly: false }))
})
