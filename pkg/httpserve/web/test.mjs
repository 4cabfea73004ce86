// Runs the unit tests of the pages: src/**/*.test.ts, bundled for Node.
import { build } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const files = (await readdir('src', { recursive: true })).filter((f) => f.endsWith('.test.ts'))
const out = await mkdtemp(path.join(tmpdir(), 'weir-pages-'))
try {
  await build({
    entryPoints: files.map((f) => path.join('src', f)),
    bundle: true,
    format: 'esm',
    platform: 'node',
    outExtension: { '.js': '.mjs' },
    outdir: out,
    logLevel: 'warning',
  })
  const built = (await readdir(out, { recursive: true })).filter((f) => f.endsWith('.test.mjs')).map((f) => path.join(out, f))
  process.exitCode = spawnSync(process.execPath, ['--test', ...built], { stdio: 'inherit' }).status ?? 1
} finally {
  await rm(out, { recursive: true })
}
