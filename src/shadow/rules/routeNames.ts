// How rules and lists may call a route: by its id, or by method and template, whatever its parameters are called.

/** A route as rules may name it. */
export interface RouteName {
  /** Its label. */
  readonly id: string;
  readonly methods: readonly string[];
  /** Templates, with parameters as `:name` or `{name}`. */
  readonly paths: readonly string[];
}

/** `GET /a/{}`: what parameters are called does not matter, nor does a slash at the end. */
function plainName(method: string, path: string): string {
  const plain = path.replace(/:[A-Za-z_]\w*|\{\w+\}/g, "{}").replace(/(.)\/$/, "$1");
  return `${method} ${plain}`;
}

export function plainNameOf(text: string): string {
  const at = text.indexOf(" ");
  return at < 0 ? text : plainName(text.slice(0, at), text.slice(at + 1));
}

/** All that a rule may call this route. */
export const namesOf = ({ id, methods, paths }: RouteName): ReadonlySet<string> =>
  new Set([id, "*", ...methods.flatMap((method) => paths.map((path) => plainName(method, path)))]);
