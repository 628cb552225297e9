import { pino } from 'pino'
import type { Test } from 'tap'
import { FakeClock } from '../../../host/clock-fake.ts'
import { FakeJournal } from '../../../host/journal.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import type { KubeObject } from '../../../kube/object.ts'
import { options } from '../../../daemons/controller-manager/options.ts'
import { start, type RunningControllerManager } from '../../../daemons/controller-manager/start.ts'
import { resolveOptions } from '../../../kube/options.ts'

export interface Harness {
  client: FakeClient
  clock: FakeClock
  manager: RunningControllerManager
  /** Lets everything that can happen now happen; failed work is tried again within it. */
  settle(): Promise<void>
  stop(): Promise<void>
}

/** The controllers named, over a fake API and a clock that stands still. */
export const runControllers = async (
  t: Pick<Test, 'teardown'>,
  names: readonly string[],
  objects: readonly KubeObject[] = [],
  overrides: Record<string, unknown> = {},
  prepare: (client: FakeClient) => void = () => {},
): Promise<Harness> => {
  const clock = new FakeClock()
  const client = new FakeClient().useClock(clock)
  for (const object of objects) client.set(object)
  prepare(client)
  const stop = new AbortController()
  const resolved = { ...resolveOptions(options), controllers: names, securePort: 0, ...overrides }
  const context = { signal: stop.signal, log: pino({ level: 'silent' }), journal: new FakeJournal(), client, clock }
  const manager = await start(resolved, context)
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) await clock.advance(5)
  }
  const end = async (): Promise<void> => {
    stop.abort(new Error('the test is over'))
    await manager.done
  }
  t.teardown(end)
  await settle()
  return { client, clock, manager, settle, stop: end }
}
