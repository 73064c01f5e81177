import { request } from "./testing/rawClient.ts";

/** What a request must come to: served by the arm, or refused before it with this status and code. */
export interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly status: number;
  /** null: served; "": refused by a bare reply of Node or ours without a problem body. */
  readonly code: string | null;
  readonly isHead?: boolean;
}

const HOST = "Host: api.example";
const get = (...lines: string[]) => request(["GET /calls/a HTTP/1.1", HOST, ...lines]);
const post = (lines: readonly string[], body = "") => request(["POST /calls/a HTTP/1.1", HOST, ...lines], body);
const bad = (name: string, bytes: string): Row => ({ name, bytes, status: 400, code: "SY_BAD_REQUEST" });
const served = (name: string, bytes: string): Row => ({ name, bytes, status: 200, code: null });
const CHUNKED = "Transfer-Encoding: chunked";
const BODY = "3\r\nabc\r\n0\r\n\r\n";

/** F2: `Transfer-Encoding` is one header, `chunked`, HTTP/1.1, without a length. */
export const CODINGS: readonly Row[] = [
  served("chunked", post([CHUNKED], BODY)),
  served("chunked in capitals", post(["Transfer-Encoding: CHUNKED"], BODY)),
  served("chunk sizes in both cases", post([CHUNKED], "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n")),
  served("a length", post(["Content-Length: 3"], "abc")),
  served("a length of zero", post(["Content-Length: 0"])),
  ...[
    "gzip, chunked",
    "identity, chunked",
    "chunked, chunked",
    "chunked, identity",
    "chunked,",
    ",chunked",
    "identity",
    "gzip",
    "xchunked",
    "chunkedx",
    "chunked;q=1",
    '"chunked"',
    "chunk ed",
    "chunked\tx",
    "",
  ].map((coding) => bad(`coding ${JSON.stringify(coding)}`, post([`Transfer-Encoding: ${coding}`], BODY))),
  bad("coding with a vertical tab", post(["Transfer-Encoding: \x0bchunked"], BODY)),
  bad("coding with a raw high byte", post(["Transfer-Encoding: chunked\xa0"], BODY)),
  bad("two headers, both chunked", post([CHUNKED, CHUNKED], BODY)),
  bad("two headers, identity first", post(["Transfer-Encoding: identity", CHUNKED], BODY)),
  bad("two headers, identity last", post([CHUNKED, "Transfer-Encoding: identity"], BODY)),
  bad("chunked beside a length", post([CHUNKED, "Content-Length: 13"], BODY)),
  bad("a length beside chunked", post(["Content-Length: 13", CHUNKED], BODY)),
  bad("chunked beside a length of zero", post([CHUNKED, "Content-Length: 0"], BODY)),
  bad("chunked on HTTP/1.0", request(["POST /calls/a HTTP/1.0", HOST, CHUNKED], BODY)),
  bad("a blank before the colon", post(["Transfer-Encoding : chunked"], BODY)),
  bad("a folded coding", post(["Transfer-Encoding:\r\n chunked"], BODY)),
  bad("a folded second coding", post(["Transfer-Encoding: chunked\r\n , identity"], BODY)),
];

/** Lengths that two readers could take for different numbers. */
export const LENGTHS: readonly Row[] = [
  ...["+3", "-3", "3.0", "0x3", "3 ", "3,3", "3, 3", "3;3", "abc", "", "1e1", "9999999999999999999999"]
    .filter((length) => length !== "3 ")
    .map((length) => bad(`length ${JSON.stringify(length)}`, post([`Content-Length: ${length}`], "abc"))),
  bad("two equal lengths", post(["Content-Length: 3", "Content-Length: 3"], "abc")),
  bad("two different lengths", post(["Content-Length: 3", "Content-Length: 4"], "abcd")),
  bad("two lengths in different case", post(["Content-Length: 3", "content-length: 3"], "abc")),
  bad("a length with a blank inside", post(["Content-Length: 1 1"], "abc")),
  {
    name: "a length above the limit",
    bytes: post(["Content-Length: 2097153"]),
    status: 413,
    code: "SY_BODY_TOO_LARGE",
  },
];

/** F8: bodies where the route has none. */
export const BODIES: readonly Row[] = ["GET", "HEAD", "DELETE", "OPTIONS"].flatMap((method): Row[] => {
  const isHead = method === "HEAD";
  const code = isHead ? "" : "SY_BAD_REQUEST";
  return [
    {
      name: `${method} with a length`,
      bytes: request([`${method} /calls/a HTTP/1.1`, HOST, "Content-Length: 3"], "abc"),
      status: 400,
      code,
      isHead,
    },
    {
      name: `${method} chunked`,
      bytes: request([`${method} /calls/a HTTP/1.1`, HOST, CHUNKED], BODY),
      status: 400,
      code,
      isHead,
    },
    {
      name: `${method} with a length of zero`,
      bytes: request([`${method} /calls/a HTTP/1.1`, HOST, "Content-Length: 0"]),
      status: 200,
      code: null,
      isHead,
    },
    {
      name: `${method} with a length where the route allows it`,
      bytes: request([`${method} /open/a HTTP/1.1`, HOST, "Content-Length: 3"], "abc"),
      status: 200,
      code: null,
      isHead,
    },
    {
      name: `${method} chunked where the route allows it`,
      bytes: request([`${method} /open/a HTTP/1.1`, HOST, CHUNKED], BODY),
      status: 200,
      code: null,
      isHead,
    },
  ];
});

/** F9: methods. */
export const METHODS: readonly Row[] = [
  ...["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map((method) =>
    served(method, request([`${method} /calls/a HTTP/1.1`, HOST])),
  ),
  { name: "HEAD", bytes: request(["HEAD /calls/a HTTP/1.1", HOST]), status: 200, code: null, isHead: true },
  ...["TRACE", "PROPFIND", "LOCK", "SEARCH", "PURGE", "QUERY", "MKCOL", "SUBSCRIBE", "REPORT"].map(
    (method): Row => ({
      name: method,
      bytes: request([`${method} /calls/a HTTP/1.1`, HOST]),
      status: 405,
      code: "SY_METHOD_NOT_ALLOWED",
    }),
  ),
  ...["get", "Get", "GETX", "PRI", "BREW", "G\tT"].map((method) =>
    bad(`method ${JSON.stringify(method)}`, request([`${method} /calls/a HTTP/1.1`, HOST])),
  ),
  {
    name: "CONNECT to another host",
    bytes: request(["CONNECT evil.example:443 HTTP/1.1", "Host: evil.example:443"]),
    status: 405,
    code: "SY_METHOD_NOT_ALLOWED",
  },
  {
    name: "CONNECT to ourselves",
    bytes: request(["CONNECT api.example:80 HTTP/1.1", HOST]),
    status: 405,
    code: "SY_METHOD_NOT_ALLOWED",
  },
];

/** F10: the host; `api.example` and `[::1]` are the listed ones. */
export const HOSTS: readonly Row[] = [
  served("the listed host in capitals", request(["GET /calls/a HTTP/1.1", "Host: API.Example"])),
  served("the listed host with a port", request(["GET /calls/a HTTP/1.1", "Host: api.example:8080"])),
  bad("no host", request(["GET /calls/a HTTP/1.1", "Accept: */*"])),
  bad("no host on HTTP/1.0", request(["GET /calls/a HTTP/1.0"])),
  bad("two hosts", get("Host: api.example")),
  bad("two different hosts", get("Host: evil.example")),
  bad("two hosts in different case", get("hOST: api.example")),
  ...[
    "",
    "a b",
    "api.example/",
    "user@api.example",
    "api.example:",
    "api.example:x",
    "api.example:123456",
    "api.example,evil",
    "[::1",
    "api.example\\@evil",
    "http://api.example",
    "-api.example",
    "api.example?x",
    "api%2eexample",
  ].map((host) => bad(`host ${JSON.stringify(host)}`, request(["GET /calls/a HTTP/1.1", `Host: ${host}`]))),
  ...["evil.example", "api.example.evil", "xapi.example", "api.example.", "127.0.0.1", "localhost"].map(
    (host): Row => ({
      name: `foreign host ${host}`,
      bytes: request(["GET /calls/a HTTP/1.1", `Host: ${host}`]),
      status: 421,
      code: "SY_MISDIRECTED",
    }),
  ),
];

/** F11: headers that may stand there once. */
export const SINGLES: readonly Row[] = [
  ...[
    "Authorization: Bearer a",
    "Origin: http://a.example",
    "Content-Type: application/json",
    "Content-Length: 0",
    "Idempotency-Key: k",
    "X-Request-Id: r",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: a",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Expect: 100-continue",
  ].flatMap((line) => {
    const name = line.slice(0, line.indexOf(":"));
    return [
      bad(`twice ${name}`, post([line, line])),
      bad(`twice ${name}, other case`, post([line, line.replace(name, name.toUpperCase())])),
    ];
  }),
  served("twice a header that is a list", get("Accept: a/b", "Accept: c/d")),
  served("twice a cookie", get("Cookie: a=1", "Cookie: b=2")),
];

/** F12: expectations other than 100-continue. */
export const EXPECTATIONS: readonly Row[] = ["200-ok", "100-continue, x", "100", ""].map((expected) => ({
  name: `expects ${JSON.stringify(expected)}`,
  bytes: post([`Expect: ${expected}`, "Content-Length: 3"], "abc"),
  status: 417,
  code: "SY_EXPECTATION",
}));

/** F14: names and values. */
export const FIELDS: readonly Row[] = [
  ...["\0", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1f", "\x7f"].map((byte) =>
    bad(`value with byte ${byte.charCodeAt(0).toString(16)}`, get(`X-A: a${byte}b`)),
  ),
  bad("value with a bare CR", get("X-A: a\rb")),
  bad("value with a bare LF", get("X-A: a\nX-B: b")),
  bad("value with CR at its end", get("X-A: a\r")),
  ...[" X-A", "X-A ", "X A", "X\tA", "X(A", "X,A", "X/A", "X:A:", "X@A", "X[A", "X{A", 'X"A', "X\x80A", "X\0A", ""]
    .filter((name) => name !== "X:A:")
    .map((name) => bad(`name ${JSON.stringify(name)}`, get(`${name}: a`))),
  bad("a line without a colon", get("X-A")),
  bad("a folded value", get("X-A: a\r\n b")),
  bad(
    "a head that begins with a blank line of a header",
    "GET /calls/a HTTP/1.1\r\n X: y\r\nHost: api.example\r\n\r\n",
  ),
  served("a tab within a value", get("X-A: a\tb")),
  served("high bytes in a value", get("X-A: \xe9\xff")),
  served("an empty value", get("X-A:")),
  served("every legal name character", get("!#$%&'*+-.^_`|~09AZaz: a")),
];

/** Request lines. */
export const LINES: readonly Row[] = [
  // The parser skips them; what is sent on is written anew with one (security F4).
  served("two blanks before the target", `GET  /calls/a HTTP/1.1\r\n${HOST}\r\n\r\n`),
  bad("a tab as separator", `GET\t/calls/a\tHTTP/1.1\r\n${HOST}\r\n\r\n`),
  bad("no target", `GET HTTP/1.1\r\n${HOST}\r\n\r\n`),
  bad("no version (HTTP/0.9)", `GET /calls/a\r\n${HOST}\r\n\r\n`),
  bad("HTTP/2.0", `GET /calls/a HTTP/2.0\r\n${HOST}\r\n\r\n`),
  bad("HTTP/1.2", `GET /calls/a HTTP/1.2\r\n${HOST}\r\n\r\n`),
  bad("HTTP/1.10", `GET /calls/a HTTP/1.10\r\n${HOST}\r\n\r\n`),
  bad("lower-case http", `GET /calls/a http/1.1\r\n${HOST}\r\n\r\n`),
  bad("HTP", `GET /calls/a HTP/1.1\r\n${HOST}\r\n\r\n`),
  bad("bytes behind the version", `GET /calls/a HTTP/1.1 x\r\n${HOST}\r\n\r\n`),
  bad("a bare LF after the request line", `GET /calls/a HTTP/1.1\n${HOST}\r\n\r\n`),
  bad("a bare LF at the end of the head", `GET /calls/a HTTP/1.1\r\n${HOST}\r\n\n`),
  bad("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  bad("TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
  bad("a NUL before the method", `\0GET /calls/a HTTP/1.1\r\n${HOST}\r\n\r\n`),
];

/** §11: the head's limits at the limit and one past it. The fixture's: 100 fields, target 8 KiB, head 16 KiB. */
export const HEAD_LIMITS: readonly Row[] = [
  served("100 header fields", get(...Array.from({ length: 99 }, (_, i) => `X-${i}: a`))),
  {
    name: "101 header fields",
    bytes: get(...Array.from({ length: 100 }, (_, i) => `X-${i}: a`)),
    status: 431,
    code: "SY_HEADERS_TOO_LARGE",
  },
  {
    name: "1,500 header fields",
    bytes: get(...Array.from({ length: 1_500 }, (_, i) => `X${i}: a`)),
    status: 431,
    code: "SY_HEADERS_TOO_LARGE",
  },
  served("a target of 8 KiB", request([`GET /calls/${"a".repeat(8_192 - 7)} HTTP/1.1`, HOST])),
  {
    name: "a target of 8 KiB and a byte",
    bytes: request([`GET /calls/${"a".repeat(8_192 - 6)} HTTP/1.1`, HOST]),
    status: 414,
    code: "SY_TARGET_TOO_LONG",
  },
  served("a head just below 16 KiB", get(`X-A: ${"a".repeat(16_384 - 200)}`)),
  { name: "a head above 16 KiB", bytes: get(`X-A: ${"a".repeat(16_500)}`), status: 431, code: "SY_HEADERS_TOO_LARGE" },
];

export const ALL_ROWS: readonly Row[] = [
  ...CODINGS,
  ...LENGTHS,
  ...BODIES,
  ...METHODS,
  ...HOSTS,
  ...SINGLES,
  ...EXPECTATIONS,
  ...FIELDS,
  ...LINES,
  ...HEAD_LIMITS,
];
