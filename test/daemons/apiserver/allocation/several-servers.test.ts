import fc from 'fast-check'
import t from 'tap'
import type { Service } from 'kubernetes-types/core/v1.js'
import { ipAddressPrefix, nodePortPrefix } from '../../../../daemons/apiserver/allocation/service-claims.ts'
import { services } from '../../../../kube/resources.ts'
import { hasReason } from '../../../../kube/status.ts'
import { findings, service, type ServerOptions, startServers, stored, type TestServer } from './test-servers.ts'

const dualStack: ServerOptions = {
  serviceClusterIpRange: '10.96.0.0/26,fd00:96::/120',
  serviceNodePortRange: '30000-30039',
}

t.test('two servers that choose the same numbers at once give them out once', async t => {
  const { servers, state } = await startServers(2, { ...dualStack, random: () => 0.5 })
  const policy = { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' }
  const made = await Promise.all(
    servers.flatMap(({ client }, i) => [1, 2, 3].map(n => client.create(services, service(`s${i}-${n}`, policy)))),
  )
  const addresses = made.flatMap(({ spec }) => spec?.clusterIPs ?? [])
  t.equal(addresses.length, 12)
  t.equal(new Set(addresses).size, 12)
  t.equal(new Set(made.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size, 6)
  t.same(findings(state), [])
})

t.test('an address that both ask for goes to one, and the other is told that it is taken', async t => {
  const { servers, state } = await startServers(2)
  const outcomes = await Promise.allSettled(
    servers.map(({ client }, i) => client.create(services, service(`s${i}`, { clusterIP: '10.96.0.9' }))),
  )
  const refused = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
  t.equal(refused.length, 1)
  t.match(refused[0]?.message, /failed to allocate IP 10\.96\.0\.9: provided IP is already allocated/)
  t.same(findings(state), [])
})

t.test('two updates that ask for one node port: one gets it', async t => {
  const { servers, state } = await startServers(2)
  for (const [i, { client }] of servers.entries()) await client.create(services, service(`s${i}`, { type: 'NodePort' }))
  const outcomes = await Promise.allSettled(
    servers.map(
      ({ client }, i) =>
      client.patch(services, `s${i}`, { spec: { ports: [{ port: 80, nodePort: 30005 }] } }, { type: 'merge', namespace: 'default' }), // prettier-ignore
    ),
  )
  t.same(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.same(findings(state), [])
})

t.test('one name made by both is there once, and the numbers of the other are free', async t => {
  const { servers, state } = await startServers(2)
  const outcomes = await Promise.allSettled(
    servers.map(({ client }) => client.create(services, service('one', { type: 'NodePort' }))),
  )
  const refused = outcomes.find(outcome => outcome.status === 'rejected')
  t.ok(hasReason(refused?.reason, 'AlreadyExists'))
  t.same(findings(state), [])
})

t.test('a dry run takes nothing', async t => {
  const { servers, state } = await startServers(1)
  const made = await servers[0]?.client.create(services, service('dry', { type: 'NodePort' }), { dryRun: true })
  t.ok(made?.spec?.clusterIP)
  t.same(stored(state, ipAddressPrefix), [])
  t.same(stored(state, nodePortPrefix), [])
})

const names = ['a', 'b', 'c', 'd', 'e', 'f']
const step = fc.record({
  server: fc.nat({ max: 1 }),
  name: fc.constantFrom(...names),
  what: fc.oneof(
    fc.record({
      kind: fc.constantFrom('create' as const, 'update' as const),
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
      policy: fc.constantFrom(undefined, 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
      address: fc.constantFrom(undefined, undefined, undefined, 'None', '10.96.0.5', 'fd00:96::5', '192.0.2.1'),
      port: fc.constantFrom(undefined, undefined, 30001, 30002),
      local: fc.boolean(),
    }),
    fc.constant({ kind: 'delete' as const }),
    // The process is gone with what it had in memory, and another takes its place.
    fc.constant({ kind: 'crash' as const }),
    fc.constant({ kind: 'repair' as const }),
  ),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const specOf = (what: Step['what']): Service['spec'] => {
  if (what.kind !== 'create' && what.kind !== 'update') return {}
  const { type, policy, address, port, local } = what
  const external = type === 'ExternalName'
  return {
    type,
    ...(external ? { externalName: 'example.org' } : {}),
    ports: [{ port: 80, ...(port === undefined || external || type === 'ClusterIP' ? {} : { nodePort: port }) }],
    ...(policy === undefined || external ? {} : { ipFamilyPolicy: policy }),
    ...(address === undefined || external ? {} : { clusterIP: address }),
    ...(type === 'LoadBalancer' && local ? { externalTrafficPolicy: 'Local' } : {}),
  }
}

/** Refusals are answers; whatever is no refusal is a fault. */
const refusals = ['Invalid', 'AlreadyExists', 'NotFound', 'Conflict'] as const

const carryOut = async ({ client, repair }: TestServer, { name, what }: Step): Promise<void> => {
  const where = { namespace: 'default' }
  try {
    if (what.kind === 'create') await client.create(services, service(name, specOf(what)))
    else if (what.kind === 'delete') await client.delete(services, name, where)
    else if (what.kind === 'repair') await repair.run()
    else if (what.kind === 'update') {
      const live = await client.get(services, name, where)
      await client.update(services, { ...live, spec: { ...live.spec, ...specOf(what) } } as Service)
    }
  } catch (error) {
    if (!refusals.some(reason => hasReason(error, reason))) throw error
  }
}

t.test(
  'whatever two servers create, change, delete and repair at once, and whichever crashes: no number is held twice, none is lost',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), async rounds => {
        const { servers, state, another } = await startServers(2, { ...dualStack, random: () => 0.5 })
        for (const round of rounds) {
          for (const { server, what } of round) if (what.kind === 'crash') servers[server] = another()
          await Promise.all(
            round.map(async one => {
              const server = servers[one.server]
              if (server !== undefined) await carryOut(server, one)
            }),
          )
          const found = findings(state)
          if (found.length > 0) throw new Error(found.join('; '))
        }
      }),
      { numRuns: 60 },
    )
  },
)
