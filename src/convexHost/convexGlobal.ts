// The global `Convex` of a realm: finds the function that calls, the operation in the table, and whether the one may do the
// other; runs it in the order begun (embedded-convex §3.1).
import { currentFrame, type Frame } from "./frames.ts";
import { SYSCALLS } from "./syscalls.ts";
import type { Operation, SyscallArgs } from "./syscallWords.ts";
import type { ConvexGlobal } from "./vmRealm.ts";

/** Holds no state: the function that runs knows its host. */
export function createConvexGlobal(): ConvexGlobal {
  return {
    syscall(name, argsJson) {
      const { frame, operation } = enter(name, "syscall");
      const result = perform(frame, name, operation, argsJson);
      if (result instanceof Promise) throw new Error(`Operation ${name} of the embedded host is not synchronous`);
      return result;
    },
    async asyncSyscall(name, argsJson) {
      const { frame, operation } = enter(name, "asyncSyscall");
      const begin = () => perform(frame, name, operation, argsJson);
      return frame.work === null ? frame.atOnce(begin) : frame.inOrder(begin);
    },
    async jsSyscall(name, args) {
      const { frame, operation } = enter(name, "jsSyscall");
      return await frame.atOnce(() => operation.handle({ frame, host: frame.tree.host, args: args as SyscallArgs }));
    },
  };
}

function enter(name: string, through: Operation["through"]): { frame: Frame; operation: Operation } {
  const frame = currentFrame();
  if (frame === undefined)
    throw new Error(
      `Operation ${name} outside of a function: not while modules load, nor from callbacks that no function made`,
    );
  const operation = Object.hasOwn(SYSCALLS, name) ? SYSCALLS[name] : undefined;
  if (operation === undefined || operation.through !== through) {
    throw new Error(`Operation ${name} (${through}) is not known to the embedded host (Convex-compatible)`);
  }
  refuseEnded(frame, name);
  if (!operation.allowedIn.includes(frame.kind)) {
    const where = operation.allowedIn.map((kind) => PLURALS[kind]).join(", ");
    const { path } = frame.address;
    throw new Error(
      `Operation ${name} in ${path}, which is ${ARTICLES[frame.kind]}: it is available in ${where || "no function"}`,
    );
  }
  return { frame, operation };
}

const PLURALS = { query: "queries", mutation: "mutations", action: "actions", http: "HTTP actions" } as const;
const ARTICLES = { query: "a query", mutation: "a mutation", action: "an action", http: "an HTTP action" } as const;

function refuseEnded(frame: Frame, name: string): void {
  if (frame.isOver) throw new Error(`Operation ${name} after ${frame.address.path} had ended: await every operation`);
}

/** Gives the result as JSON text. */
function perform(frame: Frame, name: string, operation: Operation, argsJson: string): string | Promise<string> {
  refuseEnded(frame, name);
  const { work } = frame;
  work?.enterHost();
  const tell = (result: unknown): string => {
    const json = JSON.stringify(result ?? null);
    work?.observe?.(name, argsJson, json);
    work?.leaveHost();
    return json;
  };
  const fail = (error: unknown): never => {
    work?.observe?.(name, argsJson, String(error));
    work?.leaveHost();
    throw error;
  };
  try {
    const args = JSON.parse(argsJson) as SyscallArgs;
    const result = operation.handle({ frame, host: frame.tree.host, args });
    return result instanceof Promise ? result.then(tell).catch(fail) : tell(result);
  } catch (error) {
    return fail(error);
  }
}
