'use strict'

// An operation in flight. It is released when it ends, when it is closed, or when the object that
// users hold on it is collected.

const ffi = require('./ffi.js')
const poller = require('./poller.js')
const { localError, take } = require('./result.js')

const nothing = Buffer.alloc(0)

/** JSON as bytes: an object to encode, or text or bytes that are used as they are. */
function encode(value, what) {
  if (typeof value === 'string') return Buffer.from(value)
  if (value instanceof Uint8Array) return value
  if (typeof value === 'object' && value !== null) return Buffer.from(JSON.stringify(value))
  throw new TypeError(`${what} is an object, a string or a Uint8Array`)
}

function checkProvider(provider) {
  if (typeof provider !== 'string' || provider.includes('\0')) {
    throw new TypeError('provider is a string without NUL')
  }
  return provider
}

class Call {
  #handle
  #signal
  #onAbort
  #open = true

  constructor(operation, provider, config, request, signal) {
    checkProvider(provider)
    const configBytes = config === undefined ? nothing : encode(config, 'config')
    const requestBytes = request === undefined ? nothing : encode(request, 'request')
    if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal')
    this.token = poller.newToken()
    this.#handle = ffi.start(
      operation, provider, configBytes, configBytes.length, requestBytes, requestBytes.length, poller.handle, this.token
    )
    this.#signal = signal
    if (signal?.aborted) {
      this.cancel()
    } else if (signal) {
      this.#onAbort = () => this.cancel()
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  get open() {
    return this.#open
  }

  /** The next event, or AGAIN; E_HANDLE once it is closed. */
  next() {
    if (!this.#open) return ffi.E_HANDLE
    const event = ffi.next(this.#handle, 0, ffi.outPointer, ffi.outLength)
    if (event < 0) throw localError(event)
    return event
  }

  /** The lines of the event just taken, each ended by a newline. */
  lines() {
    return ffi.copyOut()
  }

  /** Resolves once there may be another event than AGAIN. */
  readable() {
    return poller.wait(this.token)
  }

  /** The outcome of a call that has ended. */
  finish() {
    this.#end()
    return take(ffi.finish(this.#handle), this.#signal)
  }

  cancel() {
    if (this.#open) ffi.cancel(this.#handle)
  }

  /** Cancels and forgets the call; harmless when it is over. */
  close() {
    if (!this.#open) return
    this.#end()
    ffi.release(this.#handle)
    poller.forget(this.token)
  }

  #end() {
    this.#open = false
    if (this.#onAbort) this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

/** Starts an operation that is answered whole; its end is its only event. */
async function run(operation, provider, config, request, signal) {
  const call = new Call(operation, provider, config, request, signal)
  await call.readable()
  return call.finish()
}

module.exports = { Call, checkProvider, encode, run }
