import t from 'tap'
import {
  countIndexes,
  countShared,
  firstMissing,
  formatIndexList,
  hasIndex,
  indexListOf,
  joinIndexes,
  parseIndexList,
} from '../../../../daemons/controller-manager/job/index-list.ts'
import { backoffLeft, nextBackoff } from '../../../../daemons/controller-manager/job/pod-backoff.ts'
import { isFailureCounted, matchFailurePolicy } from '../../../../daemons/controller-manager/job/pod-failure-policy.ts'
import { matchSuccessPolicy } from '../../../../daemons/controller-manager/job/success-policy.ts'
import { pod } from '../objects.ts'

for (const { indexes, text } of [
  { indexes: [], text: '' },
  { indexes: [3], text: '3' },
  { indexes: [1, 0], text: '0,1' },
  { indexes: [7, 1, 5, 4, 3, 4], text: '1,3-5,7' },
])
  t.test(`the indexes ${JSON.stringify(indexes)} are written ${JSON.stringify(text)} and read again`, async t => {
    const list = indexListOf(indexes)
    t.equal(formatIndexList(list), text)
    t.same(parseIndexList(text, 10), list)
    t.equal(countIndexes(list), new Set(indexes).size)
    for (let i = 0; i < 10; i++) t.equal(hasIndex(list, i), indexes.includes(i))
  })

t.test('indexes past the completions are forgotten', async t => {
  t.equal(formatIndexList(parseIndexList('0,2-8,9', 5)), '0,2-4')
  t.same(parseIndexList('rubbish,-,3-', 5), [])
})

t.test('lists are joined, compared and searched for gaps', async t => {
  const [a, b] = [indexListOf([0, 1, 5, 6]), indexListOf([2, 6, 7])]
  t.equal(formatIndexList(joinIndexes(a, b)), '0-2,5-7')
  t.equal(countShared(a, b), 1)
  t.same(firstMissing(a, 3, 10), [2, 3, 4])
  t.same(firstMissing(a, 9, 8), [2, 3, 4, 7])
  t.same(firstMissing([], 2, 1), [0])
})

const ended = (exitCode: number, name = 'c', conditions: { type: string; status: string }[] = []) => ({
  ...pod('p'),
  status: {
    phase: 'Failed',
    conditions,
    containerStatuses: [
      { name, image: 'v1', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode } } },
    ],
  },
})
const onExitCodes = (operator: string, values: number[], containerName?: string) => ({
  operator,
  values,
  ...(containerName === undefined ? {} : { containerName }),
})
const disrupted = { type: 'DisruptionTarget', status: 'True' }

for (const { name, rules, failed, action, message = '' } of [
  {
    name: 'a listed exit code fails the Job and says where',
    rules: [{ action: 'FailJob', onExitCodes: onExitCodes('In', [42]) }],
    failed: ended(42),
    action: 'FailJob',
    message: 'Container c for pod default/p failed with exit code 42 matching FailJob rule at index 0',
  },
  {
    name: 'a disruption is ignored before exit codes are looked at',
    rules: [
      { action: 'Ignore', onPodConditions: [disrupted] },
      { action: 'FailJob', onExitCodes: onExitCodes('NotIn', [1]) },
    ],
    failed: ended(137, 'c', [disrupted]),
    action: 'Ignore',
  },
  {
    name: 'a condition can fail the Job',
    rules: [{ action: 'FailJob', onPodConditions: [disrupted] }],
    failed: ended(1, 'c', [disrupted]),
    action: 'FailJob',
    message: 'Pod default/p has condition DisruptionTarget matching FailJob rule at index 0',
  },
  {
    name: 'another container is not meant',
    rules: [{ action: 'FailIndex', onExitCodes: onExitCodes('In', [42], 'main') }],
    failed: ended(42, 'side'),
    action: undefined,
  },
  {
    name: 'exit code 0 is no failure, whatever is not listed',
    rules: [{ action: 'FailJob', onExitCodes: onExitCodes('NotIn', [1]) }],
    failed: ended(0),
    action: undefined,
  },
])
  t.test(`failure policy: ${name}`, async t => {
    const found = matchFailurePolicy({ rules }, failed)
    t.equal(found?.action, action)
    t.equal(found?.message ?? '', message)
    t.equal(isFailureCounted({ rules }, failed), action !== 'Ignore')
  })

for (const { rule, succeeded, met } of [
  { rule: { succeededIndexes: '0,2-3' }, succeeded: [0, 2], met: false },
  { rule: { succeededIndexes: '0,2-3' }, succeeded: [0, 2, 3], met: true },
  { rule: { succeededIndexes: '0-4', succeededCount: 2 }, succeeded: [1, 4], met: true },
  { rule: { succeededCount: 3 }, succeeded: [1, 4], met: false },
  { rule: { succeededCount: 2 }, succeeded: [1, 4], met: true },
  { rule: { succeededCount: 0 }, succeeded: [], met: false },
])
  t.test(`success policy ${JSON.stringify(rule)} is ${met ? '' : 'not '}met by ${succeeded.join(', ')}`, async t => {
    const said = matchSuccessPolicy({ rules: [rule] }, 5, indexListOf(succeeded))
    t.equal(said, met ? 'Matched rules at index 0' : undefined)
  })

t.test('waits double with each failure, up to ten minutes, and a success ends them', async t => {
  const at = (name: string, seconds: number) => ({
    ...pod(name),
    status: {
      containerStatuses: [
        {
          name: 'c',
          image: '',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { terminated: { exitCode: 1, finishedAt: new Date(seconds * 1000).toISOString() } },
        },
      ],
    },
  })
  const nowMs = 100_000
  const one = nextBackoff(undefined, { succeeded: [], failed: [at('a', 100)], nowMs })
  t.same([one.failures, backoffLeft(one, nowMs)], [1, 10_000])
  const three = nextBackoff(one, { succeeded: [], failed: [at('b', 101), at('c', 103)], nowMs })
  t.same([three.failures, backoffLeft(three, 104_000)], [3, 39_000])
  t.equal(backoffLeft({ failures: 20, lastFailureMs: nowMs }, nowMs), 600_000)
  const ended = nextBackoff(three, { succeeded: [at('d', 104)], failed: [at('e', 105)], nowMs })
  t.same([ended.failures, backoffLeft(ended, 105_000)], [1, 10_000])
  t.equal(backoffLeft(nextBackoff(three, { succeeded: [at('d', 104)], failed: [], nowMs }), nowMs), 0)
})
