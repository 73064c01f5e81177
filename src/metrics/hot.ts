import type client from "prom-client";

/** A number that is counted up in place; given to the library only when somebody reads the metrics. */
export interface Tally {
  count: number;
}

/** Buckets, sum and count of one label set, filled in place. */
export interface Timing {
  observe(seconds: number): void;
}

/**
 * Instruments of the path every call takes. The library hashes the labels at every increment; over the four metrics of a
 * call that adds up to more than its decision (bench, rest). Here a label set is looked up once, when the route is
 * compiled, and an increment is an addition.
 */
export class HotCounter<Label extends string> {
  readonly #series = new Map<
    string,
    { readonly labels: Readonly<Record<Label, string>>; readonly tally: Tally; given: number }
  >();
  readonly #counter: client.Counter<Label>;

  /** `make` builds the library's counter around the `collect` that it is given. */
  constructor(make: (collect: () => void) => client.Counter<Label>) {
    this.#counter = make(() => this.#collect());
  }

  /** The same label set gives the same tally. */
  of(labels: Readonly<Record<Label, string>>): Tally {
    const key = JSON.stringify(labels);
    let series = this.#series.get(key);
    if (!series) {
      series = { labels, tally: { count: 0 }, given: 0 };
      this.#series.set(key, series);
    }
    return series.tally;
  }

  get(): ReturnType<client.Counter<Label>["get"]> {
    return this.#counter.get();
  }

  #collect(): void {
    for (const one of this.#series.values()) {
      const { count } = one.tally;
      if (count > one.given) this.#counter.inc({ ...one.labels } as client.LabelValues<Label>, count - one.given);
      one.given = count;
    }
  }
}

interface Series<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>;
  readonly timing: BucketTiming;
}

/** A histogram in the library's own shape (`get`), so that its registry reads it like any other. */
export class HotHistogram<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly type = "histogram";
  readonly aggregator = "sum";
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series<Label>>();

  constructor(options: { name: string; help: string; buckets: readonly number[] }) {
    this.name = options.name;
    this.help = options.help;
    this.#bounds = options.buckets;
  }

  /** The same label set gives the same timing. */
  of(labels: Readonly<Record<Label, string>>): Timing {
    const key = JSON.stringify(labels);
    let series = this.#series.get(key);
    if (!series) {
      series = { labels, timing: new BucketTiming(this.#bounds) };
      this.#series.set(key, series);
    }
    return series.timing;
  }

  get() {
    const values = [...this.#series.values()]
      .filter(({ timing }) => timing.count > 0)
      .flatMap((one) => this.#valuesOf(one));
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values });
  }

  #valuesOf({ labels, timing }: Series<Label>) {
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => {
      below += timing.buckets[i] as number;
      return { labels: { le: bound, ...labels }, value: below, metricName: `${this.name}_bucket` };
    });
    return [
      ...buckets,
      { labels: { le: "+Inf", ...labels }, value: timing.count, metricName: `${this.name}_bucket` },
      { labels, value: timing.sum, metricName: `${this.name}_sum` },
      { labels, value: timing.count, metricName: `${this.name}_count` },
    ];
  }
}

class BucketTiming implements Timing {
  readonly #bounds: readonly number[];
  readonly buckets: Float64Array;
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.buckets = new Float64Array(bounds.length);
  }

  observe(seconds: number): void {
    this.sum += seconds;
    this.count++;
    for (let i = 0; i < this.#bounds.length; i++) {
      if (seconds <= (this.#bounds[i] as number)) {
        this.buckets[i] = (this.buckets[i] as number) + 1;
        return;
      }
    }
  }
}
