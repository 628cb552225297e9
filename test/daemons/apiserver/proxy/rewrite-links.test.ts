import t from 'tap'
import { LinkRewriter, rewriteUrl } from '../../../../daemons/apiserver/proxy/rewrite-links.ts'

const scope = { prepend: '/api/v1/p/proxy', sourceHost: '10.0.0.1:80', requestHost: 'api.example:6443' }

const links: { name: string; link: string; is: string }[] = [
  { name: 'a path from the root leads through the proxy', link: '/a?b#c', is: '/api/v1/p/proxy/a?b#c' },
  { name: 'a slash at the end stays', link: '/a/', is: '/api/v1/p/proxy/a/' },
  { name: 'the root itself', link: '/', is: '/api/v1/p/proxy/' },
  { name: 'the server’s own address is left out', link: 'http://10.0.0.1:80/a', is: '/api/v1/p/proxy/a' },
  {
    name: 'the address the client asked is kept',
    link: 'https://api.example:6443/a',
    is: 'https://api.example:6443/api/v1/p/proxy/a',
  },
  { name: 'what leads through the proxy already stays', link: '/api/v1/p/proxy/a', is: '/api/v1/p/proxy/a' },
  { name: 'a relative link stays', link: 'a/b', is: 'a/b' },
  { name: 'another host stays', link: 'https://elsewhere.example/a', is: 'https://elsewhere.example/a' },
  { name: 'a link without a path stays', link: '#top', is: '#top' },
  { name: 'a mail address stays', link: 'mailto:kim@example.com', is: 'mailto:kim@example.com' },
]
for (const { name, link, is } of links) t.test(name, async t => void t.equal(rewriteUrl(link, scope), is))

const pages: { name: string; page: string; is: string }[] = [
  { name: 'a link in quotes', page: '<a class="x" href="/a">', is: '<a class="x" href="/api/v1/p/proxy/a">' },
  { name: 'single quotes, capitals, spaces', page: "<IMG SRC = '/a'>", is: "<IMG SRC = '/api/v1/p/proxy/a'>" },
  { name: 'no quotes', page: '<form action=/a method=post>', is: '<form action=/api/v1/p/proxy/a method=post>' },
  { name: 'an attribute that is no link', page: '<a title="/a">/b</a>', is: '<a title="/a">/b</a>' },
  { name: 'a > in an attribute', page: '<a title="1>2" href="/a">', is: '<a title="1>2" href="/api/v1/p/proxy/a">' },
  { name: 'a comment', page: '<!-- <a href="/a"> --><p>', is: '<!-- <a href="/a"> --><p>' },
  {
    name: 'what a script says is its own',
    page: '<script src="/s">x = \'<a href="/a">\'</script><a href="/b">',
    is: '<script src="/api/v1/p/proxy/s">x = \'<a href="/a">\'</script><a href="/api/v1/p/proxy/b">',
  },
  { name: 'other encodings stay whole', page: '<p>é€</p>1 < 2 <', is: '<p>é€</p>1 < 2 <' },
]

const rewrite = async (chunks: Iterable<Buffer>): Promise<string> => {
  const rewriter = new LinkRewriter(scope)
  const out: Buffer[] = []
  rewriter.on('data', (chunk: Buffer) => out.push(chunk))
  for (const chunk of chunks) rewriter.write(chunk)
  await new Promise<void>(resolve => rewriter.end(resolve))
  return Buffer.concat(out).toString()
}

for (const { name, page, is } of pages)
  t.test(`a page with ${name}, at once and byte by byte`, async t => {
    t.equal(await rewrite([Buffer.from(page)]), is)
    t.equal(await rewrite([...Buffer.from(page)].map(byte => Buffer.from([byte]))), is)
  })

t.test('a tag without an end is not waited for', async t => {
  const page = `<a href="/${'x'.repeat(100_000)}`
  t.equal(await rewrite([Buffer.from(page), Buffer.from('<p>')]), `${page}<p>`)
})
