// Keys of answers in the order of the contract: the store gives objects back with sorted keys.

const inOrder =
  <const K extends string>(...keys: readonly K[]) =>
  <T extends Readonly<Record<K, unknown>>>(value: T): Pick<T, K> =>
    Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;

export const folder = inOrder("id", "name", "created_at");
export const folderWithCounts = inOrder("id", "name", "created_at", "document_count", "session_count");
export const session = inOrder(
  "id",
  "folder_id",
  "interaction_mode",
  "latest_turn_no",
  "analysis_status",
  "created_at",
  "updated_at",
  "ended_at",
);
export const interaction = inOrder("id", "role", "content", "content_type", "event_type", "created_at");
export const profile = inOrder(
  "id",
  "email",
  "name",
  "subscription_tier",
  "total_sessions",
  "created_at",
  "last_active",
);
