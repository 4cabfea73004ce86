// Bundles the pages into dist: assets/ under names that contain a hash of
// their bytes, and the HTML that names them.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'

const out = 'dist'
await rm(out, { recursive: true, force: true })
await mkdir(out)
// Git keeps this file, so that the program compiles without the bundle too.
await copyFile('public/.gitkeep', `${out}/.gitkeep`)

// What the bundled players' licences ask for.
const licences = await Promise.all(
  ['hls.js/LICENSE', 'dashjs/LICENSE.md', 'dashjs/dist/modern/esm/dash.mediaplayer.min.js.LICENSE.txt', 'preact/LICENSE', 'uplot/LICENSE'].map(
    async (file) => `${file}\n\n${await readFile(`node_modules/${file}`, 'utf8')}`,
  ),
)
const result = await build({
  entryPoints: ['src/watch.ts', 'src/landing.ts', 'src/dashboard.tsx', 'src/watch.css', 'src/landing.css', 'src/dashboard.css', 'src/logo.svg'],
  loader: { '.svg': 'copy' },
  alias: { dashjs: './node_modules/dashjs/dist/modern/esm/dash.mediaplayer.min.js' },
  bundle: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  splitting: true,
  format: 'esm',
  target: ['es2021', 'safari15'],
  minify: true,
  legalComments: 'none',
  outdir: out,
  entryNames: 'assets/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  metafile: true,
  logLevel: 'warning',
})

// The address of what an entry point became.
const addresses = new Map()
for (const [file, { entryPoint, bytes }] of Object.entries(result.metafile.outputs)) {
  const name = path.relative(out, file)
  console.log(`${String(bytes).padStart(8)}  ${name}`)
  if (entryPoint) addresses.set(path.basename(entryPoint), `/${name}`)
}
const text = licences.join('\n\n')
const licenceFile = `assets/licences-${createHash('sha256').update(text).digest('hex').slice(0, 8)}.txt`
await writeFile(`${out}/${licenceFile}`, text)
addresses.set('licences.txt', `/${licenceFile}`)

for (const page of ['index.html', 'watch.html', 'dashboard.html']) {
  const html = await readFile(`src/${page}`, 'utf8')
  const linked = html.replace(/\{\{(.+?)\}\}/g, (_, name) => {
    const address = addresses.get(name)
    if (!address) throw new Error(`${page} names ${name}, which is not built`)
    return address
  })
  await writeFile(`${out}/${page}`, linked)
}

// What the dashboard costs before it shows anything: its styles, its script and
// what that imports at once. The player comes when there is something to play.
const limit = 150_000
const outputs = result.metafile.outputs
const needed = new Set()
const need = (file) => {
  if (needed.has(file)) return
  needed.add(file)
  for (const one of outputs[file].imports) if (one.kind === 'import-statement') need(one.path)
}
for (const [file, { entryPoint }] of Object.entries(outputs)) if (/^src\/dashboard\.(tsx|css)$/.test(entryPoint ?? '')) need(file)
let weight = 0
for (const file of needed) weight += gzipSync(await readFile(file)).length
console.log(`${String(weight).padStart(8)}  dashboard, compressed, without the player`)
if (weight > limit) throw new Error(`the dashboard weighs ${weight} bytes compressed; the limit is ${limit}`)
