export * from "./arm.ts";
export * from "./boundedQueue.ts";
export * from "./clock.ts";
export * from "./errors.ts";
export * from "./exit.ts";
export * from "./hopByHop.ts";
export * from "./ids.ts";
export type * from "./seats.ts";
