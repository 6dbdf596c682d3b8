'use strict'

// Runs every entry of tests/behaviours.json through this package.
//
//     node behaviours.js [FILE]
//
// An entry that asks for something unknown here fails, so that none is passed over in silence.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const modelwire = require('modelwire')
const { startUpstream } = require('./upstream.js')

const LIST = path.join(__dirname, '..', '..', '..', 'tests', 'behaviours.json')
const KEYS = ['name', 'provider', 'operation', 'config', 'request', 'script', 'cancel_after', 'open_gate', 'expect']
const EXPECTED = ['status', 'http_status', 'lines', 'all_lines', 'body', 'body_json', 'info', 'request']
const REQUEST = ['method', 'target', 'headers', 'body']

/** Performs the operation; {lines, status, httpStatus, body, info}. */
async function perform(entry, script, config) {
  const controller = new AbortController()
  const options = { signal: controller.signal }
  const lines = []
  let { open_gate: gate, cancel_after: after } = entry
  if (after === 'start') controller.abort()
  if (after === 'sent') script.waitForRequest().then(() => controller.abort())
  try {
    if (entry.operation === 'completions_stream') {
      const stream = modelwire.stream(entry.provider, config, octets(entry.request), options)
      for await (const line of stream) {
        lines.push(line)
        if (gate && lines.length >= gate.after_lines) {
          await script.open(gate.name)
          gate = undefined
        }
        if (lines.length >= after) controller.abort()
      }
      return outcome(lines, 'ok', stream.response)
    }
    const response = entry.operation === 'completions'
      ? await modelwire.completions(entry.provider, config, octets(entry.request), options)
      : await modelwire.testConnection(entry.provider, config, options)
    return outcome(lines, 'ok', response)
  } catch (error) {
    if (!(error instanceof modelwire.ModelwireError)) throw error
    assert.equal(error.name, error.code === 'cancelled' ? 'AbortError' : 'ModelwireError')
    return outcome(lines, error.code, error)
  }
}

const outcome = (lines, status, { httpStatus, body, info }) => ({ lines, status, httpStatus, body, info })

function compare(expect, found) {
  assert.equal(found.status, expect.status, 'status')
  assert.equal(found.httpStatus, expect.http_status, 'http_status')
  if ('lines' in expect) same(found.lines, expect.lines.map(octets), 'lines')
  if ('all_lines' in expect) {
    const all = Buffer.concat(found.lines.flatMap((line) => [line, Buffer.from('\n')]))
    assert.ok(all.equals(octets(expect.all_lines)), 'all_lines')
  }
  if ('body' in expect) same([found.body], [octets(expect.body)], 'body')
  for (const [key, value] of Object.entries(expect.body_json ?? {})) {
    assert.deepEqual(JSON.parse(found.body)[key], value, `body.${key}`)
  }
  for (const [key, value] of Object.entries(expect.info ?? {})) assert.deepEqual(found.info[key], value, `info.${key}`)
}

/** The upstream received exactly one request, or none where null is wanted. */
function compareRequest(expect, received) {
  assert.equal(received.length, expect === null ? 0 : 1, 'requests')
  if (expect === null) return
  const [request] = received
  if ('method' in expect) assert.equal(request.method, expect.method)
  if ('target' in expect) assert.equal(request.target, expect.target)
  if ('body' in expect) same([request.body], [octets(expect.body)], 'request body')
  for (const [name, value] of Object.entries(expect.headers ?? {})) {
    const values = request.headers.filter(([header]) => header.toLowerCase() === name).map(([, text]) => text)
    assert.deepEqual(values, [value], `request header ${name}`)
  }
}

/** Buffers of megabytes are not printed. */
function same(found, expected, what) {
  const equal = found.length === expected.length && found.every((bytes, i) => bytes.equals(expected[i]))
  const brief = (list) => list.map(String).join('|').slice(0, 200)
  assert.ok(equal, `${what}: ${brief(found)}, not ${brief(expected)}`)
}

/** Text, {base64}, {repeat, times}, or an array of these in a row. */
function octets(value) {
  if (typeof value === 'string') return Buffer.from(value)
  if (Array.isArray(value)) return Buffer.concat(value.map(octets))
  if ('base64' in value) return Buffer.from(value.base64, 'base64')
  return Buffer.from(value.repeat.repeat(value.times))
}

function known(object, keys) {
  for (const key of Object.keys(object)) assert.ok(keys.includes(key), `this runner does not know ${key}`)
}

async function check(upstream, entry) {
  known(entry, KEYS)
  known(entry.expect, EXPECTED)
  known(entry.expect.request ?? {}, REQUEST)
  assert.ok(['completions', 'completions_stream', 'test_connection'].includes(entry.operation), entry.operation)
  const script = await upstream.script(...entry.script)
  const text = typeof entry.config === 'string' ? entry.config : JSON.stringify(entry.config)
  compare(entry.expect, await perform(entry, script, text.replaceAll('{base}', script.base)))
  if ('request' in entry.expect) compareRequest(entry.expect.request, await script.requests())
}

async function main(file) {
  const { version, behaviours } = JSON.parse(fs.readFileSync(file, 'utf8'))
  assert.equal(version, 1, 'another version of the list')
  const upstream = await startUpstream()
  let failures = 0
  for (const entry of behaviours) {
    try {
      await check(upstream, entry)
    } catch (error) {
      failures++
      console.log(`${entry.name}: ${error.message}`)
    }
  }
  await upstream.stop()
  console.log(`behaviours: ${behaviours.length} entries, ${failures} failed`)
  process.exitCode = failures > 0 || behaviours.length === 0 ? 1 : 0
}

main(process.argv[2] ?? LIST)
