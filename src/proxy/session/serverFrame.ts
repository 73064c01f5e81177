/**
 * A whole message as one unmasked frame (RFC 6455 §5.2), header and payload in one buffer. The library hands a server's
 * message to the socket in two parts; for the small messages that most sockets carry, one part and one system call less
 * work is a tenth of the cost of a relayed message (bench, ws).
 */
export const SMALL_MESSAGE_BYTES = 8_192;

const FIN = 0x80;
const TEXT = 0x1;
const BINARY = 0x2;
const LENGTH_16 = 126;

/** @param data at most `SMALL_MESSAGE_BYTES` bytes */
export function serverFrame(data: Uint8Array, isBinary: boolean): Buffer {
  const { length } = data;
  const headerLength = length < LENGTH_16 ? 2 : 4;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = FIN | (isBinary ? BINARY : TEXT);
  if (headerLength === 2) frame[1] = length;
  else {
    frame[1] = LENGTH_16;
    frame.writeUInt16BE(length, 2);
  }
  frame.set(data, headerLength);
  return frame;
}
