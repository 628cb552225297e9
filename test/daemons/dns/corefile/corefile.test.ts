import fc from 'fast-check'
import t from 'tap'
import { SkiffError } from '../../../../kube/errors.ts'
import { parseCorefile } from '../../../../daemons/dns/corefile/parse-corefile.ts'
import { reverseZones } from '../../../../daemons/dns/corefile/zone-key.ts'
import { defaultCorefile } from '../../../../daemons/dns/default-corefile.ts'

const parse = (text: string, extra: { files?: Record<string, string>; env?: Record<string, string> } = {}) =>
  parseCorefile({
    text,
    file: 'Corefile',
    defaultPort: 53,
    ...(extra.env === undefined ? {} : { env: extra.env }),
    readFile: path => {
      const content = extra.files?.[path]
      if (content === undefined) throw new Error(`no file ${path}`)
      return content
    },
  })

void t.test('the built-in Corefile is one block for everything', async t => {
  const [block, ...rest] = parse(defaultCorefile('cluster.local', '10.96.0.10'))
  t.equal(rest.length, 0)
  t.strictSame(block?.keys, [{ zone: '.', port: 53 }])
  t.strictSame(
    block?.directives.map(directive => directive.name),
    ['errors', 'health', 'ready', 'kubernetes', 'prometheus', 'forward', 'cache', 'loop', 'reload', 'loadbalance'],
  )
  t.match(
    block?.directives.find(directive => directive.name === 'kubernetes'),
    {
      args: ['cluster.local', 'in-addr.arpa', 'ip6.arpa'],
      body: [{ name: 'pods', args: ['insecure'] }, { name: 'fallthrough' }, { name: 'ttl', args: ['30'] }],
    },
  )
})

void t.test('a block may have several zones, ports and CIDRs', async t => {
  const keys = (text: string) => parse(`${text} {\n}\n`)[0]?.keys.map(({ zone, port }) => `${zone}:${port}`)
  t.strictSame(keys('Example.org, example.com:1053 dns://a.b:54'), ['example.org.:53', 'example.com.:1053', 'a.b.:54'])
  t.strictSame(keys('example.org,\nexample.com'), ['example.org.:53', 'example.com.:53'])
  t.strictSame(keys('10.1.0.0/16'), ['1.10.in-addr.arpa.:53'])
  t.strictSame(keys(':1053'), ['.:1053'])
})

void t.test('a prefix that ends within a label becomes as many zones as it takes', async t => {
  t.strictSame(reverseZones('10.4.0.0/15'), ['4.10.in-addr.arpa.', '5.10.in-addr.arpa.'])
  t.strictSame(reverseZones('fd00:10::/32'), ['0.1.0.0.0.0.d.f.ip6.arpa.'])
})

void t.test('comments, quotes and the environment', async t => {
  const [block] = parse('. { # all\n  log . "{remote} # {name}" # said\n  bind {$IP}\n}\n', {
    env: { IP: '127.0.0.1' },
  })
  t.match(block?.directives, [
    { name: 'log', args: ['.', '{remote} # {name}'], line: 2 },
    { name: 'bind', args: ['127.0.0.1'], line: 3 },
  ])
})

void t.test('a file without braces is one block', async t => {
  t.match(parse('example.org:1053\nerrors\ncache 30\n'), [
    { keys: [{ zone: 'example.org.', port: 1053 }], directives: [{ name: 'errors' }, { name: 'cache', args: ['30'] }] },
  ])
})

void t.test('snippets and files are put where they are imported, and keep their own lines', async t => {
  const blocks = parse('(base) {\n  errors\n  cache 30\n}\na {\n  import base\n}\nimport more.conf\n', {
    files: { 'more.conf': '\nb {\n  log\n}\n' },
  })
  t.match(blocks, [
    {
      keys: [{ zone: 'a.' }],
      directives: [
        { name: 'errors', line: 2 },
        { name: 'cache', line: 3 },
      ],
    },
    { keys: [{ zone: 'b.' }], directives: [{ name: 'log', file: 'more.conf', line: 3 }] },
  ])
})

for (const { name, text, message } of [
  { name: 'a brace that is not closed', text: '. {\n  errors\n', message: /^Corefile:1: the \{ of \. is not closed/ },
  { name: 'a brace too many', text: '. {\n}\n}\n', message: /^Corefile:3: / },
  { name: 'a quote that is not closed', text: '. {\n  log "x\n}\n', message: /^Corefile:2: a quote/ },
  { name: 'a zone twice', text: 'a {\n}\nA. {\n}\n', message: /^Corefile:3: .*line 1/ },
  { name: 'an import of nothing', text: '. {\n  import nothing\n}\n', message: /^Corefile:2: import nothing/ },
  { name: 'an import of itself', text: '(a) {\n  import a\n}\n. {\n  import a\n}\n', message: /more than 100 imports/ },
  { name: 'a CIDR that is none', text: '10.0.0.0/99 {\n}\n', message: /^Corefile:1: / },
  { name: 'a port that is none', text: '.:99999 {\n}\n', message: /no port/ },
  { name: 'a scheme that is not built', text: 'tls://. {\n}\n', message: /not implemented, Corefile:1/ },
])
  void t.test(`${name} is an error with its line`, async t => {
    t.throws(() => parse(text), { message })
  })

void t.test('whatever the text, there are blocks or a coded error', async () => {
  const word = fc.constantFrom('{', '}', '\n', ' ', '#', '"', 'import', '(a)', 'a', '.', ':53', 'errors', '\\', ',')
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), words => {
      try {
        return Array.isArray(parse(words.join('')))
      } catch (error) {
        return error instanceof SkiffError
      }
    }),
    { numRuns: 2000 },
  )
})
