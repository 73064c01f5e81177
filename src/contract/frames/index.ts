export * from "./boardActions.ts";
export * from "./envelope.ts";
export * from "./frameTypes.ts";
export * from "./tutorIn.ts";
export * from "./tutorOut.ts";
