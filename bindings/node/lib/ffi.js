'use strict'

// The C ABI as koffi sees it. Everything else in the package goes through the names of this
// module. Pointers are BigInts; memory that the library owns is copied into Buffers here.

const koffi = require('koffi')
const { ABI_VERSION, candidates } = require('./location.js')

function load() {
  const failures = []
  for (const file of candidates()) {
    try {
      const library = koffi.load(file)
      const found = library.func('modelwire_abi_version', 'uint32_t', [])()
      if (found === ABI_VERSION) return library
      failures.push(`${file}: has ABI ${found}, this package needs ${ABI_VERSION}`)
    } catch (error) {
      failures.push(`${file}: ${error.message}`)
    }
  }
  throw new Error(
    `the modelwire library cannot be loaded; set MODELWIRE_LIBRARY to its file. Tried ${failures.join('; ')}`
  )
}

const library = load()
const func = (name, result, ...args) => library.func(`modelwire_${name}`, result, args)
const input = ['void *', 'size_t']

const functions = {
  version: func('version', 'str'),
  statusName: func('status_name', 'str', 'int32_t'),
  init: func('init', 'void *', ...input),
  shutdown: func('shutdown', 'int32_t', 'uint32_t'),
  describe: func('describe', 'void *'),
  stats: func('stats', 'void *'),
  supportedProviders: func('supported_providers', 'str'),
  isValidProvider: func('is_valid_provider', 'int32_t', 'str'),
  validateProviderOptions: func('validate_provider_options', 'void *', 'str', ...input),
  prepare: func('prepare', 'void *', 'str', ...input, ...input, 'uint32_t'),
  setDefaultHttpTimeout: func('set_default_http_timeout', 'int32_t', 'uint64_t'),
  classifyProbeStatus: func('classify_probe_status', 'void *', 'str', 'int32_t'),
  start: func('start', 'uint64_t', 'uint32_t', 'str', ...input, ...input, 'uint64_t', 'uint64_t'),
  next: func('next', 'int32_t', 'uint64_t', 'int32_t', 'void *', 'void *'),
  cancel: func('cancel', 'int32_t', 'uint64_t'),
  finish: func('finish', 'void *', 'uint64_t'),
  release: func('release', 'int32_t', 'uint64_t'),
  pollerNew: func('poller_new', 'uint64_t'),
  pollerWait: func('poller_wait', 'int32_t', 'uint64_t', 'int32_t', 'void *', 'size_t'),
  pollerWake: func('poller_wake', 'int32_t', 'uint64_t'),
  resultStatus: func('result_status', 'int32_t', 'void *'),
  resultHttpStatus: func('result_http_status', 'int32_t', 'void *'),
  resultBody: func('result_body', 'void *', 'void *', 'void *'),
  resultMessage: func('result_message', 'str', 'void *'),
  resultInfo: func('result_info', 'str', 'void *', 'void *'),
  resultFree: func('result_free', 'void', 'void *')
}

const memcpy = koffi.load(process.platform === 'win32' ? 'msvcrt.dll' : null)
  .func('memcpy', 'void *', ['void *', 'void *', 'size_t'])

/** Where the library writes a pointer and a length; JavaScript runs on one thread, so one will do. */
const out = new BigUint64Array(2)
const outPointer = out.subarray(0, 1)
const outLength = out.subarray(1, 2)

/** Copies `length` bytes from `pointer` into a Buffer. */
function copy(pointer, length) {
  const buffer = Buffer.allocUnsafe(length)
  if (length > 0) memcpy(buffer, pointer, length)
  return buffer
}

/** What the last call that was given `outPointer` and `outLength` told. */
const copyOut = () => copy(out[0], Number(out[1]))

/** The body of a result, which told its length to `outLength`. */
function resultBody(result) {
  const pointer = functions.resultBody(result, outLength)
  return copy(pointer, Number(out[1]))
}

module.exports = {
  ...functions,
  copyOut,
  outLength,
  outPointer,
  resultBody,
  OP: { COMPLETIONS: 1, COMPLETIONS_STREAM: 2, TEST_CONNECTION: 3, HTTP_PROBE: 4 },
  EVENT: { AGAIN: 0, OPENED: 1, LINES: 2, ENDED: 3 },
  E_HANDLE: -2,
  E_CANCELLED: -23
}
