/** Freezes all the way down, so that nobody can change what others already acted upon. */
export function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const item of value.values()) freeze(item);
    // Object.freeze does not reach the entries of a map.
    for (const name of ["set", "delete", "clear"]) Object.defineProperty(value, name, { value: refuse });
  } else {
    for (const item of Object.values(value)) freeze(item);
  }
  return Object.freeze(value);
}

const refuse = (): never => {
  throw new TypeError("the configuration is frozen");
};
