'use strict'

// The scripted upstream as a process of its own; MODELWIRE_UPSTREAM names its program.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { setTimeout: sleep } = require('node:timers/promises')

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Say hello.' }] }
const STREAMED = { ...CHAT, stream: true }
const TWO_THEN_HANG = [{ chunked_open: ['data: one\n\n'] }, 'hang']

const answer = (body, status = 200, headers = {}) => [{ reply: { status, headers, body } }]

async function startUpstream() {
  const child = spawn(process.env.MODELWIRE_UPSTREAM, ['--until-eof'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return new Upstream(child, line.split(' ').pop())
}

class Upstream {
  #child
  #scripts = 0

  constructor(child, url) {
    this.#child = child
    this.url = url
  }

  async stop() {
    this.#child.stdin.end()
    await once(this.#child, 'exit')
  }

  async http(method, path, body) {
    const response = await fetch(this.url + path, { method, body })
    if (!response.ok) throw new Error(`the upstream answered ${response.status}: ${await response.text()}`)
    return response.json()
  }

  /** Has it give these replies, each a list of steps, under a path of their own. */
  async script(...replies) {
    const id = `node${this.#scripts++}`
    await this.http('PUT', `/__scripts/${id}`, JSON.stringify(replies))
    return new Script(this, id)
  }
}

class Script {
  #upstream
  #path

  constructor(upstream, id) {
    this.#upstream = upstream
    this.#path = `/__scripts/${id}`
    this.base = `${upstream.url}/s/${id}`
  }

  /** A config for openai_compatible. */
  config(more = {}) {
    return { credentials: { api_key: 'k' }, options: { base_url: this.base }, ...more }
  }

  open(gate) {
    return this.#upstream.http('POST', `${this.#path}/gates/${gate}`)
  }

  async requests() {
    const received = await this.#upstream.http('GET', `${this.#path}/requests`)
    return received.map((request) => ({ ...request, body: Buffer.from(request.body_base64, 'base64') }))
  }

  async waitForRequest() {
    await until(async () => (await this.requests()).length > 0)
  }
}

async function until(condition) {
  for (let i = 0; i < 2000; i++) {
    if (await condition()) return
    await sleep(10)
  }
  throw new Error('it did not come')
}

module.exports = { CHAT, STREAMED, TWO_THEN_HANG, answer, startUpstream, until }
