// Named zones of a board (contract services.md §11), in fractions of its size.
export interface Zone {
  readonly xPct: number;
  readonly yPct: number;
  readonly widthPct: number;
  readonly heightPct: number;
}

const zone = (xPct: number, yPct: number, widthPct: number, heightPct: number): Zone => ({
  xPct,
  yPct,
  widthPct,
  heightPct,
});

const TEMPLATES: ReadonlyMap<string, ReadonlyMap<string, Zone>> = new Map([
  [
    "default_board",
    new Map([
      ["question_area", zone(0.05, 0.05, 0.9, 0.2)],
      ["options_area", zone(0.05, 0.3, 0.9, 0.4)],
      ["explanation_area", zone(0.05, 0.75, 0.9, 0.2)],
      ["side_panel_top", zone(0.75, 0.05, 0.2, 0.4)],
      ["side_panel_bottom", zone(0.75, 0.5, 0.2, 0.45)],
      ["center_large", zone(0.2, 0.2, 0.6, 0.6)],
      ["full_width_top_banner", zone(0, 0, 1, 0.1)],
      ["full_width_bottom_banner", zone(0, 0.9, 1, 0.1)],
      ["alt_question_spot", zone(0.05, 0.7, 0.4, 0.25)],
    ]),
  ],
  [
    "two_column_equal",
    new Map([
      ["left_column", zone(0.02, 0.02, 0.47, 0.96)],
      ["right_column", zone(0.51, 0.02, 0.47, 0.96)],
    ]),
  ],
]);

export const resolveZone = (template: string | undefined, name: string | undefined): Zone | null =>
  TEMPLATES.get(template ?? "")?.get(name ?? "") ?? null;
