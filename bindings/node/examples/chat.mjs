// Asks a model and prints the answer, line by line as it arrives. Ctrl-C cancels.
//
//     node chat.mjs [--base-url URL] PROVIDER MODEL PROMPT

import { parseArgs } from 'node:util'
import { stream } from 'modelwire'

const keys = {
  openai: 'OPENAI_API_KEY',
  openai_compatible: 'OPENAI_API_KEY', // needs --base-url
  anthropic: 'ANTHROPIC_API_KEY',
  google: 'GEMINI_API_KEY',
  mistral: 'MISTRAL_API_KEY',
  groq: 'GROQ_API_KEY',
  deepseek: 'DEEPSEEK_API_KEY'
}

const asked = parseArgs({ options: { 'base-url': { type: 'string' } }, allowPositionals: true })
const [provider, model, prompt] = asked.positionals
if (prompt === undefined || !(provider in keys)) {
  console.error(`usage: chat.mjs [--base-url URL] PROVIDER MODEL PROMPT\nproviders: ${Object.keys(keys).join(', ')}`)
  process.exit(2)
}

const config = { credentials: { api_key: process.env[keys[provider]] ?? '' } }
if (asked.values['base-url']) config.options = { base_url: asked.values['base-url'] }

// The request is the provider's own; modelwire changes no byte of it.
const messages = [{ role: 'user', content: prompt }]
const request = provider === 'google'
  ? { model, contents: [{ role: 'user', parts: [{ text: prompt }] }] }
  : { model, stream: true, max_tokens: 1024, messages }

const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort())

try {
  for await (const line of stream(provider, config, request, { signal: interrupt.signal })) {
    console.log(line.toString())
  }
} catch (error) {
  if (error.name === 'AbortError') process.exit(130)
  console.error(error.code === 'backend' ? `chat: ${error.httpStatus}: ${error.body}` : `chat: ${error.code}: ${error.message}`)
  process.exitCode = 1
}
