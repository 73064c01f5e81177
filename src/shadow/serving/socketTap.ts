// Follows one served socket from its handshake to its end (shadow S2): frames are handed over whole, or the conversation is given up.
import type { Frame, LegError, SocketTap } from "../../proxy/ports.ts";
import type { Credits } from "../mirror/credits.ts";
import type { CompareItem, MirrorItem, SocketFacts } from "../threads/messages.ts";
import type { NotComparedReason } from "../words.ts";

export interface SocketTapDeps {
  readonly facts: SocketFacts;
  readonly credits: Credits;
  /** Epoch ms. */
  now(): number;
  toMirror(item: MirrorItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  toCompare(item: CompareItem, bytes: Uint8Array<ArrayBuffer> | null): void;
  /** A frame of either side that was handed over. */
  onFrame(): void;
  /** Nothing more of it is handed over, and the served side lives on; once. */
  onLost(): void;
  /** The served side is over. */
  onEnd(): void;
  /** Its end could not be told to those who follow it. */
  onFault(): void;
}

export class ServedSocketTap implements SocketTap {
  readonly #deps: SocketTapDeps;
  #lastMs = 0;
  #isOver = false;
  #isLost = false;
  /** Handed over, and not yet taken. */
  #bytes = 0;
  /** Frames of the arm. */
  #heard = 0;

  constructor(deps: SocketTapDeps) {
    this.#deps = deps;
  }

  opened(): void {
    this.#handshake({ status: 101, contentType: "", body: new Uint8Array(0) });
  }

  refused(status: number, contentType: string, body: Uint8Array): void {
    this.#handshake({ status, contentType, body: new Uint8Array(body) });
    this.#end();
  }

  failed(error: LegError): void {
    this.#handshake({ error });
    this.#end();
  }

  fromClient({ isBinary, data }: Frame): void {
    this.safely(() => {
      if (!this.#takes(data.length * 2)) return;
      const { facts, toMirror, toCompare, onFrame } = this.#deps;
      const frame = { kind: "client", id: facts.id, isBinary, atMs: this.#atMs() } as const;
      const [one, other] = [new Uint8Array(data), new Uint8Array(data)];
      toMirror({ ...frame, data: one, heard: this.#heard }, one);
      toCompare({ ...frame, data: other }, other);
      onFrame();
    });
  }

  fromArm({ isBinary, data }: Frame): void {
    this.safely(() => {
      if (!this.#takes(data.length)) return;
      this.#heard += 1;
      const { facts, toCompare, onFrame } = this.#deps;
      const copy = new Uint8Array(data);
      toCompare({ kind: "arm", id: facts.id, isBinary, data: copy, atMs: this.#atMs() }, copy);
      onFrame();
    });
  }

  closed(by: "client" | "arm" | "proxy", code: number): void {
    if (this.#isOver) return;
    const { facts, toMirror, toCompare } = this.#deps;
    const item = { kind: "closed", id: facts.id, by, code, atMs: this.#atMs() } as const;
    this.safely(() => {
      toMirror({ ...item, heard: this.#heard }, null);
      toCompare(item, null);
    });
    this.#end();
  }

  /** A defect of ours costs the conversation, told at once, and nothing of the served side (shadow I1). */
  safely(run: () => void): void {
    try {
      run();
    } catch {
      try {
        this.giveUp("engine_lost");
      } catch {
        this.#fault();
      }
    }
  }

  /** The other side has taken so much over. */
  taken(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    this.#deps.credits.giveBytes(given);
  }

  /** The job is over: what was not taken never will be. */
  release(): void {
    this.taken(this.#bytes);
    this.#lose();
  }

  giveUp(reason: NotComparedReason): void {
    if (this.#isLost) return;
    this.#lose();
    const { facts, toMirror, toCompare } = this.#deps;
    // Who compares it says that it has ended, also where its copy cannot be told.
    try {
      toMirror({ kind: "give-up", id: facts.id }, null);
    } finally {
      toCompare({ kind: "give-up", id: facts.id, reason }, null);
    }
  }

  #fault(): void {
    try {
      this.#deps.onFault();
    } catch {
      // shadow I1; what is left of it the accounting's gap tells
    }
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (!this.#isOver) this.#deps.onLost();
  }

  /** Never one frame of a conversation (shadow C4). */
  #takes(bytes: number): boolean {
    if (this.#isOver || this.#isLost) return false;
    if (!this.#deps.credits.takeBytes(bytes)) {
      this.giveUp("queue_full");
      return false;
    }
    this.#bytes += bytes;
    return true;
  }

  #handshake(result: Extract<CompareItem, { kind: "handshake" }>["result"]): void {
    const item = { kind: "handshake", id: this.#deps.facts.id, result, atMs: this.#atMs() } as const;
    this.safely(() => this.#deps.toCompare(item, null));
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deps.onEnd();
  }

  #atMs(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#deps.now());
    return this.#lastMs;
  }
}
