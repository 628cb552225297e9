import type { VersionInfo } from '../../../../daemons/apiserver/schema/documents.ts'

export const versionInfo: VersionInfo = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+skiff.test',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
}
