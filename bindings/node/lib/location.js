'use strict'

// Where the shared library may be.

const path = require('node:path')

const ABI_VERSION = 1

const names = { darwin: 'libmodelwire.dylib', win32: 'modelwire.dll' }
const fileName = names[process.platform] ?? 'libmodelwire.so'

/** The file that a packed package carries for this platform. */
const bundled = path.join(__dirname, '..', 'build', `${process.platform}-${process.arch}`, fileName)

/** What the system's loader is asked for. */
const system = process.platform === 'linux' ? `${fileName}.${ABI_VERSION}` : fileName

/** MODELWIRE_LIBRARY alone when it is set; else the package's own file, else the system's. */
function candidates() {
  const named = process.env.MODELWIRE_LIBRARY
  return named ? [named] : [bundled, system]
}

module.exports = { ABI_VERSION, bundled, candidates, fileName }
