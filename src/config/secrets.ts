import type { Fault } from "./problems.ts";

/** Where secrets come from; the file only ever names the place (security J6, D4). */
export interface SecretSource {
  variable(name: string): string | undefined;
  /** @throws when the file cannot be read */
  file(path: string): string;
}

export interface SecretPlace {
  readonly env?: string | undefined;
  readonly file?: string | undefined;
}

export type SecretFault = { readonly key: "Env" | "File"; readonly fault: Fault };
type SecretRead = { readonly value: string | null } | SecretFault;

/** Stands where no secret is read: for the generator, which looks at the schema only. */
export const NO_SECRETS: SecretSource = { variable: () => undefined, file: () => "" };

/** RFC 7518 §3.2: a key for HS256 has at least the size of the hash; the tokens of the admin API follow it (security A3, J6). */
export const SECRET_BYTES_MIN = 32;

/** Reads one secret; null when no place is named. Faults never quote what was read. */
export function readSecret(place: SecretPlace, source: SecretSource): SecretRead {
  if (place.env !== undefined && place.file !== undefined) {
    return { key: "File", fault: { what: "two places for one secret", expected: "either the …Env or the …File key" } };
  }
  if (place.env !== undefined) {
    const value = source.variable(place.env);
    if (value === undefined || value === "") {
      return {
        key: "Env",
        fault: { what: `${place.env} is not set`, expected: "a variable that holds the secret", fix: MAKE },
      };
    }
    return judge(value, "Env", place.env);
  }
  if (place.file === undefined) return { value: null };
  try {
    return judge(source.file(place.file).replace(/\r?\n$/, ""), "File", place.file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return {
      key: "File",
      fault: { what: `${place.file} cannot be read (${code})`, expected: "a file that holds the secret" },
    };
  }
}

const MAKE = "Make one: openssl rand -base64 48";

function judge(value: string, key: "Env" | "File", name: string): SecretRead {
  const bytes = Buffer.byteLength(value);
  if (bytes >= SECRET_BYTES_MIN) return { value };
  const what = `${name} holds ${bytes} bytes`;
  return {
    key,
    fault: { what, expected: `at least ${SECRET_BYTES_MIN} bytes: a shorter key can be guessed`, fix: MAKE },
  };
}
