import t from 'tap'
import { isTimeZone, nextCronTime, parseCron } from '../../kube/cron.ts'

const times: { name: string; line: string; after: string; next: string | undefined; zone?: string }[] = [
  { name: 'every minute', line: '* * * * *', after: '2026-01-01T00:00:30Z', next: '2026-01-01T00:01:00Z' },
  {
    name: 'a time that has come is past',
    line: '0 3 * * *',
    after: '2026-01-01T03:00:00Z',
    next: '2026-01-02T03:00:00Z',
  },
  { name: 'steps', line: '*/15 * * * *', after: '2026-01-01T00:16:00Z', next: '2026-01-01T00:30:00Z' },
  {
    name: 'a step from a number on',
    line: '50/5 * * * *',
    after: '2026-01-01T00:51:00Z',
    next: '2026-01-01T00:55:00Z',
  },
  { name: 'ranges and lists', line: '0 9-10,14 * * *', after: '2026-01-01T10:30:00Z', next: '2026-01-01T14:00:00Z' },
  {
    name: 'names of months and days',
    line: '0 0 * feb mon',
    after: '2026-01-15T00:00:00Z',
    next: '2026-02-02T00:00:00Z',
  },
  { name: 'a day or a weekday', line: '0 0 13 * fri', after: '2026-01-03T00:00:00Z', next: '2026-01-09T00:00:00Z' },
  { name: 'leap days', line: '0 0 29 2 *', after: '2026-01-01T00:00:00Z', next: '2028-02-29T00:00:00Z' },
  { name: 'days that never come', line: '0 0 30 2 *', after: '2026-01-01T00:00:00Z', next: undefined },
  { name: '@weekly', line: '@weekly', after: '2026-01-01T00:00:00Z', next: '2026-01-04T00:00:00Z' },
  { name: '@every', line: '@every 1h30m', after: '2026-01-01T00:00:10.5Z', next: '2026-01-01T01:30:10Z' },
  {
    name: 'by the clocks of a zone',
    line: '0 3 * * *',
    zone: 'Europe/Berlin',
    after: '2026-07-01T00:00:00Z',
    next: '2026-07-01T01:00:00Z',
  },
  {
    name: 'an hour that the clocks skip does not happen',
    line: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-03-28T12:00:00Z',
    next: '2026-03-30T00:30:00Z',
  },
  {
    name: 'an hour that they show twice happens twice',
    line: '30 2 * * *',
    zone: 'Europe/Berlin',
    after: '2026-10-25T00:30:00Z',
    next: '2026-10-25T01:30:00Z',
  },
]
for (const { name, line, after, next, zone } of times)
  t.test(name, async t => {
    const found = nextCronTime(parseCron(line), Date.parse(after), zone)
    t.equal(found === undefined ? undefined : new Date(found).toISOString().replace('.000', ''), next)
  })

const wrong: [line: string, message: string][] = [
  ['', 'empty spec string'],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
  ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
]
for (const [line, message] of wrong)
  t.test(`${JSON.stringify(line)} is refused`, async t => {
    t.throws(() => parseCron(line), { message, code: 'INVALID_INPUT' })
  })

t.test('zones have names', async t => {
  t.ok(isTimeZone('Europe/Berlin'))
  t.ok(isTimeZone('UTC'))
  t.notOk(isTimeZone('+01:00'))
  t.notOk(isTimeZone('Mars/Olympus'))
})
