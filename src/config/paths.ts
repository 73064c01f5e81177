/** Where a setting stands: keys and indices from the top of the file. */
export type Path = readonly (string | number)[];

/** 1-based, as editors count. */
export interface Place {
  readonly line: number;
  readonly col: number;
}

/** `units.tutoring.routes[3].kind` */
export const pathText = (path: Path): string =>
  path.map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`)).join("");
