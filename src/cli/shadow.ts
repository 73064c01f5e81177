import type { Command } from "commander";
import { addGroup, type Registry } from "./command.ts";
import { addShadowForget } from "./shadow/forget.ts";
import { addShadowReport } from "./shadow/report.ts";
import { addRulesTest } from "./shadow/rulesTest.ts";
import { addShadowShow } from "./shadow/show.ts";

export function addShadow(program: Command, registry: Registry): void {
  const group = addGroup(program, "shadow", "what the hidden copies have shown: would the other arm answer the same?", [
    ["switchyard shadow report", "may the candidate serve? what was compared, and what was not"],
    ["switchyard shadow show", "what differs, the worst first"],
    ["switchyard shadow rules test new.rules.yaml", "what a rule file would hide"],
    ["switchyard shadow forget u_81", "a user's samples go, everywhere"],
  ]);
  addShadowReport(group, registry);
  addShadowShow(group, registry);
  addShadowForget(group, registry);
  const rules = addGroup(group, "rules", "files that say what may differ", [
    ["switchyard shadow rules test new.rules.yaml", "what it would hide, before it does"],
  ]);
  addRulesTest(rules, registry);
}
