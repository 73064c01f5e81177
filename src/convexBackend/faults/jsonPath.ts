// Paths as fault arguments name them: `$.a.b[0]`, `a.b`, `a[*].b`.

type Step = string | number;
interface Spot {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: Step;
}

const steps = (path: string): string[] => path.replace(/^\$\.?/, "").match(/[^.[\]]+/g) ?? [];

const isHolder = (value: unknown): value is Record<string, unknown> | unknown[] =>
  typeof value === "object" && value !== null;

function keysAt(holder: Record<string, unknown> | unknown[], step: string): Step[] {
  if (Array.isArray(holder)) {
    if (step === "*") return holder.map((_, i) => i);
    const index = Number(step);
    return Number.isInteger(index) && index >= 0 && index < holder.length ? [index] : [];
  }
  if (step === "*") return Object.keys(holder);
  return Object.hasOwn(holder, step) ? [step] : [];
}

export const valueAt = ({ holder, key }: Spot): unknown => (holder as Record<Step, unknown>)[key];

export const setAt = ({ holder, key }: Spot, value: unknown): void => {
  (holder as Record<Step, unknown>)[key] = value;
};

/** Every place the path names; without a path the first key of the object, or of the list's first object. */
export function spotsOf(root: unknown, path: string | null): Spot[] {
  if (!isHolder(root)) return [];
  if (path === null || path === "") {
    const holder = Array.isArray(root) ? root[0] : root;
    if (!isHolder(holder) || Array.isArray(holder)) return [];
    const key = Object.keys(holder)[0];
    return key === undefined ? [] : [{ holder, key }];
  }
  let spots: Spot[] = [{ holder: [root], key: 0 }];
  for (const step of steps(path)) {
    spots = spots.flatMap((spot) => {
      const holder = valueAt(spot);
      return isHolder(holder) ? keysAt(holder, step).map((key) => ({ holder, key })) : [];
    });
  }
  return spots;
}

export function removeAt({ holder, key }: Spot): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key as string];
}
