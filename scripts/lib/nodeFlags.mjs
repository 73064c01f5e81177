/**
 * How Node runs the proxy; workers inherit them. A proxy makes much that lives for one call only, so it is fastest when
 * the young generation's collections find nothing alive:
 * - a young generation of its own size, so that they are few, and that it keeps while nobody calls;
 * - V8 must not learn from the first, tiny collections that a call's objects live long: it would then make some of them
 *   in the old generation, where each dead one keeps alive whatever it leads to (bench, rest: every call outlived two
 *   collections, a sixth of all CPU time and twice the memory).
 */
export const NODE_FLAGS = ["--max-semi-space-size=32", "--min-semi-space-size=16", "--no-allocation-site-pretenuring"];
