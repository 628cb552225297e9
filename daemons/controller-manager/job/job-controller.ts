import type { Job, JobStatus } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { objectKey } from '../../../kube/object.ts'
import { jobs, pods } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { claimPods } from '../claim-pods.ts'
import { timestamp, type ControllerContext, type StartController } from '../controller-context.ts'
import { Expectations } from '../expectations.ts'
import { controllerOf, controllerReference, isDeleting } from '../owner.ts'
import { isJobFinished, isSuspended } from './job-conditions.ts'
import { planJob, type JobPlan } from './job-plan.ts'
import { isTracked, trackingFinalizer, uidOf } from './job-pods.ts'
import { JobPodWrites, releasePod, type Done } from './job-pod-writes.ts'
import {
  completionVerdict,
  finishedStatus,
  finishEvents,
  planJobStatus,
  settleUncounted,
  type Outcome,
} from './job-status.ts'
import { viewJob, type JobView } from './job-view.ts'
import type { BackoffRecord } from './pod-backoff.ts'

/** Another controller runs a Job that names one. */
const isOurs = (job: Job): boolean =>
  (job.spec?.managedBy ?? 'kubernetes.io/job-controller') === 'kubernetes.io/job-controller'

/** Nobody counts a pod of this Job any more; those of another controller's Job are that one's to count. */
const isUncounted = (job: Job | undefined): boolean => job === undefined || (isOurs(job) && isJobFinished(job))

const versionOf = (job: Job): bigint => BigInt(job.metadata?.resourceVersion ?? 0)

const outcomeOf = (view: JobView, { verdict, action }: JobPlan, done: Done): Outcome => {
  const active = view.active.length + done.active
  const managed = verdict === undefined && view.settled && !isDeleting(view.job)
  // While a pod could not be deleted, or may be there unseen, nothing is said of the end.
  const certain = done.failed === 0 && view.settled
  const ending = verdict === undefined ? completionVerdict(view, active) : certain ? verdict : undefined
  return {
    active,
    ready: Math.max(0, view.ready + done.ready),
    terminating: view.terminating + done.terminating,
    verdict: ending,
    managed: managed && ending === undefined && action.kind !== 'end',
  }
}

class JobController {
  readonly #context: ControllerContext
  readonly #expectations: Expectations
  readonly #writes: JobPodWrites
  readonly #recorder
  readonly #backoffs = new Map<string, BackoffRecord>()
  /** The version of each Job that was written last: one that is older says too little of pods already let go. */
  readonly #written = new Map<string, bigint>()
  /** Uids of pods whose finalizer was taken off, until the cache shows it. */
  readonly #released = new Set<string>()

  constructor(context: ControllerContext) {
    this.#context = context
    this.#expectations = new Expectations(context.clock)
    this.#writes = new JobPodWrites(context, this.#expectations)
    this.#recorder = context.recorder('job-controller')
  }

  start(): void {
    const { informers } = this.#context
    const queue = this.#context.startQueue('job', 5, async key => {
      const again = await this.#sync(key)
      if (again !== undefined) queue.addAfter(key, again)
    })
    const orphans = this.#context.startQueue('job_orphan_pod', 1, key => this.#releaseOrphan(key))
    informers.of(jobs).subscribe({
      added: job => queue.add(objectKey(job)),
      updated: job => queue.add(objectKey(job)),
      deleted: job => {
        this.#forget(objectKey(job))
        for (const pod of informers.of(pods).byIndex('controller', job.metadata?.uid ?? ''))
          if (isTracked(pod)) orphans.add(objectKey(pod))
      },
    })
    const enqueue = (pod: Pod): void => {
      const job = this.#ownerOf(pod)
      if (job !== undefined) queue.add(objectKey(job))
      // Nobody counts it any more: its finalizer must not hold it for ever.
      if (isTracked(pod) && isUncounted(job)) orphans.add(objectKey(pod))
      if (job !== undefined || controllerOf(pod) !== undefined) return
      for (const other of informers.of(jobs).byIndex('namespace', pod.metadata?.namespace ?? ''))
        if (matchLabelSelector(other.spec?.selector, pod.metadata?.labels)) queue.add(objectKey(other))
    }
    informers.of(pods).subscribe({
      added: pod => {
        const job = this.#ownerOf(pod)
        if (job !== undefined && !isDeleting(pod)) this.#expectations.creationSeen(objectKey(job))
        enqueue(pod)
      },
      updated: (pod, old) => {
        if (!isTracked(pod)) this.#released.delete(uidOf(pod))
        if (isDeleting(pod)) this.#deletionSeen(pod)
        if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) enqueue(old)
        enqueue(pod)
      },
      deleted: pod => {
        this.#released.delete(uidOf(pod))
        this.#deletionSeen(pod)
        const job = this.#ownerOf(pod)
        if (job !== undefined) queue.add(objectKey(job))
      },
    })
  }

  #deletionSeen(pod: Pod): void {
    const job = this.#ownerOf(pod)
    if (job !== undefined) this.#expectations.deletionSeen(objectKey(job), objectKey(pod))
  }

  #forget(key: string): void {
    this.#backoffs.delete(key)
    this.#written.delete(key)
    this.#expectations.forget(key)
  }

  #ownerOf(pod: Pod): Job | undefined {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'Job') return undefined
    const job = this.#context.informers.of(jobs).get(`${pod.metadata?.namespace}/${owner.name}`)
    return job?.metadata?.uid === owner.uid ? job : undefined
  }

  async #releaseOrphan(key: string): Promise<void> {
    const pod = this.#context.informers.of(pods).get(key)
    if (pod === undefined || !isTracked(pod)) return
    const job = this.#ownerOf(pod)
    if (isUncounted(job)) await releasePod(this.#context, pod)
  }

  /** Gives the milliseconds after which to look again, when the time alone will change something. */
  async #sync(key: string): Promise<number | undefined> {
    const { informers, clock } = this.#context
    const job = informers.of(jobs).get(key)
    if (job === undefined || isJobFinished(job)) this.#forget(key)
    if (job === undefined || isJobFinished(job) || !isOurs(job)) return undefined
    // The cache is late: the version that was written is on its way and comes back here.
    if (versionOf(job) < (this.#written.get(key) ?? 0n)) return undefined
    const settled = this.#expectations.satisfied(key)
    const nowMs = clock.now()
    // The deadline counts from the first pass, whether its status is written yet or not.
    const started = isSuspended(job) ? job : { ...job, status: { startTime: timestamp(nowMs), ...job.status } }
    const view = viewJob({
      job: started,
      pods: await this.#claimPods(job),
      released: this.#released,
      settled,
      backoff: this.#backoffs.get(key),
      nowMs,
    })
    const plan = planJob(view)
    const done = await this.#writes.carryOut(job, plan.action)
    await this.#account(job, view, outcomeOf(view, plan, done))
    if (done.error !== undefined) throw done.error
    return plan.againMs
  }

  /** Writes the status, takes the finalizers off, and writes what follows from that. */
  async #account(job: Job, view: JobView, outcome: Outcome): Promise<void> {
    const plan = planJobStatus(view, outcome)
    for (const [type, reason, message] of plan.events) this.#recorder.event(job, type, reason, message)
    let latest = await this.#writeStatus(job, plan.status)
    this.#backoffs.set(objectKey(job), view.nextBackoff)
    const tracked = new Set(view.tracked.map(uidOf))
    const failures = await this.#release(plan.release, tracked)
    let status = settleUncounted(plan.status, tracked)
    const finished = failures.length > 0 ? undefined : finishedStatus(status, plan.final, view.nowMs)
    status = finished ?? status
    latest = await this.#writeStatus(latest, status)
    if (failures.length > 0) throw failures[0]
    if (finished !== undefined && plan.final !== undefined)
      for (const [type, reason, message] of finishEvents(job, finished, plan.final))
        this.#recorder.event(latest, type, reason, message)
  }

  /** The Job as it stands after it. */
  async #writeStatus(job: Job, status: JobStatus): Promise<Job> {
    if (isDeepStrictEqual(status, job.status)) return job
    const { client, signal } = this.#context
    const written = await client.update(jobs, { ...job, status }, { subresource: 'status', signal })
    this.#written.set(objectKey(job), versionOf(written))
    return written
  }

  /** Takes the uids of pods that are let go out of `tracked`; gives what failed. */
  async #release(release: readonly Pod[], tracked: Set<string>): Promise<unknown[]> {
    const results = await Promise.allSettled(
      release.map(async pod => {
        this.#released.add(uidOf(pod))
        try {
          await releasePod(this.#context, pod)
          tracked.delete(uidOf(pod))
        } catch (error) {
          this.#released.delete(uidOf(pod))
          throw error
        }
      }),
    )
    return results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  }

  #claimPods(job: Job): Promise<Pod[]> {
    const selected = (pod: Pod) => matchLabelSelector(job.spec?.selector, pod.metadata?.labels)
    const adopt = ({ metadata: { ownerReferences = [], finalizers = [], resourceVersion } = {} }: Pod) => ({
      metadata: {
        resourceVersion,
        ownerReferences: [...ownerReferences, controllerReference(job, jobs)],
        finalizers: [...new Set([...finalizers, trackingFinalizer])],
      },
    })
    const release = ({ metadata: { ownerReferences = [], finalizers = [], resourceVersion } = {} }: Pod) => ({
      metadata: {
        resourceVersion,
        ownerReferences: ownerReferences.filter(({ uid }) => uid !== job.metadata?.uid),
        finalizers: finalizers.filter(finalizer => finalizer !== trackingFinalizer),
      },
    })
    return claimPods(this.#context, job, { resource: jobs, selected, adopt, release })
  }
}

export const startJobController: StartController = context => new JobController(context).start()
