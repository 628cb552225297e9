// `npm test`: installs what is missing, builds, runs the unit tests and, as root, the end-to-end tests, and ends with
// one line that counts them all. --unit and --e2e run one half. Each test file is a process of its own under tap.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
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
// Puts .taprc's choice of plugins in force: tap's TypeScript plugin breaks on TypeScript 7, and is there until it is built out.
const tapBuilt = join(root, 'node_modules/.tap-built')
if (!existsSync(tapBuilt)) {
  must(process.execPath, ['node_modules/tap/dist/esm/run.mjs', 'build'])
  writeFileSync(tapBuilt, '')
}
must(process.execPath, ['scripts/build.mjs'])

const filesBelow = directory =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true }).flatMap(entry =>
        entry.isDirectory() ? filesBelow(join(directory, entry.name)) : [join(directory, entry.name)],
      )
    : []
const all = filesBelow(join(root, 'dist/test'))
  .map(path => relative(root, path))
  .filter(
    path => path.endsWith('.test.js') && existsSync(join(root, path.replace(/^dist\//, '').replace(/\.js$/, '.ts'))),
  )
  .filter(path => only.length === 0 || only.some(word => path.includes(word)))
  .sort()
const isE2e = path => path.startsWith('dist/test/e2e/')

// What the tests drive; the same list that `up` installs, and what only the tests need. A path is looked for as it is.
const testPackages = {
  dig: 'bind9-dnsutils',
  ip: 'iproute2',
  'iptables-save': 'iptables',
  nft: 'nftables',
  conntrack: 'conntrack',
  nginx: 'nginx-light',
  dockerd: 'docker.io',
  busybox: 'busybox-static',
  catatonit: 'catatonit',
  curl: 'curl',
  '/usr/lib/python3/dist-packages/kubernetes': 'python3-kubernetes',
  etcd: 'etcd-server',
}
const ensurePackages = () => {
  const missing = Object.entries(testPackages)
    .filter(([what]) =>
      what.startsWith('/')
        ? !existsSync(what)
        : run('sh', ['-c', `command -v ${what}`], { stdio: 'ignore' }).status !== 0,
    )
    .map(([, name]) => name)
  if (missing.length === 0) return
  console.log(`# installing ${missing.join(' ')}`)
  must(process.execPath, [join(root, 'dist/cli/main.js'), 'install-packages', ...missing])
}

const count = { passed: 0, failed: 0, skipped: 0 }
/** Runs files under tap, shows a line a file and the whole of what failed, and adds the runner's own totals. */
const runTap = (files, jobs, timeoutSeconds) =>
  new Promise(resolve => {
    if (files.length === 0) return resolve()
    const env = { ...process.env }
    delete env.NODE_EXTRA_CA_CERTS
    const flags = [
      '--disable-coverage',
      '--allow-incomplete-coverage',
      `--jobs=${jobs}`,
      `--timeout=${timeoutSeconds}`,
      '--reporter=tap',
    ]
    const child = spawn(process.execPath, ['node_modules/tap/dist/esm/run.mjs', 'run', ...flags, ...files], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const totals = { total: 0, pass: 0, fail: 0, skip: 0, todo: 0 }
    let file = []
    createInterface({ input: child.stdout }).on('line', line => {
      file.push(line)
      if (/^# \{.*\}$/.test(line)) for (const [, name, n] of line.matchAll(/(\w+): (\d+)/g)) totals[name] = Number(n)
      if (!/^(not )?ok \d+/.test(line)) return
      console.log(line.startsWith('ok') ? line.replace(/ \{$/, '') : file.join('\n'))
      file = []
    })
    child.on('close', status => {
      count.passed += totals.pass
      count.failed += totals.fail
      count.skipped += totals.skip + totals.todo
      if (status !== 0 && totals.fail === 0) {
        console.log(file.join('\n'))
        count.failed++
      }
      resolve()
    })
  })

// Some unit tests of the DNS server ask it with dig: the packages come first.
const isRoot = process.getuid?.() === 0
if (isRoot) ensurePackages()
const unit = all.filter(path => !isE2e(path))
const e2e = all.filter(isE2e)
if (wants.unit) await runTap(unit, 2, 120)
if (wants.e2e && isRoot) {
  // One at a time: they share the machine's links, rules and ports.
  await runTap(e2e, 1, 900)
} else if (wants.e2e) {
  console.log('# the end-to-end tests need root: skipped')
  count.skipped += e2e.length
}
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
process.exit(count.failed === 0 ? 0 : 1)
