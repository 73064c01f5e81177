// Document ids as Convex writes them: base32 of the table's number (varint), 16 random bytes and a checksum. They are valid
// on a Convex deployment, so an export keeps its references (embedded-convex §3.3).
import { randomFillSync } from "node:crypto";

/** Crockford's, in lower case: no i, l, o, u. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const NO_DIGIT = 0xff;
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (const [value, digit] of Array.from(ALPHABET).entries()) DIGITS[digit.charCodeAt(0)] = value;

const RANDOM_BYTES = 16;
const CHECKSUM_BYTES = 2;
const TABLE_NUMBER_MAX = 0xffff_ffff;
const TABLE_NUMBER_BYTES_MAX = 5;
const ID_BYTES_MIN = 1 + RANDOM_BYTES + CHECKSUM_BYTES;
const ID_BYTES_MAX = TABLE_NUMBER_BYTES_MAX + RANDOM_BYTES + CHECKSUM_BYTES;

/**
 * A new id of table `tableNumber` (1 to 2^32-1): 31 to 37 characters.
 * @param random 16 bytes; fresh ones of the system when left out
 * @throws RangeError when either is not that
 */
export function encodeId(
  tableNumber: number,
  random: Uint8Array = randomFillSync(new Uint8Array(RANDOM_BYTES)),
): string {
  if (!Number.isInteger(tableNumber) || tableNumber < 1 || tableNumber > TABLE_NUMBER_MAX) {
    throw new RangeError(`a table number is an integer from 1 to ${TABLE_NUMBER_MAX}, got ${tableNumber}`);
  }
  if (random.length !== RANDOM_BYTES) {
    throw new RangeError(`an id holds ${RANDOM_BYTES} random bytes, got ${random.length}`);
  }
  const bytes = new Uint8Array(ID_BYTES_MAX);
  let length = 0;
  let rest = tableNumber;
  for (; rest > 0x7f; rest >>>= 7) bytes[length++] = (rest & 0x7f) | 0x80;
  bytes[length++] = rest;
  bytes.set(random, length);
  length += RANDOM_BYTES;
  const checksum = fletcher16(bytes.subarray(0, length));
  bytes[length++] = checksum & 0xff;
  bytes[length++] = checksum >> 8;
  return toBase32(bytes.subarray(0, length));
}

/**
 * The number of the table that `id` belongs to; null when it is not an id. Only the one spelling that `encodeId` makes is an
 * id: no upper case, no longer varint, no bits behind the end, checksum right.
 */
export function tableNumberOf(id: string): number | null {
  const bytes = fromBase32(id);
  if (bytes === null) return null;
  const numberBytes = bytes.length - RANDOM_BYTES - CHECKSUM_BYTES;
  const tableNumber = readVarint(bytes.subarray(0, numberBytes));
  if (tableNumber === null || tableNumber === 0) return null;
  const body = bytes.subarray(0, numberBytes + RANDOM_BYTES);
  const checksum = fletcher16(body);
  const isIntact = bytes[body.length] === (checksum & 0xff) && bytes[body.length + 1] === checksum >> 8;
  return isIntact ? tableNumber : null;
}

/** All of `bytes` as one varint of at most 32 bits, in its shortest form; else null. */
function readVarint(bytes: Uint8Array): number | null {
  let value = 0;
  let weight = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    const isLast = i === bytes.length - 1;
    const hasMore = byte > 0x7f;
    if (hasMore === isLast) return null;
    // A last group of zeros adds nothing: a longer spelling of the same number.
    if (byte === 0 && i > 0) return null;
    value += (byte & 0x7f) * weight;
    weight *= 0x80;
  }
  return value <= TABLE_NUMBER_MAX ? value : null;
}

/** Fletcher's checksum with sums modulo 256, as Convex has it. */
function fletcher16(bytes: Uint8Array): number {
  let low = 0;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) & 0xff;
    high = (high + low) & 0xff;
  }
  return (high << 8) | low;
}

function toBase32(bytes: Uint8Array): string {
  let text = "";
  let waiting = 0;
  let waitingBits = 0;
  for (const byte of bytes) {
    waiting = ((waiting << 8) | byte) & 0xfff;
    waitingBits += 8;
    while (waitingBits >= 5) {
      waitingBits -= 5;
      text += ALPHABET[(waiting >> waitingBits) & 0x1f];
    }
  }
  return waitingBits === 0 ? text : text + ALPHABET[(waiting << (5 - waitingBits)) & 0x1f];
}

/** The bytes of an id's text; null for another alphabet, another length, or bits set behind the last byte. */
function fromBase32(text: string): Uint8Array | null {
  const length = (text.length * 5) >> 3;
  if (length < ID_BYTES_MIN || length > ID_BYTES_MAX) return null;
  if (Math.ceil((length * 8) / 5) !== text.length) return null;
  const bytes = new Uint8Array(length);
  let at = 0;
  let waiting = 0;
  let waitingBits = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = DIGITS[text.charCodeAt(i)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) return null;
    waiting = ((waiting << 5) | digit) & 0xfff;
    waitingBits += 5;
    if (waitingBits >= 8) {
      waitingBits -= 8;
      bytes[at++] = waiting >> waitingBits;
    }
  }
  return (waiting & ((1 << waitingBits) - 1)) === 0 ? bytes : null;
}
