import { readFile } from 'node:fs/promises'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import type { ImageStore } from '../container-engine.ts'
import { tarStream, type TarEntry } from './tar-stream.ts'

export const pauseImage = 'skiff/pause:3'
export const busyboxImage = 'skiff/busybox:1'

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const binary = async (file: string, debianPackage: string): Promise<Buffer> => {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new SkiffError('HOST_UNFIT', `${file}: ${messageOf(cause)}`, {
      cause,
      remedy: `apt-get install ${debianPackage}`,
    })
  }
}

/**
 * The applets inside a busybox binary, from the table of names it carries: sorted, each ended by NUL, the whole by an
 * empty name, beginning with `[` and `[[`. Empty when the binary has no such table. Pure.
 */
export const appletsOf = (busybox: Buffer): string[] => {
  const start = busybox.indexOf('\0[\0[[\0', 0, 'latin1')
  if (start < 0) return []
  const names: string[] = []
  for (let at = start + 1; ;) {
    const end = busybox.indexOf(0, at)
    const name = busybox.toString('latin1', at, end)
    if (end < 0 || !/^[\w.[+-]+$/.test(name)) return names
    names.push(name)
    at = end + 1
  }
}

/** The members of the busybox image's root file system. Pure. */
export const busyboxRootfs = (busybox: Buffer): TarEntry[] => {
  const directory = (name: string, mode = 0o755): TarEntry => ({ kind: 'directory', path: name, mode })
  const text = (name: string, content: string): TarEntry => ({
    kind: 'file',
    path: name,
    mode: 0o644,
    content: Buffer.from(content),
  })
  const applets = appletsOf(busybox)
  const names = applets.length === 0 ? ['sh', 'ls', 'cat', 'sleep', 'echo', 'httpd', 'wget'] : applets
  return [
    ...['bin', 'etc', 'home', 'proc', 'root', 'sys', 'dev', 'usr', 'var', 'var/run', 'www'].map(name =>
      directory(name, name === 'root' ? 0o700 : 0o755),
    ),
    directory('tmp', 0o1777),
    { kind: 'file', path: 'bin/busybox', mode: 0o755, content: busybox },
    ...names
      .filter(name => name !== 'busybox')
      .map((name): TarEntry => ({ kind: 'symlink', path: `bin/${name}`, target: 'busybox' })),
    { kind: 'symlink', path: 'sbin', target: 'bin' },
    { kind: 'symlink', path: 'usr/bin', target: '../bin' },
    { kind: 'symlink', path: 'usr/sbin', target: '../bin' },
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
  ]
}

/**
 * Makes the pause image, of Debian's static catatonit, unless it is there. `-P` waits for ever and reaps zombies.
 * Throws HOST_UNFIT when catatonit is not installed.
 */
export const ensurePauseImage = async (images: ImageStore, tag: string = pauseImage): Promise<void> => {
  if ((await images.find(tag)) !== undefined) return
  const content = await binary('/usr/bin/catatonit', 'catatonit')
  const rootfs: TarEntry[] = [{ kind: 'file', path: 'catatonit', mode: 0o755, content }]
  await images.importRootfs(tarStream(rootfs), { tag, entrypoint: ['/catatonit', '-P'] })
}

/** Makes a busybox image, of Debian's busybox-static, unless it is there. Throws HOST_UNFIT when it is not installed. */
export const ensureBusyboxImage = async (images: ImageStore, tag: string = busyboxImage): Promise<void> => {
  if ((await images.find(tag)) !== undefined) return
  const busybox = await binary('/bin/busybox', 'busybox-static')
  // `sh` as a command rather than as entrypoint, so that a pod's `args` alone mean a program, as in the public image.
  await images.importRootfs(tarStream(busyboxRootfs(busybox)), { tag, entrypoint: [], command: ['sh'], env: [path] })
}
