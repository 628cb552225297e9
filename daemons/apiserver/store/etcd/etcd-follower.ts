import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, SkiffError } from '../../../../kube/errors.ts'
import type { EtcdClient } from './etcd-client.ts'
import type { WatchResponse } from './etcd-messages.ts'
import type { EtcdSpace } from './etcd-space.ts'

export interface Following {
  client: EtcdClient
  space: EtcdSpace
  signal: AbortSignal
  /** The last revision that was taken in. */
  reached(): number
  take(answer: WatchResponse): void
  /** What is next is compacted in etcd: everything is to be read again. */
  readAgain(): Promise<void>
  /** Undefined: it follows again. */
  trouble(text: string | undefined): void
}

type End = { kind: 'compacted' } | { kind: 'ended'; why: string }

/** One watch, from the next revision on, until it ends. */
const watchOnce = ({ client, space, signal, reached, take, trouble }: Following): Promise<End> =>
  new Promise(resolve => {
    const stream = client.watch()
    const cancel = (): void => stream.cancel()
    const end = (how: End): void => {
      signal.removeEventListener('abort', cancel)
      stream.cancel()
      resolve(how)
    }
    signal.addEventListener('abort', cancel, { once: true })
    stream.on('data', (answer: WatchResponse) => {
      if (answer.compactRevision > 0) end({ kind: 'compacted' })
      else if (answer.canceled) end({ kind: 'ended', why: answer.cancelReason })
      else {
        if (answer.created) trouble(undefined)
        take(answer)
      }
    })
    stream.on('error', error => end({ kind: 'ended', why: messageOf(error) }))
    stream.on('end', () => end({ kind: 'ended', why: 'the member closed the watch' }))
    stream.write({ createRequest: { ...space.all, startRevision: reached() + 1, progressNotify: true } })
  })

/** Follows what happens in etcd until the signal aborts, from one member to the next. */
export const follow = async (following: Following): Promise<void> => {
  const { client, signal, reached, trouble } = following
  while (!signal.aborted) {
    const before = reached()
    try {
      const end = await watchOnce(following)
      if (signal.aborted) return
      if (end.kind === 'compacted') {
        await following.readAgain()
        continue
      }
      trouble(end.why)
    } catch (error) {
      trouble(error instanceof SkiffError ? error.message : messageOf(error))
    }
    client.turnAway()
    // One that was of use is followed by the next at once.
    if (reached() === before) await sleep(200, undefined, { signal }).catch(() => {})
  }
}
