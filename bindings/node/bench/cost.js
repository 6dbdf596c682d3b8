'use strict'

// CPU time of a whole answer and of a streamed line, beside fetch doing the same raw work.
//
//     node cost.js [--answers 2000] [--lines 200000] [--streams 100] [--rounds 3]
//
// Needs the bundled upstream (MODELWIRE_UPSTREAM). Both sides ask the same server for the same
// bytes; every figure is the CPU time of this process, all its threads included, as getrusage
// tells it. The paced part keeps many streams open, with an event every 50 ms.

const { parseArgs } = require('node:util')
const modelwire = require('modelwire')
const { CHAT, STREAMED, startUpstream } = require('../tests/upstream.js')

const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'hello ' } }], id: 'c'.repeat(60) })}\n\n`
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const PACED_EVENTS = 20

class Modelwire {
  constructor(script) {
    this.config = JSON.stringify(script.config())
  }

  async answer() {
    return (await modelwire.completions('openai_compatible', this.config, JSON.stringify(CHAT))).body
  }

  lines() {
    return modelwire.stream('openai_compatible', this.config, JSON.stringify(STREAMED))
  }
}

class Fetch {
  constructor(script) {
    this.url = `${script.base}/chat/completions`
  }

  post(request) {
    const headers = { authorization: 'Bearer k', 'content-type': 'application/json' }
    return fetch(this.url, { method: 'POST', headers, body: JSON.stringify(request) })
  }

  async answer() {
    return Buffer.from(await (await this.post(CHAT)).arrayBuffer())
  }

  async * lines() {
    let rest = Buffer.alloc(0)
    for await (const chunk of (await this.post(STREAMED)).body) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      let start = 0
      for (let end; (end = bytes.indexOf(10, start)) !== -1; start = end + 1) yield bytes.subarray(start, end)
      rest = bytes.subarray(start)
    }
  }
}

async function answers(side, count) {
  for (let i = 0; i < count; i++) await side.answer()
  return count
}

async function count(lines) {
  let n = 0
  for await (const _ of lines) n++
  return n
}

async function paced(side, streams) {
  const counts = await Promise.all(Array.from({ length: streams }, () => count(side.lines())))
  return counts.reduce((sum, n) => sum + n)
}

/** Microseconds of CPU for each unit that `work` says it did. */
async function measured(work) {
  const before = process.cpuUsage()
  const units = await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / units
}

async function main() {
  const number = (value) => ({ type: 'string', default: value })
  const { values } = parseArgs({
    options: { answers: number('2000'), lines: number('200000'), streams: number('100'), rounds: number('3') }
  })
  const [wholes, lines, streams, rounds] = ['answers', 'lines', 'streams', 'rounds'].map((name) => Number(values[name]))
  const upstream = await startUpstream()
  const chunk = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n`
  const end = { send: '0\r\n\r\n' }
  const body = JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'hello '.repeat(40) } }] })
  const whole = await upstream.script([{ reply: { body } }])
  const flood = await upstream.script([{ send: HEAD }, { repeat: { text: chunk, times: lines / 2 } }, end])
  const steady = Array.from({ length: PACED_EVENTS }, () => [{ send: chunk }, { pause_ms: 50 }]).flat()
  const slow = await upstream.script([{ send: HEAD }, ...steady, end])

  const row = (name, ...cells) => console.log(name.padEnd(34) + cells.map((cell) => cell.padStart(12)).join(''))
  row('microseconds of CPU', 'modelwire', 'fetch', 'ratio')
  for (const [name, script, work] of [
    ['a whole answer', whole, (side) => answers(side, wholes)],
    ['a line, sent as fast as it goes', flood, (side) => count(side.lines())],
    [`a line, ${streams} streams at 40/s`, slow, (side) => paced(side, streams)]
  ]) {
    const best = []
    for (const side of [new Modelwire(script), new Fetch(script)]) {
      await work(side) // Connections, caches and the compiler first.
      const costs = []
      for (let i = 0; i < rounds; i++) costs.push(await measured(() => work(side)))
      best.push(Math.min(...costs))
    }
    row(name, best[0].toFixed(2), best[1].toFixed(2), (best[0] / best[1]).toFixed(2))
  }
  await upstream.stop()
}

main()
