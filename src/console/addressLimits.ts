import { LRUCache } from "lru-cache";
import type { Clock } from "../kernel/index.ts";
import { AdminError } from "./errors.ts";

/** security A3 and §11. */
export const REQUESTS_PER_SECOND = 20;
export const REQUEST_BURST = 40;
export const FAILURES_MAX = 10;
const MINUTE_MS = 60_000;
const ADDRESSES_MAX = 1_000;

interface AddressState {
  tokens: number;
  refilledAtMs: number;
  failures: number[];
  lockedUntilMs: number;
}

export interface AddressLimits {
  /** Takes one request of the address; throws 429 when it asks too often. */
  takeRequest(address: string): void;
  /** Throws 429 while the address is locked out after wrong tokens. */
  checkLock(address: string): void;
  countFailure(address: string): void;
}

/** Per client address: a token bucket for requests, and a lock after wrong tokens. Bounded: the address unused longest is forgotten. */
export function createAddressLimits(clock: Clock): AddressLimits {
  const states = new LRUCache<string, AddressState>({ max: ADDRESSES_MAX });
  const stateOf = (address: string): AddressState => {
    const known = states.get(address);
    if (known) return known;
    const fresh = { tokens: REQUEST_BURST, refilledAtMs: clock.monotonic(), failures: [], lockedUntilMs: -Infinity };
    states.set(address, fresh);
    return fresh;
  };
  return {
    takeRequest(address) {
      const state = stateOf(address);
      const nowMs = clock.monotonic();
      const refill = ((nowMs - state.refilledAtMs) / 1_000) * REQUESTS_PER_SECOND;
      state.tokens = Math.min(REQUEST_BURST, state.tokens + refill);
      state.refilledAtMs = nowMs;
      if (state.tokens < 1) {
        throw new AdminError(
          "ADMIN_RATE_LIMITED",
          `More than ${REQUESTS_PER_SECOND} requests a second came from this address.`,
          "Wait a second and ask less often.",
          { "retry-after": "1" },
        );
      }
      state.tokens -= 1;
    },
    checkLock(address) {
      const leftMs = stateOf(address).lockedUntilMs - clock.monotonic();
      if (leftMs <= 0) return;
      const seconds = Math.ceil(leftMs / 1_000);
      throw new AdminError(
        "ADMIN_LOCKED",
        `${FAILURES_MAX} wrong tokens came from this address within a minute.`,
        `Wait ${seconds} s, then send the right token.`,
        { "retry-after": String(seconds) },
      );
    },
    countFailure(address) {
      const state = stateOf(address);
      const nowMs = clock.monotonic();
      state.failures = [...state.failures.filter((at) => nowMs - at < MINUTE_MS), nowMs];
      if (state.failures.length < FAILURES_MAX) return;
      state.lockedUntilMs = nowMs + MINUTE_MS;
      state.failures = [];
    },
  };
}
