// Folders (rest.md §3; R3, R4, R16–R18).
import { z } from "zod";
import { count, id, text, ts } from "../fields.ts";

export const folder = z.strictObject({ id, name: z.string(), created_at: ts });
export const folderList = z.strictObject({ folders: z.array(folder) });
export const folderDetail = z.strictObject({ ...folder.shape, document_count: count, session_count: count });

/** Body of R3 and R17; the name is not trimmed, blanks are legal. */
export const folderRequest = z.object({ name: text(1, 100) });

export type Folder = z.infer<typeof folder>;
export type FolderDetail = z.infer<typeof folderDetail>;
