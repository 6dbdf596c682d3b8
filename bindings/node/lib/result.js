'use strict'

// What an operation came to, copied out of the library once: a Response, or a ModelwireError.

const ffi = require('./ffi.js')

/** Something did not work. Decide by `code` and the other fields, never by the message. */
class ModelwireError extends Error {
  constructor(message, { status, httpStatus = 0, body = Buffer.alloc(0), info = {}, cause }) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.code = ffi.statusName(status)
    this.httpStatus = httpStatus
    this.body = body
    this.info = info
    hide(this, 'body')
    hide(this, 'info')
  }

  get retryable() {
    return this.info.retryable === true
  }

  get retryAfterMs() {
    return this.info.retry_after_ms ?? null
  }
}

Object.defineProperty(ModelwireError.prototype, 'name', { value: 'ModelwireError', writable: true, configurable: true })

/** A printed error would be all bytes and headers with these. */
function hide(error, field) {
  Object.defineProperty(error, field, { enumerable: false })
}

/** The answer to an operation that worked. */
class Response {
  #infoJson
  #info

  constructor(httpStatus, body, infoJson) {
    this.httpStatus = httpStatus
    this.body = body
    this.#infoJson = infoJson
  }

  get info() {
    this.#info ??= JSON.parse(this.#infoJson)
    return this.#info
  }

  text() {
    return this.body.toString()
  }

  json() {
    return JSON.parse(this.text())
  }
}

/** Copies a result and frees it; throws if it is a failure. `signal` is what may have cancelled. */
function take(result, signal) {
  try {
    const status = ffi.resultStatus(result)
    const httpStatus = ffi.resultHttpStatus(result)
    const body = ffi.resultBody(result)
    const infoJson = ffi.resultInfo(result, null)
    if (status === 0) return new Response(httpStatus, body, infoJson)
    throw failure(ffi.resultMessage(result), { status, httpStatus, body, info: JSON.parse(infoJson) }, signal)
  } finally {
    ffi.resultFree(result)
  }
}

/** For a status that comes without a result. */
function localError(status) {
  return new ModelwireError(ffi.statusName(status), { status })
}

function failure(message, fields, signal) {
  if (fields.status !== ffi.E_CANCELLED) return new ModelwireError(message, fields)
  const error = new ModelwireError(message, { ...fields, cause: signal?.aborted ? signal.reason : undefined })
  // The name by which Node's own functions are told apart when they were aborted.
  Object.defineProperty(error, 'name', { value: 'AbortError', configurable: true, writable: true })
  return error
}

module.exports = { ModelwireError, Response, localError, take }
