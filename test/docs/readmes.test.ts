import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import t from 'tap'
import { options as apiserver } from '../../daemons/apiserver/options.ts'
import { options as controllerManager } from '../../daemons/controller-manager/options.ts'
import { options as dns } from '../../daemons/dns/options.ts'
import { options as ingress } from '../../daemons/ingress/options.ts'
import { options as kubeProxy } from '../../daemons/kube-proxy/options.ts'
import { options as kubelet } from '../../daemons/kubelet/options.ts'
import { options as scheduler } from '../../daemons/scheduler/options.ts'
import { commands } from '../../cli/commands/table.ts'
import { upOptions } from '../../cli/up/options.ts'
import { optionsFromConfig, type OptionTable } from '../../kube/options.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const daemons: { folder: string; command: string; table: OptionTable }[] = [
  { folder: 'apiserver', command: 'kube-apiserver', table: apiserver },
  { folder: 'controller-manager', command: 'kube-controller-manager', table: controllerManager },
  { folder: 'dns', command: 'dns', table: dns },
  { folder: 'ingress', command: 'ingress', table: ingress },
  { folder: 'kube-proxy', command: 'kube-proxy', table: kubeProxy },
  { folder: 'kubelet', command: 'kubelet', table: kubelet },
  { folder: 'scheduler', command: 'kube-scheduler', table: scheduler },
]

const fences = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)].filter(match => match[1] === language).map(match => match[2] ?? '')

for (const { folder, command, table } of daemons) {
  const text = read(`daemons/${folder}/README.md`)

  t.test(`the README of ${command} has every part a reader looks for`, async t => {
    t.match(text, /^# /)
    for (const part of ['Name', 'Description', 'Syntax', 'Examples', 'Metrics'])
      t.match(text, new RegExp(`^## ${part}$`, 'm'), part)
  })

  t.test(`every example of ${command} uses flags that it has`, async t => {
    const flags = new Set([...Object.values(table).map(spec => spec.flag), 'help'])
    const lines = [...fences(text, ''), ...fences(text, 'sh')].join('\n').replaceAll(/\\\n/g, ' ').split('\n')
    const ours = lines.filter(line => new RegExp(`(^|[\\s/\\[])${command}\\s`).test(line) || /^\s+\[--/.test(line))
    t.ok(ours.length > 0, 'there is an example')
    for (const flag of ours.flatMap(line =>
      [...line.matchAll(/(?<![\w-])--([a-z][\w.-]*)/g)].map(match => match[1] ?? ''),
    ))
      t.ok(flags.has(flag), `--${flag}`)
  })

  t.test(`every configuration in the README of ${command} is taken`, async t => {
    for (const example of fences(text, 'yaml')) {
      const config: unknown = parse(example)
      t.doesNotThrow(() => optionsFromConfig(table, config, 'README.md'))
    }
  })

  t.test(`${command} is a command`, async t => {
    t.ok(commands.some(one => one.name === command))
  })
}

t.test('what the README and the architecture point to is there', async t => {
  for (const page of ['README.md', 'ARCHITECTURE.md']) {
    for (const [, path] of read(page).matchAll(/\]\((?!#|http)([^)]+)\)/g))
      t.ok(existsSync(join(root, path ?? '')), `${page}: ${path}`)
    for (const [, path] of read(page).matchAll(
      /`((?:kube|host|proxy|cni|daemons|provision|cli|test|docs|examples)\/[\w./-]+)`/g,
    ))
      if (path !== 'daemons/X/') t.ok(existsSync(join(root, (path ?? '').replace(/\/$/, ''))), `${page}: ${path}`)
  }
})

t.test('every skiff command in the README exists, with its flags', async t => {
  for (const [, name, rest] of read('README.md').matchAll(/\.\/skiff ([a-z-]+)([^\n#`]*)/g)) {
    t.ok(
      commands.some(one => one.name === name),
      `skiff ${name}`,
    )
    if (name !== 'up') continue
    const flags = new Set([...Object.values(upOptions).map(spec => spec.flag as string), 'help'])
    for (const [, flag] of (rest ?? '').matchAll(/--([\w-]+)/g)) t.ok(flags.has(flag ?? ''), `--${flag}`)
  }
})
