'use strict'

// Wakes whoever waits for a call. One native wait on a worker thread stands for all of them, and
// only while there are any: nothing here keeps a process alive for which nobody waits.

const ffi = require('./ffi.js')

const CAPACITY = 256

// The longest that a native wait lasts. Waits are ended when they are no longer needed; this is
// for a worker that is terminated, where no JavaScript runs any more that could.
const SLICE_MS = 1000

// With so many waiting at once, and tokens less than so many milliseconds apart, tokens are looked
// for that often instead of being waited for: one native wait for each costs two thread switches.
const CROWD = 8
const PAUSE_MS = 1

const handle = ffi.pollerNew()
const tokens = new BigUint64Array(CAPACITY)
const waiters = new Map()
let lastToken = 0
let turning = false
let asleep = false
let asleepSince = 0

/** A number that stands for one call. */
function newToken() {
  return ++lastToken
}

/** Resolves when the call of this token became readable since EVENT_AGAIN, or its start. */
function wait(token) {
  return new Promise((resolve) => {
    waiters.set(token, resolve)
    schedule()
  })
}

/** Ends the wait for a call that is no longer of interest. */
function forget(token) {
  const resolve = waiters.get(token)
  if (resolve === undefined) return
  waiters.delete(token)
  resolve()
  if (waiters.size === 0 && asleep) ffi.pollerWake(handle)
}

function schedule() {
  if (turning) return
  turning = true
  setImmediate(turn)
}

/** Takes what is ready, for under load something always is, and sleeps only if nothing was. */
function turn() {
  if (waiters.size === 0) {
    turning = false
  } else if (dispatch(ffi.pollerWait(handle, 0, tokens, CAPACITY))) {
    goOn(true)
  } else {
    sleep()
  }
}

function goOn(busy) {
  if (busy && waiters.size >= CROWD) setTimeout(turn, PAUSE_MS)
  else setImmediate(turn)
}

function sleep() {
  try {
    ffi.pollerWait.async(handle, SLICE_MS, tokens, CAPACITY, awoken)
    asleep = true
    asleepSince = performance.now()
  } catch {
    setTimeout(turn, 10) // The queue of koffi's asynchronous calls is full of others' calls.
  }
}

function awoken(_error, count) {
  asleep = false
  dispatch(count)
  goOn(performance.now() - asleepSince < PAUSE_MS)
}

function dispatch(count) {
  for (let i = 0; i < count; i++) {
    const token = Number(tokens[i])
    const resolve = waiters.get(token)
    if (resolve !== undefined) {
      waiters.delete(token)
      resolve()
    }
  }
  return count > 0
}

// A process does not exit before its worker threads are done.
process.on('exit', () => ffi.pollerWake(handle))

module.exports = { forget, handle, newToken, wait }
