'use strict'

// The library as a whole: what it supports, how it is set up, how it is stopped.

const ffi = require('./ffi.js')
const { checkProvider, encode } = require('./call.js')
const { localError, take } = require('./result.js')

const version = () => ffi.version()

const supportedProviders = () => JSON.parse(ffi.supportedProviders())

const isValidProvider = (provider) => ffi.isValidProvider(checkProvider(provider)) === 1

function init(options = {}) {
  const bytes = encode(options, 'options')
  take(ffi.init(bytes, bytes.length))
}

/** Joins threads, so it runs on a worker thread. */
function shutdown(graceMs = 0) {
  return new Promise((resolve, reject) => {
    ffi.shutdown.async(graceMs, (error, status) => {
      if (error || status !== 0) reject(error ?? localError(status))
      else resolve()
    })
  })
}

const describe = () => take(ffi.describe()).json()

const stats = () => take(ffi.stats()).json()

function setDefaultHttpTimeout(timeoutMs) {
  ffi.setDefaultHttpTimeout(timeoutMs)
}

function validateProviderOptions(provider, options) {
  const bytes = encode(options, 'options')
  return take(ffi.validateProviderOptions(checkProvider(provider), bytes, bytes.length)).json()
}

function prepare(provider, config, request, { stream = false } = {}) {
  const configBytes = encode(config, 'config')
  const requestBytes = encode(request, 'request')
  const operation = stream ? ffi.OP.COMPLETIONS_STREAM : ffi.OP.COMPLETIONS
  return take(ffi.prepare(
    checkProvider(provider), configBytes, configBytes.length, requestBytes, requestBytes.length, operation
  )).json()
}

function classifyProbeStatus(httpStatus, provider = null) {
  return take(ffi.classifyProbeStatus(provider === null ? null : checkProvider(provider), httpStatus)).json()
}

module.exports = {
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
