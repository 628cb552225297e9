/** What /version says: the API level, and Skiff's own version behind the plus sign. */
export const serverVersion = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+skiff.0.1.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: `node ${process.version}`,
  compiler: 'tsc',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}
