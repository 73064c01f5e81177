// What is done with the bytes of an update beside merging them.
import * as Y from "yjs";

/** Whether it could be: what decodes may still be nothing that can be placed. */
export function isApplied(doc: Y.Doc, update: Uint8Array): boolean {
  try {
    Y.applyUpdate(doc, update);
    return true;
  } catch {
    return false;
  }
}

/** Without what was there already: what came first stays, as in every replica, whatever is merged later. */
export function newsOf(update: Uint8Array, before: Map<number, number>): Uint8Array {
  try {
    return Y.diffUpdate(update, Y.encodeStateVector(before));
  } catch {
    return update;
  }
}

/** Of an update as Yjs keeps what it could not place. */
export const structsIn = (update: Uint8Array): number =>
  Y.decodeUpdateV2(update).structs.filter((struct) => !(struct instanceof Y.Skip)).length;
