import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ok, run } from './skiff.ts'

export const curlImage = 'skiff-test/curl:1'

/** busybox's wget checks no certificates: an image of Debian's curl with the libraries it is linked to, and busybox. */
export const makeCurlImage = async (): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'skiff-curl-'))
  try {
    const linked = await ok(run('ldd', ['/usr/bin/curl']))
    const libraries = [...linked.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
    // The C library looks up names by modules that it loads by itself.
    const modules = await ok(run('sh', ['-c', 'ls /lib/*/libnss_files.so.2 /lib/*/libnss_dns.so.2']))
    for (const path of ['/usr/bin/curl', '/bin/busybox', ...libraries, ...modules.trim().split('\n')]) {
      mkdirSync(join(root, dirname(path)), { recursive: true })
      cpSync(path, join(root, path), { dereference: true })
    }
    const script = `cd ${root} && for tool in sh cat ls sleep; do ln -s busybox bin/$tool; done && mkdir -p etc tmp && tar -c . | docker import - ${curlImage}`
    await ok(run('sh', ['-c', script]))
  } finally {
    rmSync(root, { recursive: true })
  }
}
