import { createRequire } from 'node:module'
import type Docker from 'dockerode'
import { SkiffError } from '../../kube/errors.ts'

const require = createRequire(import.meta.url)

/**
 * Modules of dockerode that a local socket never needs: BuildKit sessions (which load gRPC and protobufjs) and SSH
 * transport (ssh2). They are half of dockerode's memory and most of its load time, and are loaded unconditionally, so
 * a refusing module is put in their place before the first load.
 */
const unneeded = [
  ['dockerode', './session', 'BuildKit sessions'],
  ['dockerode', './buildkit', 'BuildKit builds'],
  ['docker-modem', './ssh', 'the Engine over SSH'],
] as const

let loaded: typeof Docker | undefined

const load = (): typeof Docker => {
  if (loaded !== undefined) return loaded
  const dockerode = createRequire(require.resolve('dockerode'))
  for (const [owner, path, what] of unneeded) {
    const from = owner === 'dockerode' ? dockerode : createRequire(dockerode.resolve('docker-modem'))
    const file = from.resolve(path)
    const refuse = () => {
      throw new SkiffError('NOT_IMPLEMENTED', `${what} is not part of Skiff's use of Docker`)
    }
    require.cache[file] ??= { exports: refuse, id: file, filename: file, loaded: true } as unknown as NodeJS.Module
  }
  loaded = require('dockerode') as typeof Docker
  return loaded
}

/** A dockerode client for the Engine behind a Unix socket; loads dockerode on the first call. */
export const dockerClient = (socketPath: string): Docker => new (load())({ socketPath })
