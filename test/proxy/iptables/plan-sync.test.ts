import t from 'tap'
import { renderOps, type Op } from '../../../proxy/iptables/op.ts'
import { planCleanup, planFullSync, planPartialSync } from '../../../proxy/iptables/plan-sync.ts'
import { RulesetRenderer } from '../../../proxy/iptables/render-ruleset.ts'
import type { Ruleset } from '../../../proxy/iptables/ruleset.ts'
import { parseSavedRules } from '../../../proxy/iptables/saved-rules.ts'
import { planService } from '../../../proxy/model/plan-service.ts'
import type { ServicePortPlan } from '../../../proxy/model/service-port-plan.ts'
import { at, node, service, settings, slice } from '../cluster.ts'

const renderer = new RulesetRenderer(settings)

const plans = (count: number, backends: number): ServicePortPlan[] =>
  Array.from({ length: count }, (_, i) => {
    const name = `s${i}`
    const ips = Array.from({ length: backends }, (_, j) => at(`10.244.${i % 250}.${j + 2}`))
    return planService(service(name, { clusterIP: `10.96.${i >> 8}.${i & 255}` }), [slice(name, ips)], node).plans
  }).flat()

const replaced = (all: readonly ServicePortPlan[], at: number, plan: readonly ServicePortPlan[]): Ruleset =>
  renderer.render([...all.slice(0, at), ...plan, ...all.slice(at + 1)])

const count = (ops: readonly Op[], kind: Op['kind']) => ops.filter(op => op.kind === kind).length

/** A kernel as far as the plans need one: carries batches out and refuses what iptables-restore refuses. */
class FakeKernel {
  readonly chains = new Map<string, string[]>()
  constructor() {
    for (const chain of ['nat/OUTPUT', 'nat/PREROUTING', 'nat/POSTROUTING', 'filter/INPUT', 'filter/FORWARD'])
      this.chains.set(chain, [])
    this.chains.set('filter/OUTPUT', [])
  }
  apply(ops: readonly Op[]): void {
    let table = ''
    for (const op of ops) {
      if (op.kind === 'table') table = op.table
      else if (op.kind === 'chain') this.chains.set(`${table}/${op.chain}`, [])
      else if (op.kind === 'delete-chain') {
        const name = op.chain
        for (const [key, rules] of this.chains)
          if (key.startsWith(table) && rules.some(rule => rule.endsWith(`-j ${name}`)))
            throw new Error(`${name} is in use by ${key}`)
        this.chains.delete(`${table}/${name}`)
      } else if (op.kind === 'commit') table = ''
      else {
        const rules = this.chains.get(`${table}/${op.chain}`)
        const text = op.rule.join(' ')
        const target = /-j (KUBE-\S+)$/.exec(text)?.[1]
        if (rules === undefined) throw new Error(`no chain ${op.chain}`)
        if (target !== undefined && !this.chains.has(`${table}/${target}`)) throw new Error(`no target ${target}`)
        if (op.kind === 'append') rules.push(text)
        else if (op.kind === 'insert') rules.unshift(text)
        else rules.splice(rules.indexOf(text), 1)
      }
    }
  }
  get rules(): Record<string, string[]> {
    return Object.fromEntries([...this.chains].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

const full = (ruleset: Ruleset, saved = new Map() as ReturnType<typeof parseSavedRules>, max?: number) =>
  planFullSync({ ruleset, jumps: renderer.jumps, saved, ...(max === undefined ? {} : { maxRulesPerBatch: max }) })

t.test('a change of endpoints costs the chains of that Service alone', async t => {
  const all = plans(500, 3)
  const before = renderer.render(all)
  const changed = planService(service('s7', { clusterIP: '10.96.0.7' }), [slice('s7', [at('10.244.7.2')])], node).plans
  const ops = planPartialSync(before, replaced(all, 7, changed))
  t.equal(count(ops, 'table'), 1)
  t.equal(count(ops, 'append'), 2, 'only its own chain: one rule for strangers, one for the endpoint')
  t.equal(count(ops, 'delete-chain'), 2)
  t.ok(ops.length < 12, `${ops.length} ops`)
})

t.test('no change costs nothing, also when the plans were made anew', async t => {
  t.same(planPartialSync(renderer.render(plans(50, 2)), renderer.render(plans(50, 2))), [])
})

t.test('a new Service costs its own chains and the chain of portals', async t => {
  const all = plans(50, 2)
  const ops = planPartialSync(renderer.render(all.slice(0, 49)), renderer.render(all))
  t.equal(count(ops, 'chain'), 4)
  t.equal(count(ops, 'append'), 3 + 4 + 51)
})

t.test('losing the last endpoint moves a Service from nat to a refusal in filter', async t => {
  const all = plans(2, 1)
  const gone = planService(service('s1', { clusterIP: '10.96.0.1' }), [], node).plans
  const text = renderOps(planPartialSync(renderer.render(all), replaced(all, 1, gone)))
  t.match(text, 'default/s1:http has no endpoints')
  t.match(text, /-X KUBE-SVC-/)
})

t.test('partial syncs lead to the same rules as a full one, in any order of changes', async t => {
  const kernel = new FakeKernel()
  const all = plans(6, 2)
  let before = renderer.render([])
  for (const ops of full(before)) kernel.apply(ops)
  const steps = [all, all.slice(2), [...all.slice(0, 1), ...all.slice(3)], [], all.slice(4), all]
  for (const step of steps) {
    const after = renderer.render(step)
    kernel.apply(planPartialSync(before, after))
    const fresh = new FakeKernel()
    for (const ops of full(after)) fresh.apply(ops)
    t.same(kernel.rules, fresh.rules)
    before = after
  }
})

t.test('a big cold start is cut into batches that end with the same rules', async t => {
  const ruleset = renderer.render(plans(60, 3))
  const [whole, parts] = [new FakeKernel(), new FakeKernel()]
  const cut = full(ruleset, new Map(), 50)
  t.ok(cut.length > 5)
  for (const ops of cut) parts.apply(ops)
  for (const ops of full(ruleset)) whole.apply(ops)
  t.same(parts.rules, whole.rules)
})

t.test('chains of Services that went while nobody looked are removed, others’ are left', async t => {
  const saved = parseSavedRules(
    '*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]\n:KUBE-ROUTER - [0:0]\n:DOCKER - [0:0]\nCOMMIT\n',
  )
  const text = full(renderer.render([]), saved).map(renderOps).join('')
  t.match(text, '-X KUBE-SVC-AAAAAAAAAAAAAAAA')
  t.notMatch(text, /DOCKER|KUBE-ROUTER/)
})

t.test('jumps that stand are left alone; one that is missing or overtaken puts its chain in order again', async t => {
  const standing = renderer.jumps.map(j => `-A ${j.from} -j ${j.to}`)
  const saved = (extra: string) =>
    parseSavedRules(
      `*nat\n${standing.filter(l => /OUTPUT -j KUBE-SERVICES|PREROUTING|POSTROUTING/.test(l)).join('\n')}\nCOMMIT\n` +
        `*filter\n${extra}\n${standing.filter(l => !/PREROUTING|POSTROUTING/.test(l)).join('\n')}\nCOMMIT\n`,
    )
  const inserts = (extra: string) =>
    full(renderer.render([]), saved(extra))
      .flat()
      .filter(op => op.kind === 'insert')
      .map(op => op.chain)
  t.same(inserts(''), [])
  t.same(inserts('-A FORWARD -j DOCKER-USER'), [], 'Docker may stand before us')
  t.same(new Set(inserts('-A FORWARD -j SKIFF-FORWARD')), new Set(['FORWARD']), 'what accepts may not')
})

t.test('cleanup takes out our jumps and chains and nothing else', async t => {
  const saved = parseSavedRules(`*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A KUBE-SERVICES -j KUBE-SVC-AAAAAAAAAAAAAAAA
COMMIT
*filter
:DOCKER - [0:0]
COMMIT
`)
  t.equal(
    renderOps(planCleanup(saved)),
    `*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-X KUBE-SERVICES
-X KUBE-SVC-AAAAAAAAAAAAAAAA
COMMIT
`,
  )
})
