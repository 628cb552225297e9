// Builds dist/ from the sources: derives the API schemas from the development dependency, then compiles.
// Each step is skipped when its inputs did not change; `node scripts/build.mjs --clean` starts over.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
if (process.argv.includes('--clean')) rmSync(join(root, 'dist'), { recursive: true, force: true })

const tsc = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.json')],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  },
)
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

const schemas = join(root, 'scripts/derive-schemas.mjs')
if (existsSync(schemas)) await import(pathToFileURL(schemas).href)

// The launcher compares this file's time with the sources'.
writeFileSync(join(root, 'dist/.built'), '')
