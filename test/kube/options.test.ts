import t from 'tap'
import {
  booleanOption,
  durationOption,
  helpOf,
  listOption,
  numberOption,
  optionsFromConfig,
  optionsFromFlags,
  resolveOptions,
  stringOption,
} from '../../kube/options.ts'

const table = {
  port: numberOption('port', { default: 1, config: 'server.port', help: 'p' }),
  name: stringOption('name', { default: 'x', config: 'name', help: 'n' }),
  deep: booleanOption('deep', { default: false, help: 'd' }),
  list: listOption('list', { default: [], config: 'list', help: 'l' }),
  waitMs: durationOption('wait', { default: 0, config: 'wait', help: 'w' }),
}

for (const { name, argv, gives } of [
  {
    name: 'a value follows its flag or an equals sign',
    argv: ['--port', '7', '--name=a=b'],
    gives: { port: 7, name: 'a=b' },
  },
  { name: 'a boolean needs no value', argv: ['--deep'], gives: { deep: true } },
  { name: 'a boolean may be set to false', argv: ['--deep=false'], gives: { deep: false } },
  { name: 'a list is split at commas', argv: ['--list', 'a,b'], gives: { list: ['a', 'b'] } },
  { name: 'durations are those of Go', argv: ['--wait', '1m30s'], gives: { waitMs: 90_000 } },
])
  t.test(name, async t => {
    t.strictSame(optionsFromFlags(table, argv), gives)
  })

for (const { name, argv, says } of [
  { name: 'an unknown flag fails by name', argv: ['--prot', '7'], says: 'unknown flag: --prot' },
  { name: 'a word that is no flag fails by name', argv: ['seven'], says: 'unexpected argument: seven' },
  { name: 'a flag without its value fails by name', argv: ['--port'], says: '--port needs a value' },
  { name: 'a number that is none fails by name', argv: ['--port', 'x'], says: '--port: "x" is not a number' },
  { name: 'a duration without a unit fails', argv: ['--wait', '5'], says: '--wait: "5" is not a duration' },
])
  t.test(name, async t => {
    t.throws(() => optionsFromFlags(table, argv), { message: new RegExp(says), code: 'INVALID_INPUT' })
  })

t.test('a config file gives nested keys; an unknown one fails by name with the file', async t => {
  t.strictSame(optionsFromConfig(table, { apiVersion: 'v1', kind: 'X', server: { port: 5 }, list: ['q'] }, 'f.yaml'), {
    port: 5,
    list: ['q'],
  })
  t.throws(() => optionsFromConfig(table, { server: { prot: 5 } }, 'f.yaml'), {
    message: 'f.yaml: unknown key server.prot',
  })
})

t.test('flags win over the file, and the file over defaults', async t => {
  t.match(resolveOptions(table, { port: 2, name: 'file' }, { port: 3 }), { port: 3, name: 'file', deep: false })
})

t.test('help names every flag', async t => {
  for (const flag of ['--port', '--name', '--deep', '--list', '--wait']) t.match(helpOf('Usage', table), flag)
})
