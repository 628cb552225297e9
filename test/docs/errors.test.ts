import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')

t.test('docs/errors.md lists exactly the codes that kube/errors.ts has', async t => {
  const union =
    /export type ErrorCode =([\s\S]*?)\n\n/.exec(readFileSync(join(root, 'kube/errors.ts'), 'utf8'))?.[1] ?? ''
  const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map(match => match[1])
  const documented = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
    match => match[1],
  )
  t.ok(codes.length > 5)
  t.strictSame(new Set(documented), new Set(codes))
})
