'use strict'

// The lines of an answer. The library hands over whole batches; a batch is copied once and the
// lines are views into that copy.

const ffi = require('./ffi.js')
const { Call } = require('./call.js')

const NEWLINE = 10

// How many bytes of lines are given out before the event loop gets a turn: reading a line that is
// there already goes through promises alone, and they would keep everything else waiting.
const TURN_BYTES = 65536

const none = Buffer.alloc(0)
const done = () => ({ value: undefined, done: true })

// Ends the call of a stream that nobody holds any more. Its waiting reads hold it.
const abandoned = new FinalizationRegistry((call) => call.close())

class Stream {
  #call
  #batch = none
  #at = 0
  #pauseAt = 0
  #asked = 0
  #last = Promise.resolve()
  #response = null

  constructor(provider, config, request, signal) {
    this.#call = new Call(ffi.OP.COMPLETIONS_STREAM, provider, config, request, signal)
    abandoned.register(this, this.#call, this)
  }

  get response() {
    return this.#response
  }

  [Symbol.asyncIterator]() {
    return this
  }

  next() {
    if (this.#asked === 0 && this.#at < this.#pauseAt) {
      return Promise.resolve({ value: this.#line(), done: false })
    }
    // One after another, for a program may ask again before it was answered.
    this.#asked++
    const answer = this.#last.then(() => this.#take())
    this.#last = answer.catch(() => {})
    return answer
  }

  /** Called by `for await` when its loop is left. */
  return() {
    this.close()
    return Promise.resolve(done())
  }

  cancel() {
    this.#call.cancel()
  }

  close() {
    this.#load(none)
    this.#call.close()
    abandoned.unregister(this)
  }

  #load(batch) {
    this.#batch = batch
    this.#at = 0
    this.#pauseAt = Math.min(batch.length, TURN_BYTES)
  }

  /** Batches end with a newline, so there is always one. */
  #line() {
    const start = this.#at
    const end = this.#batch.indexOf(NEWLINE, start)
    this.#at = end + 1
    return this.#batch.subarray(start, end)
  }

  async #take() {
    try {
      return await this.#taken()
    } finally {
      this.#asked--
    }
  }

  async #taken() {
    for (let waited = false; ;) {
      if (this.#at < this.#batch.length) {
        if (!waited && this.#at >= this.#pauseAt) {
          await new Promise(setImmediate)
          this.#pauseAt = Math.min(this.#batch.length, this.#at + TURN_BYTES)
        }
        return this.#at < this.#batch.length ? { value: this.#line(), done: false } : done()
      }
      const event = this.#call.next()
      if (event === ffi.EVENT.AGAIN) {
        waited = true
        await this.#call.readable()
      } else if (event === ffi.EVENT.LINES) {
        this.#load(this.#call.lines())
        if (!waited) this.#pauseAt = 0
      } else if (event === ffi.EVENT.ENDED) {
        abandoned.unregister(this)
        this.#response = this.#call.finish()
        return done()
      } else if (event === ffi.E_HANDLE) {
        return done()
      }
    }
  }
}

if (Symbol.asyncDispose) {
  Stream.prototype[Symbol.asyncDispose] = async function () {
    this.close()
  }
}

module.exports = { Stream }
