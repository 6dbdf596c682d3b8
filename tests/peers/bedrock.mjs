// A Bedrock runtime on loopback whose frames are encoded, and whose requests' signatures are
// verified, by @smithy's packages. What it answers is chosen by the model's name.
//
//     node bedrock.mjs DIRECTORY-OF-NODE_MODULES
//
// prints `listening on PORT` and ends when its standard input does.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/`);
const { EventStreamCodec } = require('@smithy/eventstream-codec');
const { HttpRequest } = require('@smithy/protocol-http');
const { SignatureV4 } = require('@smithy/signature-v4');
const { fromUtf8, toUtf8 } = require('@smithy/util-utf8');
const { Sha256 } = require('@aws-crypto/sha256-js');

const BEARER = 'Bearer bedrock-api-key';
const KEYS = { AKIDEXAMPLE: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const REGION = 'us-east-1';
const codec = new EventStreamCodec(toUtf8, fromUtf8);

// Why a request is refused: [errortype, message], or nothing.
async function refusal(request, body, now) {
  const given = request.headers.authorization ?? '';
  if (given === BEARER) return undefined;
  const parsed = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(given);
  if (!parsed) return ['MissingAuthenticationTokenException', 'no signature'];
  const [, id, region, service, names] = parsed;
  if (!(id in KEYS)) return ['UnrecognizedClientException', 'The security token included in the request is invalid.'];
  if (region !== REGION || service !== 'bedrock') return ['InvalidSignatureException', 'Credential scope'];
  const date = new Date(request.headers['x-amz-date'].replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'));
  if (Math.abs(now - date) > 5 * 60_000) return ['InvalidSignatureException', 'Signature expired'];
  const signed = names.split(';');
  const needed = Object.keys(request.headers).filter((name) => name.startsWith('x-amz')).concat('host', 'content-type');
  if (!needed.every((name) => signed.includes(name))) return ['InvalidSignatureException', 'unsigned headers'];
  const headers = Object.fromEntries(signed.map((name) => [name, request.headers[name]]));
  const sessionToken = headers['x-amz-security-token'];
  const signer = new SignatureV4({
    service, region, sha256: Sha256, applyChecksum: false,
    credentials: { accessKeyId: id, secretAccessKey: KEYS[id], sessionToken },
  });
  const expected = await signer.sign(
    new HttpRequest({ method: request.method, protocol: 'http:', hostname: request.headers.host, path: request.url, headers, body }),
    { signingDate: date, signableHeaders: new Set(signed), unsignableHeaders: new Set() },
  );
  if (expected.headers.authorization !== given) {
    return ['InvalidSignatureException', 'The request signature we calculated does not match the signature you provided.'];
  }
  return undefined;
}

const header = (value) => ({ type: 'string', value });
const frame = (headers, payload) => Buffer.from(codec.encode({
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, header(value)])),
  body: fromUtf8(typeof payload === 'string' ? payload : JSON.stringify(payload)),
}));
const chunk = (event) => frame(
  { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
  { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcdefghij' },
);
const events = [{ n: 1, text: 'hé' }, { n: 2 }, { n: 3, last: true }].map(chunk);
const damaged = (bytes) => { const copy = Buffer.from(bytes); copy[copy.length - 1] ^= 1; return copy; };

const STREAMS = {
  exception: () => [events[0], frame({ ':exception-type': 'throttlingException', ':message-type': 'exception', ':content-type': 'application/json' }, { message: 'Too many requests' })],
  error: () => [events[0], frame({ ':error-code': 'InternalServerError', ':error-message': 'it broke', ':message-type': 'error' }, '')],
  'bad-crc': () => [events[0], damaged(events[1]), events[2]],
  cut: () => [events[0], events[1].subarray(0, 20)],
};

async function stream(response, model) {
  const bytes = Buffer.concat((STREAMS[model] ?? (() => events))());
  const size = { bytewise: 1, sevens: 7 }[model] ?? bytes.length;
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'r-1' });
  for (let at = 0; at < bytes.length; at += size) {
    response.write(bytes.subarray(at, at + size));
    if (size < bytes.length) await new Promise(setImmediate);
  }
  response.end();
}

const FAILURES = {
  busy: [429, 'ThrottlingException', { 'retry-after': '3' }],
  wrong: [400, 'ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/', {}],
};

function fail(response, status, type, message, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type, ...headers });
  response.end(JSON.stringify({ message }));
}

async function answer(request, response, body) {
  const path = /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream)$/.exec(request.url);
  if (request.method === 'GET' && request.url === '/foundation-models') {
    const refused = await refusal(request, body, Date.now());
    return refused ? fail(response, 403, ...refused) : response.end('{"modelSummaries":[]}');
  }
  if (!path) return fail(response, 404, 'UnknownOperationException', request.url);
  const model = decodeURIComponent(path[1]);
  // This server's clock is right, or ten minutes ahead of everybody else's.
  const now = Date.now() + (model === 'ahead' ? 10 * 60_000 : 0);
  response.setHeader('date', new Date(now).toUTCString());
  const refused = await refusal(request, body, now);
  if (refused) return fail(response, 403, ...refused);
  if (model in FAILURES) {
    const [status, type, headers] = FAILURES[model];
    return fail(response, status, type, `this is ${model}`, headers);
  }
  if (path[2] === 'invoke-with-response-stream') return stream(response, model);
  if (request.headers.accept !== 'application/json') return fail(response, 400, 'ValidationException', 'accept');
  response.writeHead(200, {
    'content-type': 'application/json',
    'x-amzn-bedrock-input-token-count': '11',
    'x-amzn-bedrock-output-token-count': '7',
  });
  response.end(JSON.stringify({ path: request.url, body: body.toString() }));
}

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => answer(request, response, Buffer.concat(pieces)).catch((error) => {
    fail(response, 500, 'InternalServerException', String(error));
  }));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.stdin.resume().on('end', () => process.exit(0));
