import t from 'tap'
import { planNodeRules, type CurrentRules } from '../../../../daemons/kubelet/network/node-rules.ts'

const input = {
  podCidr: '10.244.1.0/24',
  clusterCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
  nodeAddresses: ['192.168.0.11', '192.168.0.10'],
}
const bare: CurrentRules = {
  forward: '-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n',
  skiffForward: undefined,
  postrouting: '-P POSTROUTING ACCEPT\n',
  skiffPostrouting: undefined,
}
const inPlace: CurrentRules = {
  forward: '-P FORWARD DROP\n-A FORWARD -j SKIFF-FORWARD\n',
  skiffForward:
    '-N SKIFF-FORWARD\n-A SKIFF-FORWARD -d 10.96.0.0/16 -j RETURN\n-A SKIFF-FORWARD -s 10.244.1.0/24 -j ACCEPT\n-A SKIFF-FORWARD -d 10.244.1.0/24 -j ACCEPT\n',
  postrouting: '-P POSTROUTING ACCEPT\n-A POSTROUTING -j SKIFF-POSTROUTING\n',
  skiffPostrouting: [
    '-N SKIFF-POSTROUTING',
    '-A SKIFF-POSTROUTING -d 192.168.0.10/32 -j RETURN',
    '-A SKIFF-POSTROUTING -d 192.168.0.11/32 -j RETURN',
    '-A SKIFF-POSTROUTING -s 10.244.1.0/24 ! -d 10.244.0.0/16 -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully',
    '',
  ].join('\n'),
}

void t.test('on a bare node both chains and both jumps are made in one restore', async t => {
  t.equal(
    planNodeRules(input, bare),
    `*nat
:SKIFF-POSTROUTING - [0:0]
-A SKIFF-POSTROUTING -d 192.168.0.10/32 -j RETURN
-A SKIFF-POSTROUTING -d 192.168.0.11/32 -j RETURN
-A SKIFF-POSTROUTING -s 10.244.1.0/24 ! -d 10.244.0.0/16 -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully
-I POSTROUTING 1 -j SKIFF-POSTROUTING
COMMIT
*filter
:SKIFF-FORWARD - [0:0]
-A SKIFF-FORWARD -d 10.96.0.0/16 -j RETURN
-A SKIFF-FORWARD -s 10.244.1.0/24 -j ACCEPT
-A SKIFF-FORWARD -d 10.244.1.0/24 -j ACCEPT
-I FORWARD 1 -j SKIFF-FORWARD
COMMIT
`,
  )
})

void t.test('rules in place need nothing', async t => t.equal(planNodeRules(input, inPlace), ''))

void t.test('what another program inserted before the jump may stay unless it drops', async t => {
  t.equal(planNodeRules(input, { ...inPlace, forward: '-A FORWARD -j DOCKER-USER\n-A FORWARD -j SKIFF-FORWARD\n' }), '')
  t.match(
    planNodeRules(input, { ...inPlace, forward: '-A FORWARD -i x -j DROP\n-A FORWARD -j SKIFF-FORWARD\n' }),
    /^\*filter\n-D FORWARD -j SKIFF-FORWARD\n-I FORWARD 1 -j SKIFF-FORWARD\nCOMMIT\n$/,
  )
})

void t.test('a flushed chain is filled again without touching the jump', async t => {
  t.match(
    planNodeRules(input, { ...inPlace, skiffForward: '-N SKIFF-FORWARD\n' }),
    /^\*filter\n:SKIFF-FORWARD - \[0:0\]\n-A .*\n-A .*\n-A .*\nCOMMIT\n$/,
  )
})
