'use strict'

// Small programs, run to their end: nothing that nobody waits for keeps a process alive.

const assert = require('node:assert/strict')
const { execFile, spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { promisify } = require('node:util')
const { STREAMED, TWO_THEN_HANG, answer, startUpstream } = require('./upstream.js')

const run = promisify(execFile)
const root = path.join(__dirname, '..')
const timeout = 20_000
let upstream

before(async () => { upstream = await startUpstream() })
after(() => upstream.stop())

/** The output of a program that finds `config` and `request` ready. */
async function output(script, source, { type = 'commonjs', flags = [] } = {}) {
  const program = `const config = ${JSON.stringify(script.config())}, request = ${JSON.stringify(STREAMED)}\n${source}`
  const { stdout, stderr } = await run(
    process.execPath, [...flags, `--input-type=${type}`, '--eval', program], { cwd: root, timeout }
  )
  assert.equal(stderr, '')
  return stdout
}

const required = "const modelwire = require('modelwire')\n"

test('a program ends by itself after its last answer', async () => {
  const script = await upstream.script(answer('{}'))
  const source = "modelwire.completions('openai_compatible', config, request).then((r) => console.log(r.text()))"
  assert.equal(await output(script, required + source), '{}\n')
})

test('it is imported by modules too', async () => {
  const script = await upstream.script([{ sse: 'data: [DONE]\n\n' }])
  const source = "import * as all from 'modelwire'; import { stream } from 'modelwire'\n" +
    "for await (const line of stream('openai_compatible', config, request)) console.log(`${line}`)\n" +
    "console.log(Object.keys(await import('modelwire')).filter((name) => name in all.default).length > 15)"
  assert.equal(await output(script, source, { type: 'module' }), 'data: [DONE]\ntrue\n')
})

test('a stream that nobody reads keeps nothing alive', async () => {
  const script = await upstream.script(TWO_THEN_HANG)
  const source = "modelwire.stream('openai_compatible', config, request).next().then(() => console.log('read'))"
  assert.equal(await output(script, required + source), 'read\n')
})

test('a program exits while calls are in flight', async () => {
  const script = await upstream.script(['hang'])
  const source = "modelwire.completions('openai_compatible', config, request)\n" +
    "setTimeout(() => { console.log('out'); process.exit(0) }, 100)"
  assert.equal(await output(script, required + source), 'out\n')
})

test('a stream that is dropped is released', async () => {
  const script = await upstream.script(TWO_THEN_HANG)
  const source = "modelwire.stream('openai_compatible', config, request)\n" +
    'const look = () => modelwire.stats().calls === 0 ? console.log("gone") : (gc(), setTimeout(look, 10))\nsetTimeout(look)'
  assert.equal(await output(script, required + source, { flags: ['--expose-gc'] }), 'gone\n')
})

test('a worker thread has its own, and can be terminated', async () => {
  const script = await upstream.script(answer('{}'), ['hang'])
  const inside = "const modelwire = require('modelwire')\n" +
    "const { parentPort, workerData: [config, request] } = require('node:worker_threads')\n" +
    "modelwire.completions('openai_compatible', config, request).then((r) => {\n" +
    "  modelwire.completions('openai_compatible', config, request)\n  parentPort.postMessage(r.text())\n})"
  const source = `const { Worker } = require('node:worker_threads')\n` +
    `const worker = new Worker(${JSON.stringify(inside)}, { eval: true, workerData: [config, request] })\n` +
    "worker.once('message', async (text) => { console.log(text); console.log(await worker.terminate()) })"
  assert.equal(await output(script, source), '{}\n1\n')
})

test('a missing library is said', async () => {
  const env = { ...process.env, MODELWIRE_LIBRARY: '/nowhere/libmodelwire.so' }
  const failing = run(process.execPath, ['--eval', required], { cwd: root, env, timeout })
  await assert.rejects(failing, /the modelwire library cannot be loaded.*\/nowhere\/libmodelwire\.so/)
})

test('chat asks every provider', async () => {
  const env = { ...process.env }
  for (const key of ['OPENAI', 'ANTHROPIC', 'GEMINI', 'MISTRAL', 'GROQ', 'DEEPSEEK']) env[`${key}_API_KEY`] = 'k'
  const bases = {
    openai: '/v1', openai_compatible: '/v1', anthropic: '', google: '', mistral: '/v1', groq: '/v1', deepseek: ''
  }
  for (const [provider, base] of Object.entries(bases)) {
    const { stdout } = await run(
      process.execPath, ['examples/chat.mjs', '--base-url', upstream.url + base, provider, 'm', 'banana'],
      { cwd: root, env, timeout }
    )
    assert.match(stdout, /banana/)
  }
  const refusing = await upstream.script(answer('slow down', 429))
  const refused = run(
    process.execPath, ['examples/chat.mjs', '--base-url', refusing.base, 'openai_compatible', 'm', 'p'],
    { cwd: root, env, timeout }
  )
  await assert.rejects(refused, (error) => error.code === 1 && error.stderr === 'chat: 429: slow down\n')
})

test('chat is cancelled by Ctrl-C', { skip: process.platform === 'win32' }, async () => {
  const script = await upstream.script(TWO_THEN_HANG)
  const args = ['examples/chat.mjs', '--base-url', script.base, 'openai_compatible', 'm', 'p']
  const env = { ...process.env, OPENAI_API_KEY: 'k' }
  const chat = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(chat.stdout, 'data')
  chat.kill('SIGINT')
  assert.deepEqual(await once(chat, 'exit'), [130, null])
})

test('the README begins with chat', async () => {
  const fs = require('node:fs')
  const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8')
  const printed = /```js\n(.*?)```\n/s.exec(readme)[1]
  assert.equal(printed, fs.readFileSync(path.join(root, 'examples', 'chat.mjs'), 'utf8'))
})
