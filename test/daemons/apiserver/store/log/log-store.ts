import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { LmdbStore, type LmdbStoreOptions } from '../../../../../daemons/apiserver/store/lmdb-store.ts'
import { FakeClock } from '../../../../../host/clock-fake.ts'

export const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-log-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

export const openStore = (directory: string, more: Partial<LmdbStoreOptions> = {}): Promise<LmdbStore> =>
  LmdbStore.open({ directory, clock: new FakeClock(), signal: new AbortController().signal, ...more })

/** The names of the pods, in order. */
export const podsOf = (store: LmdbStore): string[] =>
  store.range({ prefix: '/registry/core/pods/' }).entries.map(({ key }) => key.split('/').at(-1) ?? '')
