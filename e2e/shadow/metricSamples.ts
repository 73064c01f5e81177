// The shadow's metrics as they are scraped, added up by labels.

export interface Samples {
  /** Of all label sets that have these values. @param name without the prefix */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** By the values of one label, of those that have these values. */
  by(name: string, label: string, labels?: Readonly<Record<string, string>>): Readonly<Record<string, number>>;
}

export function parseSamples(text: string): Samples {
  const samples: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[] = [];
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = /^switchyard_shadow_(\w+?)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, of]) => [key, of] as const);
    samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
  }
  const having = (name: string, labels: Readonly<Record<string, string>>) =>
    samples.filter(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    );
  return {
    sum: (name, labels = {}) => having(name, labels).reduce((sum, { value }) => sum + value, 0),
    by: (name, label, labels = {}) => {
      const sums: Record<string, number> = {};
      for (const one of having(name, labels)) {
        const of = one.labels[label];
        if (of !== undefined && one.value > 0) sums[of] = (sums[of] ?? 0) + one.value;
      }
      return sums;
    },
  };
}
