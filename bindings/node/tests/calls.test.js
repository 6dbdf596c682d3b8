'use strict'

// Whole answers: what comes back, what is thrown, how it is cancelled.

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const modelwire = require('modelwire')
const { CHAT, TWO_THEN_HANG, answer, startUpstream } = require('./upstream.js')

const PROVIDER = 'openai_compatible'
let upstream

before(async () => { upstream = await startUpstream() })
after(() => upstream.stop())

test("an answer is the provider's bytes", async () => {
  const script = await upstream.script(answer('{"a": 1}', 201, { 'x-request-id': 'r' }))
  const response = await modelwire.completions(PROVIDER, script.config(), CHAT)
  assert.equal(response.httpStatus, 201)
  assert.deepEqual(response.body, Buffer.from('{"a": 1}'))
  assert.deepEqual([response.text(), response.json()], ['{"a": 1}', { a: 1 }])
  assert.equal(response.info.request_id, 'r')
})

test('config and request are objects, text or bytes', async () => {
  const script = await upstream.script(answer('{}'))
  const text = JSON.stringify(CHAT)
  const config = JSON.stringify(script.config())
  for (const encode of [String, Buffer.from, (value) => new TextEncoder().encode(value), JSON.parse]) {
    await modelwire.completions(PROVIDER, encode(config), encode(text))
  }
  for (const request of await script.requests()) assert.equal(request.body.toString(), text)
})

test('what is no input is refused here', async () => {
  await assert.rejects(modelwire.completions(PROVIDER, 7, CHAT), TypeError)
  await assert.rejects(modelwire.completions(PROVIDER, {}, null), TypeError)
  await assert.rejects(modelwire.completions('openai\0', {}, CHAT), TypeError)
  await assert.rejects(modelwire.completions(undefined, {}, CHAT), TypeError)
  await assert.rejects(modelwire.completions(PROVIDER, {}, CHAT, { signal: 'now' }), TypeError)
  assert.throws(() => modelwire.stream(PROVIDER, null, CHAT), TypeError)
})

test('a refusal carries what the provider said', async () => {
  const script = await upstream.script(answer('{"error":{"code":"slow"}}', 429, { 'retry-after': '2' }))
  await assert.rejects(modelwire.completions(PROVIDER, script.config(), CHAT), (error) => {
    assert.ok(error instanceof modelwire.ModelwireError)
    assert.deepEqual([error.name, error.code, error.status, error.httpStatus], ['ModelwireError', 'backend', -40, 429])
    assert.equal(error.body.toString(), '{"error":{"code":"slow"}}')
    assert.deepEqual([error.retryable, error.retryAfterMs], [true, 2000])
    assert.equal(error.info.error_code, 'slow')
    return true
  })
})

test('each kind of failure has its code', async () => {
  const hang = await upstream.script(['hang'])
  const closed = await upstream.script(['close'])
  const nobody = { options: { base_url: 'http://127.0.0.1:1' }, credentials: { api_key: 'k' } }
  for (const [code, provider, config] of [
    ['provider', 'nobody', {}],
    ['config', PROVIDER, '{'],
    ['credentials', 'openai', {}],
    ['model_not_allowed', PROVIDER, hang.config({ allowed_models: ['x'] })],
    ['connect', PROVIDER, nobody],
    ['truncated', PROVIDER, closed.config()],
    ['timeout', PROVIDER, hang.config({ timeouts: { total_ms: 50 } })]
  ]) {
    await assert.rejects(modelwire.completions(provider, config, CHAT), { code })
  }
})

test('a signal cancels', async () => {
  const script = await upstream.script(['hang'])
  const controller = new AbortController()
  const asked = modelwire.completions(PROVIDER, script.config(), CHAT, { signal: controller.signal })
  await script.waitForRequest()
  const reason = new Error('enough')
  controller.abort(reason)
  await assert.rejects(asked, { name: 'AbortError', code: 'cancelled', cause: reason })
})

test('a signal that was aborted before cancels at once', async () => {
  const script = await upstream.script(['hang'])
  const signal = AbortSignal.abort()
  await assert.rejects(modelwire.completions(PROVIDER, script.config(), CHAT, { signal }), { name: 'AbortError' })
})

test('a signal is left alone when the call is over', async () => {
  const script = await upstream.script(answer('{}'))
  const { signal } = new AbortController()
  let listeners = 0
  const add = signal.addEventListener
  const remove = signal.removeEventListener
  signal.addEventListener = function (...args) { listeners++; return add.apply(this, args) }
  signal.removeEventListener = function (...args) { listeners--; return remove.apply(this, args) }
  await modelwire.completions(PROVIDER, script.config(), CHAT, { signal })
  assert.equal(listeners, 0)
})

test('many at once', async () => {
  const script = await upstream.script(answer('{}'))
  const asked = Array.from({ length: 200 }, () => modelwire.completions(PROVIDER, script.config(), CHAT))
  for (const response of await Promise.all(asked)) assert.equal(response.text(), '{}')
})

test('nothing is left behind', async () => {
  const script = await upstream.script(answer('{}'), answer('no', 500))
  await modelwire.completions(PROVIDER, script.config(), CHAT)
  await assert.rejects(modelwire.completions(PROVIDER, script.config(), CHAT), { code: 'backend' })
  const { calls, results } = modelwire.stats()
  assert.equal(calls, 0)
  assert.ok(results <= 1, 'the result that carries these numbers may count itself')
})

test('a connection test', async () => {
  const good = await upstream.script(answer('{}'))
  assert.equal((await modelwire.testConnection(PROVIDER, good.config())).json().ok, true)
  const bad = await upstream.script(answer('{}', 401))
  assert.equal((await modelwire.testConnection(PROVIDER, bad.config())).json().stage, 'authentication')
  const probe = await modelwire.runHttpProbe(PROVIDER, { url: `${good.base}/own`, bearer: 'b' })
  assert.equal(probe.json().ok, true)
  assert.equal((await good.requests())[1].target, '/own')
})

test('what the library supports', () => {
  assert.ok(modelwire.supportedProviders().includes('anthropic'))
  assert.equal(modelwire.isValidProvider('openai'), true)
  assert.equal(modelwire.isValidProvider('nobody'), false)
  assert.equal(modelwire.describe().version, modelwire.version())
  assert.equal(modelwire.version(), require('modelwire/package.json').version)
})

test('options are checked, a request is shown, a status is classified', () => {
  const options = modelwire.validateProviderOptions(PROVIDER, { base_url: 'http://localhost/v1/' })
  assert.equal(options.base_url, 'http://localhost/v1')
  assert.throws(() => modelwire.validateProviderOptions(PROVIDER, {}), { code: 'config' })
  const sent = modelwire.prepare('openai', { credentials: { api_key: 'secret' } }, CHAT, { stream: true })
  assert.equal(sent.method, 'POST')
  assert.ok(!JSON.stringify(sent).includes('secret'))
  assert.equal(modelwire.classifyProbeStatus(401).ok, false)
  assert.equal(modelwire.classifyProbeStatus(400, 'google').stage, 'authentication')
})

test('stopping and starting afresh', async () => {
  const script = await upstream.script(TWO_THEN_HANG)
  const stream = modelwire.stream(PROVIDER, script.config(), CHAT)
  await stream.next()
  await modelwire.shutdown()
  await stream.next()
  await assert.rejects(stream.next(), { code: 'shutdown' })
  modelwire.init({ worker_threads: 1 })
  assert.throws(() => modelwire.init(), { code: 'argument' })
  const again = await upstream.script(answer('{}'))
  assert.equal((await modelwire.completions(PROVIDER, again.config(), CHAT)).text(), '{}')
})
