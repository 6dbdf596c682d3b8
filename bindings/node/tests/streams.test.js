'use strict'

const assert = require('node:assert/strict')
const { after, afterEach, before, test } = require('node:test')
const { setImmediate: turn } = require('node:timers/promises')
const modelwire = require('modelwire')
const { STREAMED, TWO_THEN_HANG, answer, startUpstream, until } = require('./upstream.js')

const PROVIDER = 'openai_compatible'
const THREE = [{ sse: 'data: one\n\ndata: [DONE]\n\n' }]
const LINES = ['data: one', '', 'data: [DONE]']
let upstream

before(async () => { upstream = await startUpstream() })
after(() => upstream.stop())
afterEach(() => assert.equal(modelwire.stats().calls, 0))

async function open(replies, options) {
  const script = await upstream.script(...replies)
  return modelwire.stream(PROVIDER, script.config(), STREAMED, options)
}

async function read(stream, lines = []) {
  for await (const line of stream) lines.push(line.toString())
  return lines
}

test('lines, then the response', async () => {
  const stream = await open([THREE])
  assert.equal(stream.response, null)
  assert.deepEqual(await read(stream), LINES)
  assert.equal(stream.response.info.end, 'done')
  assert.deepEqual(await read(stream), [])
})

test('a line comes when it was sent', async () => {
  const script = await upstream.script(
    [{ chunked_open: ['data: one\n\n'] }, { wait_for: 'more' }, { send: 'c\r\ndata: [DONE]\r\n0\r\n\r\n' }]
  )
  const stream = modelwire.stream(PROVIDER, script.config(), STREAMED)
  assert.equal((await stream.next()).value.toString(), 'data: one')
  await script.open('more')
  assert.deepEqual(await read(stream), LINES.slice(1))
})

test('lines that are asked for ahead come in order', async () => {
  const stream = await open([[{ sse_chunks: ['data: one\n', '\ndata: [DO', 'NE]\n\n'] }]])
  const asked = await Promise.all(Array.from({ length: 5 }, () => stream.next()))
  assert.deepEqual(asked.map(({ value }) => value?.toString()), [...LINES, undefined, undefined])
  assert.deepEqual(asked.map(({ done }) => done), [false, false, false, true, true])
})

test('lines before a failure come first', async () => {
  const stream = await open([[{ chunked_open: ['data: one\n\n'] }, 'close']])
  const got = []
  await assert.rejects(read(stream, got), (error) => error.code === 'truncated' && error.info.lines === 2)
  assert.deepEqual(got, LINES.slice(0, 2))
  assert.equal(stream.response, null)
})

test('a refusal is thrown by the first line', async () => {
  const stream = await open([answer('no', 400)])
  await assert.rejects(stream.next(), { code: 'backend', httpStatus: 400 })
})

test('leaving the loop releases the call', async () => {
  for await (const line of await open([TWO_THEN_HANG])) {
    assert.equal(line.toString(), 'data: one')
    break
  }
  assert.equal(modelwire.stats().calls, 0)
})

test('closing ends whoever waits', async () => {
  const stream = await open([TWO_THEN_HANG])
  const got = []
  const reading = read(stream, got)
  await until(() => got.length === 2)
  stream.close()
  assert.deepEqual(await reading, LINES.slice(0, 2))
})

test('using disposes', { skip: !Symbol.asyncDispose }, async () => {
  const stream = await open([TWO_THEN_HANG])
  await stream.next()
  await stream[Symbol.asyncDispose]()
  assert.equal(modelwire.stats().calls, 0)
})

test('a signal cancels, after what came', async () => {
  const controller = new AbortController()
  const stream = await open([TWO_THEN_HANG], { signal: controller.signal })
  const got = []
  const reading = read(stream, got)
  await until(() => got.length === 2)
  controller.abort()
  await assert.rejects(reading, (error) => error.name === 'AbortError' && error.info.end === 'cancelled')
})

test('any bytes pass', async () => {
  const sent = Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: \xff\x00\xfe\n\r\n', 'latin1')
  const got = []
  for await (const line of await open([[{ send_base64: sent.toString('base64') }, 'close']])) got.push(line)
  assert.deepEqual(got, [Buffer.from('data: \xff\x00\xfe', 'latin1'), Buffer.alloc(0)])
})

test('many at once, while the event loop goes on', async () => {
  const script = await upstream.script(
    [{ chunked_open: ['data: one\n\n'] }, { wait_for: 'all' }, { send: 'c\r\ndata: [DONE]\r\n0\r\n\r\n' }]
  )
  const all = Array.from({ length: 100 }, () => [])
  const reading = all.map((got) => read(modelwire.stream(PROVIDER, script.config(), STREAMED), got))
  await until(() => all.every((got) => got.length > 0))
  assert.equal(modelwire.stats().pollers, 1)
  await script.open('all')
  for (const got of await Promise.all(reading)) assert.deepEqual(got, LINES)
})

test('a fast stream lets others run', async () => {
  const block = 'data: x\n\n'.repeat(1000)
  const head = 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'
  const stream = await open([[{ send: head }, { repeat: { text: block, times: 200 } }, 'close']])
  let turns = 0
  let lines = 0
  let ended = false
  const ticking = (async () => { for (; !ended; turns++) await turn() })()
  for await (const _ of stream) lines++
  ended = true
  await ticking
  assert.equal(lines, 400_000)
  assert.ok(turns > 10, `${turns} turns`)
})
