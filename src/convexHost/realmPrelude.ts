// Furnishes a fresh realm: what functions find there instead of Node's globals. The one function below runs INSIDE the
// realm (vmRealm.ts hands over its text), so it may use nothing of this module, and its `Error` is the realm's own.

/** What the realm gets from outside. */
export interface RealmSupplies {
  readonly convex: {
    syscall(op: string, argsJson: string): string;
    asyncSyscall(op: string, argsJson: string): Promise<string>;
    jsSyscall(op: string, args: Record<string, unknown>): unknown;
  };
  /** Epoch ms; frozen in queries and mutations. */
  nowMs(): number;
  /** Seeded in queries and mutations, else null: then the platform's own randomness holds. */
  seededBytes(count: number): Uint8Array | null;
  /** @throws Error where functions may not reach out of their transaction. */
  requireAction(what: string): void;
  log(level: string, values: readonly unknown[]): void;
  setTimer(callback: () => void, delayMs: number, isRepeated: boolean): number;
  clearTimer(id: number): void;
  /** Variables of the component whose function runs. */
  environment(): Readonly<Record<string, string>>;
  readonly platform: {
    readonly errors: Readonly<Record<string, unknown>>;
    /** Placed as they are. */
    readonly globals: Readonly<Record<string, unknown>>;
    readonly fetch: typeof fetch;
    readonly crypto: Crypto;
    readonly queueMicrotask: typeof queueMicrotask;
  };
}

export function furnish(supplies: RealmSupplies): void {
  const { convex, platform } = supplies;
  const place = (name: string, value: unknown) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  for (const [name, value] of Object.entries(platform.globals)) place(name, value);

  // Platform classes throw Node's errors: for functions they are instances of the realm's classes, as in the cloud.
  const isInstance = Function.prototype[Symbol.hasInstance];
  for (const [name, foreign] of Object.entries(platform.errors)) {
    const own = (globalThis as unknown as Record<string, object>)[name];
    if (own === undefined) continue;
    Object.defineProperty(own, Symbol.hasInstance, {
      value(this: unknown, value: unknown) {
        return isInstance.call(this as never, value) || (this === own && isInstance.call(foreign as never, value));
      },
    });
  }
  const ownError = (error: unknown): Error => {
    const { message, data } = error as { message?: unknown; data?: unknown };
    const own = new Error(typeof message === "string" ? message : String(error));
    return data === undefined ? own : Object.assign(own, { data });
  };

  // The package's own calls into the host.
  place("Convex", {
    syscall(op: string, argsJson: string) {
      try {
        return convex.syscall(op, argsJson);
      } catch (error) {
        throw ownError(error);
      }
    },
    asyncSyscall: (op: string, argsJson: string) => convex.asyncSyscall(op, argsJson),
    async jsSyscall(op: string, args: Record<string, unknown>) {
      try {
        return await convex.jsSyscall(op, args);
      } catch (error) {
        throw ownError(error);
      }
    },
  });

  // Clock.
  const RealDate = Date;
  const OwnDate = function Date(this: unknown, ...given: unknown[]) {
    if (new.target === undefined) return new RealDate(supplies.nowMs()).toString();
    return Reflect.construct(RealDate, given.length > 0 ? given : [supplies.nowMs()], new.target) as Date;
  };
  for (const key of Reflect.ownKeys(RealDate)) {
    const property = Object.getOwnPropertyDescriptor(RealDate, key);
    if (property !== undefined) Object.defineProperty(OwnDate, key, property);
  }
  Object.defineProperty(OwnDate, "now", { value: () => supplies.nowMs(), writable: true, configurable: true });
  RealDate.prototype.constructor = OwnDate;
  place("Date", OwnDate);
  const startedMs = supplies.nowMs();
  place("performance", { timeOrigin: startedMs, now: () => supplies.nowMs() - startedMs });

  // Randomness.
  const { crypto } = platform;
  const ownRandom = Math.random.bind(Math);
  Math.random = () => {
    const bytes = supplies.seededBytes(7);
    if (bytes === null) return ownRandom();
    let value = (bytes[0] ?? 0) & 31; // 5 + 6 * 8 = 53 bits, all that a double holds
    for (let n = 1; n < 7; n += 1) value = value * 256 + (bytes[n] ?? 0);
    return value / 2 ** 53;
  };
  place("crypto", {
    subtle: crypto.subtle,
    getRandomValues<T extends ArrayBufferView<ArrayBuffer>>(view: T): T {
      crypto.getRandomValues(view); // refuses what is no integer array or too long
      const bytes = supplies.seededBytes(view.byteLength);
      if (bytes !== null) new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
      return view;
    },
    randomUUID() {
      const bytes = supplies.seededBytes(16);
      if (bytes === null) return crypto.randomUUID();
      bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
      bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
      const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
  });

  // Effects outside: actions only.
  place("fetch", async (...given: Parameters<typeof fetch>) => {
    supplies.requireAction("fetch()");
    return platform.fetch(...given);
  });
  const timer =
    (name: string, isRepeated: boolean) =>
    (callback: (...args: unknown[]) => void, delayMs?: number, ...args: unknown[]) => {
      supplies.requireAction(`${name}()`);
      return supplies.setTimer(() => callback(...args), Number(delayMs ?? 0), isRepeated);
    };
  place("setTimeout", timer("setTimeout", false));
  place("setInterval", timer("setInterval", true));
  for (const name of ["clearTimeout", "clearInterval"]) place(name, (id?: number) => supplies.clearTimer(Number(id)));
  // A throw there would end the process: nobody awaits it.
  place("queueMicrotask", (callback: () => void) => {
    platform.queueMicrotask(() => {
      try {
        callback();
      } catch (error) {
        supplies.log("ERROR", [error]);
      }
    });
  });

  const log =
    (level: string) =>
    (...values: unknown[]) =>
      supplies.log(level, values);
  const started = new Map<string, number>();
  const lasted = (label: string) => `${label}: ${supplies.nowMs() - (started.get(label) ?? supplies.nowMs())}ms`;
  place("console", {
    debug: log("DEBUG"),
    info: log("INFO"),
    log: log("LOG"),
    warn: log("WARN"),
    error: log("ERROR"),
    trace: log("LOG"),
    dir: (value: unknown) => supplies.log("LOG", [value]),
    table: (value: unknown) => supplies.log("LOG", [value]),
    group: log("LOG"),
    groupCollapsed: log("LOG"),
    groupEnd: () => undefined,
    assert: (isTrue: unknown, ...values: unknown[]) => {
      if (!isTrue) supplies.log("ERROR", ["Assertion failed", ...values]);
    },
    time: (label = "default") => void (started.size < 1_000 && started.set(label, supplies.nowMs())),
    timeLog: (label = "default", ...values: unknown[]) => supplies.log("INFO", [lasted(label), ...values]),
    timeEnd: (label = "default") => {
      supplies.log("INFO", [lasted(label)]);
      started.delete(label);
    },
  });

  // `process` is only its environment, and that is of the component whose function asks.
  const variables = () => supplies.environment();
  place("process", {
    env: new Proxy(Object.create(null) as Record<string, string>, {
      get: (_, name) => (typeof name === "string" ? variables()[name] : undefined),
      has: (_, name) => typeof name === "string" && Object.hasOwn(variables(), name),
      ownKeys: () => Object.keys(variables()),
      getOwnPropertyDescriptor: (_, name) =>
        typeof name === "string" && Object.hasOwn(variables(), name)
          ? { value: variables()[name], enumerable: true, configurable: true, writable: false }
          : undefined,
      set: () => false,
      defineProperty: () => false,
      deleteProperty: () => false,
    }),
  });
}
