/** Options that every command knows (ux.md §3). */
export interface CommonOptions {
  readonly config?: string;
  readonly adminUrl?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
}

export const DEFAULT_CONFIG_FILE = "switchyard.config.yaml";
