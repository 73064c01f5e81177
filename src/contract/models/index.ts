export * from "./planning.ts";
export * from "./quiz.ts";
export * from "./sessionContext.ts";
export * from "./userModel.ts";
