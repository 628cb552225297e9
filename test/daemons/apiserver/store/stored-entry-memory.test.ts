import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = fileURLToPath(new URL('./store-memory.js', import.meta.url))

for (const count of [1000, 8000])
  void t.test(`of ${count} objects of 2 KB each takes at most three times its size in memory`, async t => {
    const child = spawnSync(process.execPath, ['--expose-gc', script, String(count)], { encoding: 'utf8' })
    t.equal(child.status, 0, child.stderr)
    const { size, perObject } = JSON.parse(child.stdout) as { size: number; perObject: number }
    t.ok(size > 1900 && size < 2200, `${size} bytes of JSON`)
    t.ok(perObject > size && perObject < 3 * size, `${perObject} bytes in memory`)
  })
