import t from 'tap'
import fc from 'fast-check'
import { renderNginxWord } from '../../../daemons/ingress/nginx/directive.ts'
import { configure, ingress, rule, to } from './cluster.ts'

const locations = (text: string): string[] => [...text.matchAll(/location (.*) \{/g)].map(match => match[1] ?? '')

t.test('golden: a host with three kinds of paths', async t => {
  const { text, problems } = configure([
    ingress('web', {
      rules: [rule('web.example', ['/', 'Prefix', 'a'], ['/api', 'Prefix', 'b'], ['/one', 'Exact', 'none'])],
    }),
  ])
  t.same(problems, [])
  t.equal(
    text.slice(text.indexOf('  upstream')),
    `  upstream default-a-80 {
    server 10.244.0.3:8080 max_fails=0;
    server 10.244.0.4:8080 max_fails=0;
    keepalive 32;
  }
  upstream default-b-80 {
    server 10.244.0.5:8080 max_fails=0;
    keepalive 32;
  }
  server {
    server_name _;
    listen 0.0.0.0:80 default_server;
    location / {
      return 404;
    }
  }
  server {
    server_name web.example;
    listen 0.0.0.0:80;
    location = /one {
      return 503;
    }
    location = /api {
      client_max_body_size 1m;
      proxy_connect_timeout 5s;
      proxy_read_timeout 60s;
      proxy_send_timeout 60s;
      proxy_pass http://default-b-80;
    }
    location /api/ {
      client_max_body_size 1m;
      proxy_connect_timeout 5s;
      proxy_read_timeout 60s;
      proxy_send_timeout 60s;
      proxy_pass http://default-b-80;
    }
    location / {
      client_max_body_size 1m;
      proxy_connect_timeout 5s;
      proxy_read_timeout 60s;
      proxy_send_timeout 60s;
      proxy_pass http://default-a-80;
    }
  }
}
`,
  )
})

const pathCases: { name: string; paths: [string, string, string][]; locations: string[] }[] = [
  { name: 'Prefix /foo is /foo and all below it', paths: [['/foo', 'Prefix', 'a']], locations: ['= /foo', '/foo/'] },
  { name: 'Prefix ignores a slash at the end', paths: [['/foo/', 'Prefix', 'a']], locations: ['= /foo', '/foo/'] },
  { name: 'Exact is the path alone', paths: [['/foo', 'Exact', 'a']], locations: ['= /foo'] },
  { name: 'ImplementationSpecific begins so', paths: [['/foo', 'ImplementationSpecific', 'a']], locations: ['/foo'] },
  {
    name: 'Exact wins over the same Prefix',
    paths: [
      ['/foo', 'Prefix', 'b'],
      ['/foo', 'Exact', 'a'],
    ],
    locations: ['= /foo', '/foo/'],
  },
]
for (const { name, paths, locations: wanted } of pathCases)
  t.test(name, async t => {
    const { text } = configure([ingress('x', { rules: [rule('h.example', ...paths)] })])
    t.same(
      locations(text).filter(location => location !== '/'),
      wanted,
    )
  })

t.test('a wildcard host stands for one label', async t => {
  const { text } = configure([ingress('x', { rules: [rule('*.foo.example', ['/', 'Prefix', 'a'])] })])
  t.match(text, 'server_name "~^[^.]+\\\\.foo\\\\.example$";')
})

t.test('TLS opens the HTTPS port for all hosts, with SNI, and sends HTTP there', async t => {
  const secure = ingress('s', {
    tls: [{ hosts: ['s.example'], secretName: 'cert' }],
    rules: [rule('s.example', ['/', 'Prefix', 'a'])],
  })
  const open = ingress('o', { rules: [rule('o.example', ['/', 'Prefix', 'a'])] })
  const { text } = configure([secure, open], ['default/cert'])
  t.match(text, 'listen 0.0.0.0:443 default_server ssl http2;')
  t.match(text, 'ssl_certificate /tmp/skiff-ingress/default_cert.pem;')
  t.match(text, 'ssl_certificate /tmp/skiff-ingress/fallback.pem;')
  t.equal(text.match(/return 308 https:\/\/\$host\$request_uri;/g)?.length, 1)
  t.notMatch(configure([open]).text, /443/)
  const kept = {
    ...secure,
    metadata: { ...secure.metadata, annotations: { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' } },
  }
  t.notMatch(configure([kept], ['default/cert']).text, /308/)
  t.match(configure([secure]).problems, [{ field: 'spec.tls', message: /no usable/ }])
})

t.test('rewrite-target with groups makes a regular expression of the path', async t => {
  const annotations = { 'nginx.ingress.kubernetes.io/rewrite-target': '/$2' }
  const rules = [rule('r.example', ['/app(/|$)(.*)', 'ImplementationSpecific', 'a'])]
  const { text, problems } = configure([ingress('r', { rules }, annotations)])
  t.same(problems, [])
  t.match(text, 'location ~* "^/app(/|$)(.*)" {')
  t.match(text, 'rewrite "(?i)^/app(/|$)(.*)" /$2 break;')
})

t.test('the default backend takes what no rule does', async t => {
  const { text } = configure([ingress('d', { defaultBackend: to('b') })])
  t.match(text, /server_name _;[^}]*location \/ \{[^}]*proxy_pass http:\/\/default-b-80;/)
})

t.test('of two Ingresses with the same host and path the first one keeps it, and the other is told', async t => {
  const rules = (name: string) => ({ rules: [rule('x.example', ['/', 'Prefix', name])] })
  const { problems, text } = configure([ingress('one', rules('a')), ingress('two', rules('b'))])
  t.match(problems, [{ ingress: 'default/two', message: /belongs to Ingress default\/one/, rejects: false }])
  t.match(text, 'proxy_pass http://default-a-80')
})

const refused: { name: string; annotation?: [string, string]; path?: string; host?: string; field: RegExp }[] = [
  { name: 'a body size with a word behind it', annotation: ['proxy-body-size', '1m; x'], field: /proxy-body-size/ },
  { name: 'a timeout that is no number', annotation: ['proxy-read-timeout', '60s'], field: /proxy-read-timeout/ },
  { name: 'a rewrite with a variable', annotation: ['rewrite-target', '/$host'], field: /rewrite-target/ },
  { name: 'a rewrite with a quote', annotation: ['rewrite-target', '/"; return 200; #'], field: /rewrite-target/ },
  { name: 'a protocol that is not built', annotation: ['backend-protocol', 'GRPC'], field: /backend-protocol/ },
  {
    name: 'a path that ends its block',
    path: '/a { return 200; } location /b',
    field: /rules\[0\]\.http\.paths\[0\]\.path/,
  },
  { name: 'a path with a line break', path: '/a\nreturn 200', field: /path/ },
  { name: 'a host that is no name', host: 'a.example; return', field: /rules\[0\]\.host/ },
]
for (const { name, annotation, path, host, field } of refused)
  t.test(`${name} rejects the Ingress by its field`, async t => {
    const annotations =
      annotation === undefined ? {} : { [`nginx.ingress.kubernetes.io/${annotation[0]}`]: annotation[1] }
    const rules = [rule(host ?? 'x.example', [path ?? '/', 'Prefix', 'a'])]
    const { problems } = configure([ingress('x', { rules }, annotations)])
    t.match(problems, [{ ingress: 'default/x', field, rejects: true }])
  })

t.test('an annotation that is not built is named and has no effect', async t => {
  const annotations = { 'nginx.ingress.kubernetes.io/server-snippet': 'return 200;' }
  const { problems, text } = configure([
    ingress('x', { rules: [rule('x.example', ['/', 'Prefix', 'a'])] }, annotations),
  ])
  t.match(problems, [{ field: 'metadata.annotations[nginx.ingress.kubernetes.io/server-snippet]', rejects: false }])
  t.notMatch(text, /return 200/)
})

/** Reads nginx's grammar back: the names of directives, with their depth. */
const directiveNames = (text: string): string[] => {
  const names: string[] = []
  let depth = 0
  let words: string[] = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{};]|[^\s{};"]+/g)) {
    if (token === ';' || token === '{') names.push(`${depth} ${words[0]}`)
    if (token === '{') depth++
    if (token === '}') depth--
    words = token === ';' || token === '{' || token === '}' ? [] : [...words, token]
  }
  return depth === 0 ? names : ['unbalanced']
}

const allowed = new Set(
  'server server_name listen location return client_max_body_size proxy_connect_timeout proxy_read_timeout proxy_send_timeout rewrite proxy_pass upstream keepalive ssl_certificate ssl_certificate_key if'.split(
    ' ',
  ),
)

t.test('no Ingress can bring a directive of its own into the configuration', async () => {
  const nasty = fc.oneof(
    fc.string(),
    fc.constantFrom('/a;b', '/"', '/\\', '/a"; return 200 x; #', '/{', '/}', '/$1', '/(.*)\\', '/a\nlua', '/#', '/ '),
  )
  const annotations = fc.dictionary(
    fc.constantFrom('rewrite-target', 'proxy-body-size', 'use-regex', 'proxy-read-timeout', 'backend-protocol'),
    fc.oneof(nasty, fc.constantFrom('true', '1m', '/$1', '60')),
  )
  const type = fc.constantFrom('Exact', 'Prefix', 'ImplementationSpecific', 'Other')
  const begin = configure([]).text.indexOf('  server {')
  const standing = directiveNames(configure([]).text.slice(0, begin) + '}')
  fc.assert(
    fc.property(nasty, nasty, nasty, type, annotations, (host, path, backend, pathType, given) => {
      const all = Object.fromEntries(Object.entries(given).map(([k, v]) => [`nginx.ingress.kubernetes.io/${k}`, v]))
      const rules = [
        rule(host, [path, pathType, 'a'], [`/${path}`, pathType, backend]),
        rule('h.example', [path, pathType, 'a']),
      ]
      const { text } = configure([ingress('x', { rules, tls: [{ hosts: [host], secretName: backend }] }, all)])
      return directiveNames(text).every(name => standing.includes(name) || allowed.has(name.split(' ')[1] ?? ''))
    }),
    { numRuns: 1000 },
  )
})

t.test('a word that could end its quotes is an error, never a directive', async t => {
  for (const word of ['a"b', 'a\nb', 'ü']) t.throws(() => renderNginxWord(word), { code: 'INTERNAL' })
  t.equal(renderNginxWord('a\\.b'), '"a\\\\.b"')
  t.equal(renderNginxWord('a;b'), '"a;b"')
})
