import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js'
import type { AdmissionReader } from '../admission/plugin.ts'
import { type Attributes, resourceText } from '../auth/attributes.ts'
import type { UserInfo } from '../auth/user-info.ts'
import { type Draft, draftOf } from '../kinds/draft.ts'
import { flowSchemas, priorityLevels } from '../registry/flow-control-objects.ts'
import type { Store } from '../store/store.ts'
import { byPrecedence, matchesFlow, namesNamespaces } from './match-flow.ts'
import { type LevelRow, levelRowOf, PriorityLevel, seatLimits } from './priority-level.ts'
import { SeatPool } from './seat-pool.ts'

const group = 'flowcontrol.apiserver.k8s.io'

export const flowControlPrefixes = ['flowschemas', 'prioritylevelconfigurations'].map(
  plural => `/registry/${group}/${plural}/`,
)

/** Upstream's: a quarter of the minute that a request may take. */
const waitLimitMs = 15_000
/** What a user asks for has few shapes; paths that somebody invents must not stay. */
const maxCached = 512

/** Why a request was not let in. */
export type Rejection = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled'

/** Requests are told apart by flow schema, and counted so. */
export interface Flow {
  schema: string
  level: PriorityLevel
  distinguisher: 'ByUser' | 'ByNamespace' | undefined
  /** Of its answers. */
  headers: Readonly<Record<string, string>>
  counts: FlowCounts
}

export interface FlowCounts {
  schema: string
  level: string
  dispatched: number
  executing: number
  inQueue: number
  rejected: Map<Rejection, number>
}

export class TooManyRequests extends Error {
  override readonly name = 'TooManyRequests'
  readonly rejection: Rejection
  constructor(rejection: Rejection) {
    super('Too many requests, please try again later.')
    this.rejection = rejection
  }
}

export interface FlowControllerOptions {
  store: Store
  reader: AdmissionReader
  /** --max-requests-inflight and --max-mutating-requests-inflight together. */
  seats: number
  /** Told how long a request has waited, and whether it was let in. */
  onWaited?(flow: Flow, seconds: number, executed: boolean): void
}

interface Rules {
  schemas: readonly { object: Draft<FlowSchema>; flow: Flow }[]
  byNamespace: boolean
  cache: WeakMap<UserInfo, Map<string, Flow>>
}

/**
 * API Priority and Fairness (KEP-1040): which requests are carried out now, which wait, and which are refused. On the way
 * that has room, it is a look into a map and three counters.
 */
export class FlowController {
  readonly #options: FlowControllerOptions
  readonly #pool = new SeatPool()
  readonly #levels = new Map<string, PriorityLevel>()
  readonly #counts = new Map<string, FlowCounts>()
  #rules: Rules = { schemas: [], byNamespace: false, cache: new WeakMap() }
  #reloading = false
  constructor(options: FlowControllerOptions) {
    this.#options = options
    this.#load()
  }

  /** Follows the stored objects until what it returns is called. */
  start(): () => void {
    this.#load()
    const { store } = this.#options
    const stops = flowControlPrefixes.map(prefix => store.watch(prefix, store.revision, () => this.#loadSoon()))
    return () => stops.forEach(stop => stop())
  }

  get levels(): Iterable<PriorityLevel> {
    return this.#levels.values()
  }

  get counts(): Iterable<FlowCounts> {
    return this.#counts.values()
  }

  classify(user: UserInfo, wanted: Attributes): Flow {
    const rules = this.#rules
    const key =
      wanted.kind === 'path'
        ? `${wanted.verb} ${wanted.path}`
        : `${wanted.verb} ${wanted.group}/${resourceText(wanted)} ${rules.byNamespace ? wanted.namespace : wanted.namespace !== ''}`
    let known = rules.cache.get(user)
    if (known === undefined) rules.cache.set(user, (known = new Map()))
    let flow = known.get(key)
    if (flow === undefined) {
      if (known.size >= maxCached) known.clear()
      flow = this.#find(user, wanted)
      known.set(key, flow)
    }
    return flow
  }

  #find(user: UserInfo, wanted: Attributes): Flow {
    const { schemas } = this.#rules
    const found = schemas.find(({ object }) => matchesFlow(object, user, wanted)) ?? schemas.at(-1)
    if (found === undefined) throw new Error('there are no flow schemas')
    return found.flow
  }

  /**
   * Takes a seat for a request, or a place in a queue: undefined where it may go on at once, else a promise of when. Then
   * `end` must be called. Throws or rejects with TooManyRequests. `onGone`: calls back when nobody waits for the answer.
   */
  begin(
    flow: Flow,
    { user, wanted }: { user: UserInfo; wanted: Attributes },
    onGone: (gone: () => void) => void,
  ): Promise<void> | undefined {
    const { level, counts } = flow
    if (this.#pool.tryTake(level)) {
      counts.dispatched++
      counts.executing++
      return undefined
    }
    if (level.queues === undefined) throw this.#reject(flow, 'concurrency-limit')
    return this.#wait(flow, this.#flowOf(flow, user, wanted), onGone)
  }

  end({ level, counts }: Flow): void {
    counts.executing--
    this.#pool.release(level)
  }

  #flowOf({ schema, distinguisher }: Flow, user: UserInfo, wanted: Attributes): string {
    const by =
      distinguisher === 'ByUser'
        ? user.name
        : distinguisher === 'ByNamespace' && wanted.kind === 'resource'
          ? wanted.namespace
          : ''
    return `${schema}\0${by}`
  }

  #wait(flow: Flow, name: string, onGone: (gone: () => void) => void): Promise<void> {
    const { level, counts } = flow
    const began = performance.now()
    return new Promise<void>((resolve, reject) => {
      const done = (executed: boolean): void => {
        clearTimeout(timer)
        counts.inQueue--
        this.#options.onWaited?.(flow, (performance.now() - began) / 1000, executed)
      }
      let over = false
      const leave = level.queues?.add(name, {
        start: () => {
          over = true
          done(true)
          counts.dispatched++
          counts.executing++
          resolve()
        },
      })
      if (leave === undefined) return reject(this.#reject(flow, 'queue-full'))
      counts.inQueue++
      const giveUp = (why: Rejection) => (): void => {
        if (over) return
        over = true
        leave()
        done(false)
        reject(this.#reject(flow, why))
      }
      const timer = setTimeout(giveUp('time-out'), waitLimitMs)
      timer.unref()
      onGone(giveUp('cancelled'))
    })
  }

  #reject({ counts }: Flow, why: Rejection): TooManyRequests {
    counts.rejected.set(why, (counts.rejected.get(why) ?? 0) + 1)
    return new TooManyRequests(why)
  }

  #loadSoon(): void {
    if (this.#reloading) return
    this.#reloading = true
    // Not within the commit that tells of it, and once for all that come together.
    setImmediate(() => {
      this.#reloading = false
      this.#load()
    })
  }

  /** What is stored; where something that must be there is not, upstream's own. */
  #stored<T>(plural: string, own: readonly object[]): Draft<T>[] {
    const stored = this.#options.reader.list(group, plural)
    const names = new Set(stored.map(({ metadata }) => metadata?.name))
    const mandatory = (own as readonly { metadata: { name: string } }[]).filter(
      ({ metadata }) => ['exempt', 'catch-all'].includes(metadata.name) && !names.has(metadata.name),
    )
    return [...stored.map(object => draftOf<T>(object)), ...(mandatory as unknown as Draft<T>[])]
  }

  #load(): void {
    this.#loadLevels(
      this.#stored<PriorityLevelConfiguration>('prioritylevelconfigurations', priorityLevels).map(levelRowOf),
    )
    const schemas = this.#stored<FlowSchema>('flowschemas', flowSchemas)
      .sort(byPrecedence)
      .flatMap(object => {
        // One that names a level that is not there is passed over (condition Dangling).
        const level = this.#levels.get(object.spec?.priorityLevelConfiguration?.name ?? '')
        return level === undefined || level.gone ? [] : { object, flow: this.#makeFlow(object, level) }
      })
    this.#rules = {
      schemas,
      byNamespace: schemas.some(({ object }) => namesNamespaces(object)),
      cache: new WeakMap(),
    }
  }

  #loadLevels(rows: readonly LevelRow[]): void {
    const shares = rows.reduce((sum, row) => sum + row.shares, 0)
    const names = new Set(rows.map(row => row.name))
    for (const row of rows) {
      const limits = seatLimits(row, this.#options.seats, shares)
      const level = this.#levels.get(row.name)
      if (level === undefined) this.#levels.set(row.name, new PriorityLevel(row, limits))
      else level.change(row, limits)
    }
    // What is gone goes on until nobody waits in it.
    for (const [name, level] of this.#levels) {
      level.gone = !names.has(name)
      if (level.gone && level.isIdle) this.#levels.delete(name)
    }
    this.#pool.setLevels([...this.#levels.values()])
  }

  #makeFlow({ metadata, spec }: Draft<FlowSchema>, level: PriorityLevel): Flow {
    const { name = '', uid = '' } = metadata ?? {}
    const key = `${name}\0${level.row.name}`
    let counts = this.#counts.get(key)
    if (counts === undefined) {
      counts = { schema: name, level: level.row.name, dispatched: 0, executing: 0, inQueue: 0, rejected: new Map() }
      this.#counts.set(key, counts)
    }
    const type = spec?.distinguisherMethod?.type
    return {
      schema: name,
      level,
      distinguisher: type === 'ByUser' || type === 'ByNamespace' ? type : undefined,
      headers: { 'x-kubernetes-pf-flowschema-uid': uid, 'x-kubernetes-pf-prioritylevel-uid': level.row.uid },
      counts,
    }
  }
}
