// Values as bytes: comparing two keys byte by byte (memcmp, SQLite's BLOB order) gives the order of Convex values.
//
// A value is its tag and a body that ends by itself, so that keys of several values compare value by value. Text and bytes
// end in 00, with 00 inside written as 00 FF; arrays and objects end in 00, which is below every tag.
import { CommitTsPlaceholder, type Value } from "convex/values";

/** The tags' order is the order across types (embedded-convex §3.3). None is 00 (an end) or FF (`AFTER_ALL`). */
const TAG = {
  undefined: 1,
  null: 2,
  int64: 3,
  float64: 4,
  boolean: 5,
  string: 6,
  bytes: 7,
  array: 8,
  object: 9,
} as const;
const END = 0x00;
const ESCAPED = 0xff;

/** Behind a key: greater than whatever may follow that key. Alone: greater than every key. */
export const AFTER_ALL: Uint8Array = Uint8Array.of(0xff);

/** A buffer larger than this is not kept from one key to the next. */
const KEPT_BYTES_MAX = 64 * 1024;

/** A buffer that grows; one serves all keys, because encoding never yields. */
class KeyWriter {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.resize(KEPT_BYTES_MAX);
  }

  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  putByte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length++] = byte;
  }

  putInt64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) {
      throw new RangeError(`an index key holds int64, expected -2^63 to 2^63-1, got ${value}`);
    }
    this.reserve(9);
    this.bytes[this.length] = TAG.int64;
    this.view.setBigInt64(this.length + 1, value);
    this.view.setUint8(this.length + 1, this.view.getUint8(this.length + 1) ^ 0x80);
    this.length += 9;
  }

  /** IEEE total order: positive numbers with the sign bit set, negative ones inverted. */
  putFloat64(value: number): void {
    this.reserve(9);
    this.bytes[this.length] = TAG.float64;
    const at = this.length + 1;
    this.view.setFloat64(at, value);
    const high = this.view.getUint32(at);
    if (high < 0x80000000) this.view.setUint32(at, high | 0x80000000);
    else if (Number.isNaN(value)) {
      // The one place where `compareValues` leaves the IEEE order: negative NaNs ascend by their bits, below -Infinity.
      this.view.setBigUint64(at, (this.view.getBigUint64(at) & 0x000f_ffff_ffff_ffffn) - 1n);
    } else {
      this.view.setUint32(at, ~high);
      this.view.setUint32(at + 4, ~this.view.getUint32(at + 4));
    }
    this.length += 9;
  }

  putBytes(value: Uint8Array): void {
    this.reserve(value.length * 2 + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = TAG.bytes;
    for (const byte of value) {
      bytes[at++] = byte;
      if (byte === END) bytes[at++] = ESCAPED;
    }
    bytes[at++] = END;
    this.length = at;
  }

  /**
   * UTF-8, and three bytes for a lone surrogate (WTF-8): `compareValues` compares those as code points, where
   * `TextEncoder` would make all of them the same U+FFFD.
   */
  putString(value: string): void {
    this.reserve(value.length * 3 + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = TAG.string;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit < 0x80) {
        bytes[at++] = unit;
        if (unit === END) bytes[at++] = ESCAPED;
      } else if (unit < 0x800) {
        bytes[at++] = 0xc0 | (unit >> 6);
        bytes[at++] = 0x80 | (unit & 0x3f);
      } else {
        const point = value.codePointAt(i) ?? unit;
        if (point > 0xffff) {
          bytes[at++] = 0xf0 | (point >> 18);
          bytes[at++] = 0x80 | ((point >> 12) & 0x3f);
          i++;
        } else bytes[at++] = 0xe0 | (point >> 12);
        bytes[at++] = 0x80 | ((point >> 6) & 0x3f);
        bytes[at++] = 0x80 | (point & 0x3f);
      }
    }
    bytes[at++] = END;
    this.length = at;
  }

  private reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted > this.bytes.length) this.resize(Math.max(wanted, this.bytes.length * 2));
  }

  private resize(size: number): void {
    const old = this.bytes;
    this.bytes = new Uint8Array(size);
    this.bytes.set(old.subarray(0, this.length));
    this.view = new DataView(this.bytes.buffer);
  }
}

function put(writer: KeyWriter, value: Value | undefined): void {
  if (typeof value === "string") writer.putString(value);
  else if (typeof value === "number") writer.putFloat64(value);
  else if (value === undefined) writer.putByte(TAG.undefined);
  else if (value === null) writer.putByte(TAG.null);
  else if (typeof value === "bigint") writer.putInt64(value);
  else if (typeof value === "boolean") {
    writer.putByte(TAG.boolean);
    writer.putByte(value ? 1 : 0);
  } else if (typeof value === "object") putObject(writer, value);
  else throw new TypeError(`an index key holds Convex values only, got a ${typeof value}`);
}

function putObject(writer: KeyWriter, value: Exclude<Value, null | string | number | bigint | boolean>): void {
  if (value instanceof ArrayBuffer) return writer.putBytes(new Uint8Array(value));
  if (value instanceof CommitTsPlaceholder) {
    throw new TypeError("an unresolved commit timestamp has no place in an index order: it is an int64 only at commit");
  }
  if (Array.isArray(value)) {
    writer.putByte(TAG.array);
    for (const item of value) put(writer, item);
  } else {
    writer.putByte(TAG.object);
    for (const field of Object.keys(value).sort()) {
      writer.putString(field);
      put(writer, value[field]);
    }
  }
  writer.putByte(END);
}

const writer = new KeyWriter();

/**
 * The key of an index entry: its values one after another; `undefined` is a missing field. Byte order of keys is the order
 * of `compareValues` of convex/values, value by value (embedded-convex §3.3, goal 9).
 * @throws TypeError for the commit timestamp's placeholder and for what is no Convex value; RangeError beyond int64
 */
export function encodeKey(values: readonly (Value | undefined)[]): Uint8Array {
  writer.reset();
  for (const value of values) put(writer, value);
  return writer.take();
}

/** The next possible key: the smallest that is greater than `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** The end of all keys that begin with the values of `prefix`, itself excluded. */
export function endOfPrefix(prefix: Uint8Array): Uint8Array {
  const end = new Uint8Array(prefix.length + AFTER_ALL.length);
  end.set(prefix);
  end.set(AFTER_ALL, prefix.length);
  return end;
}

/** Negative, zero or positive, as memcmp with the shorter first; what SQLite does with BLOBs. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
