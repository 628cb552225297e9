import type { ContainerEngine, ContainerStreams, ImageStore } from '../../host/container-engine.ts'
import { SkiffError } from '../../kube/errors.ts'

/** The container engine by its three faces. */
export interface DockerParts {
  engine: ContainerEngine
  images: ImageStore
  streams: ContainerStreams
}

/** The path of a Docker socket; throws NOT_IMPLEMENTED for a CRI runtime's and INVALID_INPUT for what is none. */
export const dockerSocketOf = (endpoint: string): string => {
  if (/(containerd|crio|cri-dockerd|cri-o)\.sock$/.test(endpoint))
    throw new SkiffError(
      'NOT_IMPLEMENTED',
      `NOT_IMPLEMENTED: --container-runtime-endpoint ${endpoint} is a CRI runtime`,
      {
        remedy: 'name the socket of a Docker Engine, such as unix:///var/run/docker.sock',
      },
    )
  const path = endpoint.replace(/^unix:\/\//, '')
  if (!path.startsWith('/'))
    throw new SkiffError('INVALID_INPUT', `--container-runtime-endpoint ${endpoint}: not the path of a Unix socket`)
  return path
}

/** Docker behind a socket, but for what is given. */
export const dockerParts = async (socketPath: string, given: Partial<DockerParts>): Promise<DockerParts> => {
  const { engine, images, streams } = given
  if (engine !== undefined && images !== undefined && streams !== undefined) return { engine, images, streams }
  const [{ DockerEngine }, { DockerImages }, { DockerStreams }] = await Promise.all([
    import('../../host/docker/docker-engine.ts'),
    import('../../host/docker/docker-images.ts'),
    import('../../host/docker/docker-streams.ts'),
  ])
  return {
    engine: engine ?? new DockerEngine({ socketPath }),
    images: images ?? new DockerImages({ socketPath }),
    streams: streams ?? new DockerStreams({ socketPath }),
  }
}
