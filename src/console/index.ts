export { createAdmin, type Admin, type AdminAddress, type AdminOptions } from "./admin.ts";
export { isLoopbackHost } from "./access.ts";
export { type AdminProblem } from "./errors.ts";
export { OPERATE_TOKEN_FILE } from "./operateTokenFile.ts";
export type * from "./ports.ts";
export { SCHEMA_VERSION } from "./views.ts";
export type * from "./views.ts";
