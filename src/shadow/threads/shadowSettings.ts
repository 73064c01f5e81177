// What both of the shadow's threads know of the configuration.
import type { Arm } from "../../kernel/index.ts";
import type { Plans } from "../plans.ts";
import type { ComparisonRule } from "../rules/rule.ts";

export interface ShadowSettings {
  readonly plans: Plans;
  /** What every copy bears. */
  readonly hop: string;
  /** Of the operator's files; the application's are in the threads' own program. */
  readonly rules: readonly ComparisonRule[];
  readonly surfaces: Readonly<Record<string, SurfaceFields>>;
  readonly isLearningIds: boolean | null;
  /** Of safe calls, 0 … 1, that control is asked twice. */
  readonly repeatsShare: number;
  readonly arms: Readonly<Record<Arm, ArmSettings>>;
  /** null: there is none. */
  readonly cassette: CassetteSettings | null;
  /** How groups get their state at the targets; null: every group begins with none. */
  readonly seeds: SeedSettings | null;
  /** How each arm tells its build; null: all are one. */
  readonly build: { readonly path: string; readonly metric: string; readonly label: string } | null;
}

/** Where the completion cassette tells what it had no recording of (shadow K3). */
export interface CassetteSettings {
  readonly replay: { readonly host: string; readonly port: number };
  /** null: it asks for none. */
  readonly missesToken: string | null;
  /** Shadow targets ask the models themselves (shadow K6). */
  readonly isLive: boolean;
}

export interface SeedSettings {
  /** Of the serving instances' data endpoints, and of each target's. */
  readonly servingToken: string;
  readonly targetTokens: Readonly<Record<Arm, string | null>>;
}

export interface SurfaceFields {
  readonly codec: "opaque" | "json";
  readonly type: string;
  readonly correlation: string | null;
  readonly final: string | null;
  readonly presence: readonly string[];
}

export interface ArmSettings {
  /** Serving instances: reads may go there with the caller's own credential. */
  readonly serving: readonly string[];
  readonly target: TargetSettings | null;
}

export interface TargetSettings {
  readonly origin: string;
  readonly isGuarded: boolean;
  /** null: copies carry no credential. */
  readonly tokenKey: string | null;
}
