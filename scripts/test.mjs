// `npm test`: installs what is missing, builds, runs the unit tests and, as root, the end-to-end tests, and ends with
// one line that counts them all. --unit and --e2e run one half. Each test file is a process of its own under tap.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync as fsGlob, readdirSync, readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const wants = { unit: !process.argv.includes('--e2e'), e2e: !process.argv.includes('--unit') }
const only = process.argv.slice(2).filter(word => !word.startsWith('--'))

const run = (file, args, options = {}) => spawnSync(file, args, { cwd: root, stdio: 'inherit', ...options })
const must = (file, args) => {
  const { status } = run(file, args)
  if (status !== 0) process.exit(status ?? 1)
}

if (!existsSync(join(root, 'node_modules/.package-lock.json'))) must('npm', ['ci', '--no-audit', '--no-fund'])
must(process.execPath, ['scripts/build.mjs'])

const filesBelow = directory =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true }).flatMap(entry =>
        entry.isDirectory() ? filesBelow(join(directory, entry.name)) : [join(directory, entry.name)],
      )
    : []
const all = filesBelow(join(root, 'dist/test'))
  .map(path => relative(root, path))
  .filter(path => path.endsWith('.test.js') && existsSync(join(root, path.replace(/^dist\//, '').replace(/\.js$/, '.ts'))))
  .filter(path => only.length === 0 || only.some(word => path.includes(word)))
  .sort()
const isE2e = path => path.startsWith('dist/test/e2e/')

// What the end-to-end tests drive; the same list that `up` installs, and what only the tests need.
const testPackages = { dig: 'bind9-dnsutils', ip: 'iproute2', 'iptables-save': 'iptables', nft: 'nftables', conntrack: 'conntrack', nginx: 'nginx-light', dockerd: 'docker.io', busybox: 'busybox-static', catatonit: 'catatonit', curl: 'curl' }
const ensurePackages = () => {
  const missing = Object.entries(testPackages)
    .filter(([program]) => run('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status !== 0)
    .map(([, name]) => name)
  if (missing.length === 0) return
  console.log(`# installing ${missing.join(' ')}`)
  must(process.execPath, [join(root, 'dist/scripts/install-packages.js'), ...missing])
}

const count = { passed: 0, failed: 0, skipped: 0 }
const runTap = (files, jobs, timeoutSeconds) => {
  if (files.length === 0) return
  const results = mkdtempSync(join(tmpdir(), 'skiff-test-'))
  const output = join(results, 'results.tap')
  const env = { ...process.env }
  delete env.NODE_EXTRA_CA_CERTS
  const { status } = run(
    process.execPath,
    ['node_modules/tap/dist/esm/../../dist/esm/run.mjs', 'run', '--disable-coverage', '--allow-incomplete-coverage', `--jobs=${jobs}`, `--timeout=${timeoutSeconds}`, '--reporter=terse', `--output-file=${output}`, ...files],
    { env },
  )
  const text = existsSync(output) ? readFileSync(output, 'utf8') : ''
  // Assertions are counted where they stand deepest: an (not) ok line that is not the summary of a subtest.
  const lines = text.split('\n')
  for (const [i, line] of lines.entries()) {
    const match = /^( *)(not ok|ok) \d+(.*)$/.exec(line)
    if (match === null) continue
    const [, indent, verdict, rest] = match
    const before = lines.slice(0, i).findLast(l => l.trim() !== '') ?? ''
    const summarises = rest.trimEnd().endsWith('{') ? false : /^ *(\}|1\.\.\d+|# )/.test(before) && before.startsWith(`${indent} `)
    if (summarises && verdict === 'ok') continue
    if (/# SKIP/i.test(rest)) count.skipped++
    else if (verdict === 'ok') count.passed++
    else count.failed++
  }
  if (status !== 0 && count.failed === 0) count.failed++
  rmSync(results, { recursive: true, force: true })
}

if (wants.unit) runTap(all.filter(path => !isE2e(path)), 2, 120)
if (wants.e2e) {
  if (process.getuid?.() !== 0) {
    console.log('# the end-to-end tests need root: skipped')
    count.skipped += all.filter(isE2e).length
  } else {
    ensurePackages()
    // One at a time: they share the machine's links, rules and ports.
    runTap(all.filter(isE2e), 1, 900)
  }
}
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed === 0 ? 0 : 1)
