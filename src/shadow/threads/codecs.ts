// Which codec reads a surface's frames: what the configuration says of a plain service, else the application's.
import { jsonCodec, opaqueCodec, type ShadowCodec } from "../conversation/codec.ts";
import type { ShadowApplication } from "../ports.ts";
import type { ShadowSettings } from "./shadowSettings.ts";

/** Null: nobody knows them. */
export function codecOf(
  { codecs }: Pick<ShadowApplication, "codecs">,
  surface: string,
  isPlain: boolean,
  settings: ShadowSettings | null,
): ShadowCodec | null {
  const fields = settings?.surfaces[surface];
  if (fields === undefined) return isPlain ? null : (codecs.get(surface) ?? null);
  if (fields.codec === "opaque") return opaqueCodec(surface);
  const { type, correlation, final, presence } = fields;
  return jsonCodec(surface, {
    type,
    presence,
    ...(correlation !== null && { correlation }),
    ...(final !== null && { final }),
  });
}
