/** Names come from the arms: what a terminal would obey is not printed. */
// biome-ignore lint: control characters are what is meant.
export const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

export const changeText = ({ control, candidate }: { control: string | null; candidate: string | null }): string =>
  `${control ?? "nothing"} → ${candidate ?? "nothing"}`;
