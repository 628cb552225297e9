import t from 'tap'
import { steps } from '../../cli/up/progress.ts'
import { SkiffError } from '../../kube/errors.ts'

const recorder = (terminal: boolean) => {
  const written: string[] = []
  return { written, output: { terminal, out: (text: string) => void written.push(text), err: () => {} } }
}

t.test('a step that is done says how long it took', async t => {
  const { written, output } = recorder(false)
  let now = 0
  const step = steps(output, () => (now += 500))
  t.equal(await step('certificates', async () => 7), 7)
  t.strictSame(written, ['✓ certificates (0.50 s)\n'])
})

t.test('on a terminal the step under way is shown, and written over', async t => {
  const { written, output } = recorder(true)
  await steps(output, () => 0)('packages', async () => {})
  t.strictSame(written, ['… packages', '\r\u001B[K✓ packages (0.00 s)\n'])
})

t.test('a step that fails is named in the error, which keeps its code and remedy', async t => {
  const { written, output } = recorder(false)
  const work = () => Promise.reject(new SkiffError('HOST_UNFIT', 'no room', { remedy: 'free some' }))
  await t.rejects(steps(output, () => 0)('host fits', work), {
    code: 'HOST_UNFIT',
    message: 'host fits: no room',
    remedy: 'free some',
  })
  t.strictSame(written, ['✗ host fits\n'])
})
