import { z } from "zod";
import type { LimitsConfig, RateLimit } from "./config.ts";
import { count, duration, rate, size } from "./fields.ts";

const rateLimit = (perSecond: string, burst: number, description: string) =>
  z
    .strictObject({
      rate: rate("Calls that are let through in the long run.").prefault(perSecond),
      burst: count("Calls that may come at once before the rate holds.").prefault(burst),
    })
    .transform((limit): RateLimit => ({ perSecond: limit.rate, burst: limit.burst }))
    .prefault({})
    .describe(description);

/** security §11, row by row; what lies above the contract's own limits lets the arm give its answer. */
export const limitsSchema = z
  .strictObject({
    headTime: duration(
      "Time for a complete request head, then 408; a longer one lets slow heads hold connections.",
    ).prefault("10s"),
    headSize: size("Size of a request head, then 431.", { min: 1024, max: 256 * 1024 }).prefault("16KiB"),
    headCount: count("Header fields of a request, then 431.", { min: 10, max: 2_000 }).prefault(100),
    targetSize: size("Size of a request target, then 414.", { min: 256, max: 64 * 1024 }).prefault("8KiB"),
    jsonBodySize: size(
      "Size of a request body on `kind: json` routes, then 413; above the arms' own limit, so that users see theirs.",
    ).prefault("2MiB"),
    jsonBodyTime: duration("Time for a complete request body on `kind: json` routes.").prefault("30s"),
    uploadBodySize: size("Size of a request body on `kind: upload` routes, then 413.", {
      min: 1,
      max: 16 * 1024 ** 3,
    }).prefault("64MiB"),
    uploadBodyTime: duration("Time for a complete request body on `kind: upload` routes.").prefault("300s"),
    bodyRateMin: size(
      "Bytes a second a request body must bring after `bodyRateGrace`; a lower one lets slow bodies hold connections.",
    ).prefault("1KiB"),
    bodyRateGrace: duration("Time before `bodyRateMin` is asked for.").prefault("10s"),
    keepAlive: duration("Idle time after which a client's connection is closed.").prefault("65s"),
    armKeepAlive: duration(
      "Idle time after which a connection to an arm is closed; below the arm's own, so that none is reused while it closes.",
    ).prefault("4s"),
    armConnect: duration("Time to connect to an arm.").prefault("2s"),
    armFirstByte: duration(
      "Time to the first byte of an arm's answer, then 504; a route's `firstByte` beats it.",
    ).prefault("30s"),
    armIdle: duration("Silence within an arm's answer after which it is broken off.").prefault("60s"),
    armConnections: count("Connections to one instance of an arm.", { min: 1, max: 65_535 }).prefault(512),
    upgrade: duration("Time for an arm's 101.").prefault("5s"),
    connections: count("Client connections of one process; more are refused.").prefault(12_000),
    connectionsPerAddress: count("Client connections from one address; a school stands behind one.").prefault(2_000),
    socketsPerSubject: count("Open sockets of one subject in one worker, then 429.").prefault(20),
    socketsPerAddress: count("Open sockets from one address in one worker, then 429.").prefault(2_000),
    callsPerSubject: rateLimit(
      "50/s",
      100,
      "Calls of one subject in one worker, then 429; with several workers a subject may reach each of them.",
    ),
    callsPerAddress: rateLimit("20/s", 40, "Calls without a valid token from one address in one worker, then 429."),
    loginsPerAddress: rateLimit(
      "120/min",
      120,
      "Calls to `addressLimit: login` routes from one address; a class signs in at once.",
    ),
    refreshesPerAddress: rateLimit(
      "600/min",
      600,
      "Calls to `addressLimit: refresh` routes from one address in one worker.",
    ),
    clientMessageSize: size("Socket message from a client, then close 1009.").prefault("16MiB"),
    armMessageSize: size("Socket message from an arm, then close 1009.").prefault("40MiB"),
    fragments: count("Fragments of one socket message, empty ones included, then close 1008.").prefault(1_024),
    chunks: count("Buffered chunks of one socket message, then close 1008.").prefault(16_384),
    pings: rate("Pings and pongs of a client, then close 1008.").prefault("10/s"),
    messages: rate("Socket messages of a client; above it, with a burst of twice as many, reading pauses.").prefault(
      "50/s",
    ),
    flood: duration("Time above `messages` after which a socket is closed 1008.").prefault("30s"),
    socketBuffer: size("Bytes that may wait for a slow reader before the other side is not read any more.").prefault(
      "1MiB",
    ),
    slowReader: duration("Time a slow reader may hold the other side, then close 1013.").prefault("30s"),
    pingInterval: duration("Time between pings; two without an answer end the socket.").prefault("20s"),
    close: duration("Time for a close handshake, then the connection is destroyed.").prefault("2s"),
    closeSpread: duration(
      "Closes 1012 are spread over at least this long, so that clients do not return at once.",
    ).prefault("10s"),
    closes: rate("Sockets closed 1012; with more of them the spread grows.").prefault("100/s"),
    earlyBytes: size("Bytes behind a handshake's head that are kept until both sides said 101.").prefault("64KiB"),
    memory: size(
      "Memory of one process: above 75 % no new sockets, above 85 % no new connections; unset: the machine's or container's.",
      {
        min: 64 * 1024 ** 2,
        max: 1024 ** 4,
      },
    ).optional(),
  })
  .transform(
    (file): LimitsConfig => ({
      headMs: file.headTime,
      headBytesMax: file.headSize,
      headCountMax: file.headCount,
      targetBytesMax: file.targetSize,
      jsonBodyBytesMax: file.jsonBodySize,
      jsonBodyMs: file.jsonBodyTime,
      uploadBodyBytesMax: file.uploadBodySize,
      uploadBodyMs: file.uploadBodyTime,
      bodyRateMinBytesPerSecond: file.bodyRateMin,
      bodyRateGraceMs: file.bodyRateGrace,
      keepAliveMs: file.keepAlive,
      armKeepAliveMs: file.armKeepAlive,
      armConnectMs: file.armConnect,
      armFirstByteMs: file.armFirstByte,
      armIdleMs: file.armIdle,
      armConnectionsMax: file.armConnections,
      upgradeMs: file.upgrade,
      connectionsMax: file.connections,
      connectionsPerAddressMax: file.connectionsPerAddress,
      socketsPerSubjectMax: file.socketsPerSubject,
      socketsPerAddressMax: file.socketsPerAddress,
      callsPerSubject: file.callsPerSubject,
      callsPerAddress: file.callsPerAddress,
      loginsPerAddress: file.loginsPerAddress,
      refreshesPerAddress: file.refreshesPerAddress,
      clientMessageBytesMax: file.clientMessageSize,
      armMessageBytesMax: file.armMessageSize,
      fragmentsMax: file.fragments,
      chunksMax: file.chunks,
      pingsPerSecondMax: file.pings,
      messagesPerSecond: file.messages,
      floodMs: file.flood,
      socketBufferBytesMax: file.socketBuffer,
      slowReaderMs: file.slowReader,
      pingIntervalMs: file.pingInterval,
      closeMs: file.close,
      closeSpreadMs: file.closeSpread,
      closesPerSecond: file.closes,
      earlyBytesMax: file.earlyBytes,
      memoryBytesMax: file.memory ?? null,
    }),
  )
  .prefault({})
  .describe("Limits with their answers; load tests from one address raise the per-subject and per-address rows only.");
