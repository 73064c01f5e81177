// SHA-1 (FIPS 180-4) over bytes. Only UUIDv5 (RFC 9562 §5.5) needs it, as a name hash, never for security.
// Written out because the room is pure: the SDK loads it in a browser, where the built-in digest is asynchronous.

const BLOCK_BYTES = 64;

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function pad(bytes: Uint8Array): DataView {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  return view;
}

function mix(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

function schedule(message: DataView, offset: number, words: Int32Array): void {
  for (let i = 0; i < 16; i += 1) words[i] = message.getInt32(offset + i * 4);
  for (let i = 16; i < 80; i += 1) {
    words[i] = rotate((words[i - 3] ?? 0) ^ (words[i - 8] ?? 0) ^ (words[i - 14] ?? 0) ^ (words[i - 16] ?? 0), 1);
  }
}

/** The 20 digest bytes. */
export function sha1(bytes: Uint8Array): Uint8Array {
  const message = pad(bytes);
  const words = new Int32Array(80);
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
  for (let offset = 0; offset < message.byteLength; offset += BLOCK_BYTES) {
    schedule(message, offset, words);
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4];
    for (let round = 0; round < 80; round += 1) {
      const next = (rotate(a, 5) + mix(round, b, c, d) + e + (words[round] ?? 0)) | 0;
      [e, d, c, b, a] = [d, c, rotate(b, 30), a, next];
    }
    [h0, h1, h2, h3, h4] = [(h0 + a) | 0, (h1 + b) | 0, (h2 + c) | 0, (h3 + d) | 0, (h4 + e) | 0];
  }
  const digest = new DataView(new ArrayBuffer(20));
  for (const [i, word] of [h0, h1, h2, h3, h4].entries()) digest.setInt32(i * 4, word);
  return new Uint8Array(digest.buffer);
}
