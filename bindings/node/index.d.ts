/// <reference types="node" />

/** JSON: an object to encode, or text or bytes that are used as they are. */
export type Json = object | string | Uint8Array

/** The name of a status; a library newer than this file may have more. */
export type Code =
  | 'argument' | 'handle' | 'config' | 'provider' | 'request' | 'model_not_allowed' | 'credentials'
  | 'connect' | 'tls' | 'timeout' | 'cancelled'
  | 'backend' | 'truncated' | 'protocol' | 'stream'
  | 'busy' | 'shutdown' | 'forked' | 'panic' | 'unknown'
  | (string & {})

/** Everything known about an operation. What does not apply is null. */
export interface Info {
  status: string
  message: string
  provider: string | null
  operation: string
  phase: 'prepare' | 'credentials' | 'send' | 'response' | 'stream' | 'done'
  model: string | null
  url: string | null
  http_status: number
  headers: [name: string, value: string][]
  request_id: string | null
  content_type: string | null
  retryable: boolean
  retry_after_ms: number | null
  timeout: 'connect' | 'response_header' | 'idle' | 'total' | null
  end: 'done' | 'terminal' | 'eof' | 'stopped' | 'cancelled' | 'error' | null
  error_code: string | null
  lines: number
  bytes_in: number
  bytes_out: number
  timings: {
    credentials_ms: number | null
    response_header_ms: number | null
    first_line_ms: number | null
    total_ms: number | null
  }
  attempts: number
  unused: string[]
  [field: string]: unknown
}

/** The answer to an operation that worked. */
export class Response {
  private constructor()
  /** 0 where nothing was sent. */
  readonly httpStatus: number
  /** The provider's answer, byte for byte; empty for a stream. */
  readonly body: Buffer
  readonly info: Info
  /** The body as UTF-8. */
  text(): string
  /** The body, decoded. */
  json(): any
}

/** Something did not work. Decide by `code` and the other fields, never by the message. */
export class ModelwireError extends Error {
  private constructor()
  /** "ModelwireError"; "AbortError" when the operation was cancelled, with the signal's reason as `cause`. */
  name: string
  readonly code: Code
  /** The number behind `code`; negative, and never changes its meaning. */
  readonly status: number
  /** 0 where no response came. */
  readonly httpStatus: number
  /** The provider's own error, byte for byte, where it sent one. */
  readonly body: Buffer
  /** Empty when the failure was local. */
  readonly info: Partial<Info>
  readonly retryable: boolean
  /** How long the provider asked to wait first. */
  readonly retryAfterMs: number | null
}

/**
 * The lines of an answer, without their line ends, byte for byte as they were sent. Iteration ends
 * when the stream did, or throws what ended it, after the lines that came before. Lines are views
 * into the batch they came in: copy one that is to be kept for long.
 */
export class Stream implements AsyncIterableIterator<Buffer> {
  private constructor()
  /** Status and info, once the stream has ended well; `info.end` says how. */
  readonly response: Response | null
  next(): Promise<IteratorResult<Buffer, undefined>>
  return(): Promise<IteratorResult<Buffer, undefined>>
  [Symbol.asyncIterator](): this
  /** Asks for the end. The reader gets what arrived, then an error of code "cancelled". */
  cancel(): void
  /** Cancels and forgets the stream; iteration is over. Leaving a `for await` loop does it. */
  close(): void
}

/** The verdict of a connection test. */
export interface Verdict {
  ok: boolean
  stage: 'connectivity' | 'authentication' | 'provider' | 'unsupported'
  status_code: number
  message: string
}

/** What would be sent. */
export interface Prepared {
  method: string
  url: string
  headers: unknown
  model: string | null
  body?: string
  body_base64?: string
}

export interface Options {
  /** Cancels the operation. */
  signal?: AbortSignal
}

/** Sends the request and resolves with the whole answer. */
export function completions(provider: string, config: Json, request: Json, options?: Options): Promise<Response>

/** Sends the request and returns the lines of its answer, to be read as they arrive. */
export function stream(provider: string, config: Json, request: Json, options?: Options): Stream

/**
 * Tests whether the provider can be reached and takes the credentials; `json()` is the Verdict.
 * Rejects only where there is none: codes "provider", "config", "shutdown", "cancelled".
 */
export function testConnection(provider: string, config: Json, options?: Options): Promise<Response>

/** The GET behind testConnection with a URL of one's own: {url, headers?, bearer?}. */
export function runHttpProbe(provider: string, request: Json, options?: Options): Promise<Response>

/** What an HTTP status would mean as the answer to a connection test. */
export function classifyProbeStatus(httpStatus: number, provider?: string | null): Verdict

/** What would be sent, with secrets redacted. Nothing is. */
export function prepare(provider: string, config: Json, request: Json, options?: { stream?: boolean }): Prepared

/** Checks the "options" of a config and returns them decoded and normalised. */
export function validateProviderOptions(provider: string, options: Json): Record<string, unknown>

export function supportedProviders(): string[]
export function isValidProvider(provider: string): boolean

/** Starts the library with options, before its first use. Optional; code "argument" when it runs already. */
export function init(options?: Json): void

/** Gives what runs some time, ends the rest, closes every connection. A later operation starts afresh. */
export function shutdown(graceMs?: number): Promise<void>

/** The total deadline of whole answers that start from now on. */
export function setDefaultHttpTimeout(timeoutMs: number): void

/** Version, providers, options, defaults, limits. */
export function describe(): Record<string, any>

/** What is alive: calls, results, pollers, threads, connections. */
export function stats(): Record<string, any>

/** The version of the native library. */
export function version(): string
