'use strict'

// Every large-language-model provider through one small native library. index.d.ts says what each
// of these does. The exports are plain names, so that
// `import { stream } from 'modelwire'` finds them as well.

const { OP } = require('./lib/ffi.js')
const { run } = require('./lib/call.js')
const { ModelwireError, Response } = require('./lib/result.js')
const { Stream } = require('./lib/stream.js')
const {
  classifyProbeStatus, describe, init, isValidProvider, prepare, setDefaultHttpTimeout, shutdown, stats,
  supportedProviders, validateProviderOptions, version
} = require('./lib/library.js')

async function completions(provider, config, request, { signal } = {}) {
  return run(OP.COMPLETIONS, provider, config, request, signal)
}

function stream(provider, config, request, { signal } = {}) {
  return new Stream(provider, config, request, signal)
}

async function testConnection(provider, config, { signal } = {}) {
  return run(OP.TEST_CONNECTION, provider, config, undefined, signal)
}

async function runHttpProbe(provider, request, { signal } = {}) {
  return run(OP.HTTP_PROBE, provider, undefined, request, signal)
}

module.exports = {
  completions,
  stream,
  testConnection,
  runHttpProbe,
  ModelwireError,
  Response,
  Stream,
  classifyProbeStatus,
  describe,
  init,
  isValidProvider,
  prepare,
  setDefaultHttpTimeout,
  shutdown,
  stats,
  supportedProviders,
  validateProviderOptions,
  version
}
