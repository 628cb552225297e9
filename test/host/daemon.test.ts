import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readOptions, runDaemon, type DaemonEntry } from '../../host/daemon.ts'
import { SkiffError } from '../../kube/errors.ts'
import { numberOption, stringOption } from '../../kube/options.ts'

const table = {
  config: stringOption('config', { default: '', help: 'file' }),
  port: numberOption('port', { config: 'port', default: 1, help: 'port' }),
}

const directory = mkdtempSync(join(tmpdir(), 'skiff-daemon-'))
process.env['SKIFF_JOURNAL_DIR'] = join(directory, 'journal')
t.teardown(() => rmSync(directory, { recursive: true }))

const entry = (start: DaemonEntry<typeof table>['start']): DaemonEntry<typeof table> => ({
  name: 'test-daemon',
  usage: 'Usage: test-daemon [flags]',
  table,
  configFlag: 'config',
  start,
})

const stopped = entry(async () => ({ done: Promise.resolve() }))
const failing = (code: 'INVALID_INPUT' | 'NOT_IMPLEMENTED' | 'UNAVAILABLE') =>
  entry(() => Promise.reject(new SkiffError(code, 'because', { remedy: 'do this' })))

for (const { name, daemon, argv, code } of [
  { name: 'a daemon that stopped as asked exits with 0', daemon: stopped, argv: [], code: 0 },
  { name: 'help is no failure', daemon: failing('UNAVAILABLE'), argv: ['--help'], code: 0 },
  { name: 'an unknown flag is misuse', daemon: stopped, argv: ['--prot', '1'], code: 2 },
  {
    name: 'a config file that is not there is misuse',
    daemon: stopped,
    argv: ['--config', join(directory, 'none')],
    code: 2,
  },
  { name: 'what is wrong with its input is misuse', daemon: failing('INVALID_INPUT'), argv: [], code: 2 },
  { name: 'what is not built is misuse', daemon: failing('NOT_IMPLEMENTED'), argv: [], code: 2 },
  { name: 'what fails otherwise exits with 1', daemon: failing('UNAVAILABLE'), argv: [], code: 1 },
])
  t.test(name, async t => {
    t.equal(await runDaemon(daemon, argv), code)
  })

t.test('flags win over the config file, and the file over defaults', async t => {
  const file = join(directory, 'config.yaml')
  writeFileSync(file, 'port: 7\n')
  t.equal(readOptions(stopped, []).port, 1)
  t.equal(readOptions(stopped, ['--config', file]).port, 7)
  t.equal(readOptions(stopped, ['--config', file, '--port=9']).port, 9)
  writeFileSync(file, 'prot: 7\n')
  t.throws(() => readOptions(stopped, ['--config', file]), { message: `${file}: unknown key prot` })
})
