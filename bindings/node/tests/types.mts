// Never run: the TypeScript compiler reads it, in strict mode, as an ES module.

import { completions, ModelwireError, prepare, stats, stream, testConnection, type Info, type Response, type Verdict } from 'modelwire'

const config = { credentials: { api_key: 'k' } }
const { signal } = new AbortController()

const response: Response = await completions('openai', config, new Uint8Array(), { signal })
const body: Buffer = response.body
const info: Info = response.info
const id: string | null = info.request_id

const lines = stream('openai', '{}', '{}')
for await (const line of lines) {
  const bytes: Buffer = line
  void bytes
}
const end: Info['end'] | undefined = lines.response?.info.end
const next: IteratorResult<Buffer, undefined> = await lines.next()

const verdict: Verdict = (await testConnection('openai', config)).json()
const url: string = prepare('openai', config, {}, { stream: true }).url

try {
  stats()
} catch (error) {
  if (error instanceof ModelwireError && error.code === 'backend') {
    const wait: number | null = error.retryAfterMs
    void wait
  }
}

// @ts-expect-error a config is JSON
void completions('openai', 7, {})
// @ts-expect-error a request is needed
void stream('openai', {})
// @ts-expect-error there is one way to make one
void new ModelwireError('x')

void [body, id, end, next, verdict, url]
