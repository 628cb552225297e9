import t from 'tap'
import {
  planCollect,
  planFinalize,
  type OwnerState,
} from '../../../../daemons/controller-manager/garbage-collector/collect-plan.ts'

const owner = (state: OwnerState, uid: string = state) => ({
  reference: { apiVersion: 'v1', kind: 'X', name: uid, uid },
  state,
})

for (const { name, owners, finalizers = [], hasDependents = false, plan } of [
  { name: 'an object without owners stays', owners: [], plan: { kind: 'none' } },
  { name: 'an owner that stands keeps it', owners: [owner('solid')], plan: { kind: 'none' } },
  {
    name: 'with one owner left the others are taken off',
    owners: [owner('solid'), owner('absent'), owner('waiting')],
    plan: { kind: 'release', uids: ['absent', 'waiting'] },
  },
  { name: 'with no owner left it goes', owners: [owner('absent')], plan: { kind: 'delete', policy: 'Background' } },
  {
    name: 'as its own finalizers ask',
    owners: [owner('absent')],
    finalizers: ['orphan'],
    plan: { kind: 'delete', policy: 'Orphan' },
  },
  {
    name: 'an owner that waits, and dependents of its own: in the foreground',
    owners: [owner('waiting')],
    hasDependents: true,
    plan: { kind: 'delete', policy: 'Foreground', unblock: true },
  },
  {
    name: 'an owner that waits, without dependents: in the background',
    owners: [owner('waiting')],
    plan: { kind: 'delete', policy: 'Background' },
  },
])
  t.test(name, async t => {
    t.match(planCollect({ isDeleting: false, owners, finalizers, hasDependents }), plan)
    t.same(planCollect({ isDeleting: true, owners, finalizers, hasDependents }), { kind: 'none' })
  })

for (const { name, finalizers, isDeleting = true, blocking = 0, plan } of [
  { name: 'an object that stays asks for nothing', finalizers: ['orphan'], isDeleting: false, plan: 'none' },
  { name: 'orphan: dependents lose the owner', finalizers: ['orphan'], plan: 'orphan-dependents' },
  {
    name: 'foreground: dependents go first',
    finalizers: ['foregroundDeletion'],
    blocking: 2,
    plan: 'delete-dependents',
  },
  { name: 'foreground: with none left it goes', finalizers: ['foregroundDeletion'], plan: 'finish-foreground' },
  { name: "others' finalizers are others' matter", finalizers: ['example.com/x'], plan: 'none' },
])
  t.test(name, async t => {
    t.equal(planFinalize({ isDeleting, finalizers }, blocking), plan)
  })
