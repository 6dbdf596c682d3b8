'use strict'

// Puts the shared library where the package looks for it, before it is packed: the file that
// MODELWIRE_LIBRARY names, else the one that `make build` left in this source tree. The folder
// says which platform it is for, so that one package may carry several.

const fs = require('node:fs')
const path = require('node:path')
const { bundled, fileName } = require('../lib/location.js')

const root = path.join(__dirname, '..', '..', '..')
const library = process.env.MODELWIRE_LIBRARY || path.join(root, 'target', 'release', fileName)
if (!fs.existsSync(library)) {
  console.error(`${library} does not exist: build it with \`make build\`, or name ${fileName} in MODELWIRE_LIBRARY`)
  process.exit(1)
}
fs.mkdirSync(path.dirname(bundled), { recursive: true })
fs.copyFileSync(library, bundled)
for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
  const file = path.join(root, licence)
  if (fs.existsSync(file)) fs.copyFileSync(file, path.join(__dirname, '..', 'build', licence))
}
