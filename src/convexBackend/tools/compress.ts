// The short form of a board that goes back to the model (contract services.md §12).

export interface CompressedObject {
  readonly id: string;
  readonly tags?: readonly unknown[];
  readonly bbox?: readonly unknown[];
}

function compressed(object: unknown): CompressedObject | null {
  const { id, metadata } = (object ?? {}) as {
    id?: unknown;
    metadata?: { semantic_tags?: unknown; bbox?: unknown } | null;
  };
  if (typeof id !== "string" || id === "") return null;
  const { semantic_tags: tags, bbox } = metadata ?? {};
  return {
    id,
    ...(Array.isArray(tags) && tags.length > 0 && { tags }),
    ...(Array.isArray(bbox) && bbox.length === 4 && { bbox }),
  };
}

export const COMPRESS_DEFAULT = "ids+tags+bbox";

/** Objects without a non-empty text `id` are left out; an unknown strategy gives nothing. */
export function compressBoardObjects(objects: readonly unknown[], strategy = COMPRESS_DEFAULT): CompressedObject[] {
  return strategy === COMPRESS_DEFAULT ? objects.map(compressed).filter((object) => object !== null) : [];
}
