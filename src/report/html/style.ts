// How the page looks. The colours of the arms are the house's (ux §1): always with a shape and a word, never on text.
import { createHash } from "node:crypto";

export interface Palette {
  readonly page: string;
  readonly soft: string;
  readonly line: string;
  readonly text: string;
  readonly quiet: string;
  readonly link: string;
  readonly bad: string;
  readonly open: string;
  readonly good: string;
  /** On the three before. */
  readonly onState: string;
  readonly control: string;
  readonly candidate: string;
  readonly changed: string;
  readonly same1: string;
  readonly same2: string;
  readonly same3: string;
  readonly noise1: string;
  readonly noise2: string;
  readonly failed: string;
}

export const LIGHT: Palette = {
  page: "#ffffff",
  soft: "#f4f6f9",
  line: "#d5dbe3",
  text: "#1b2430",
  quiet: "#556070",
  link: "#0b5394",
  bad: "#a3211b",
  open: "#7a5300",
  good: "#1d6338",
  onState: "#ffffff",
  control: "#0072b2",
  candidate: "#d55e00",
  changed: "#fdf0e4",
  same1: "#9db8cc",
  same2: "#b7cbd9",
  same3: "#cfdce5",
  noise1: "#cfc39a",
  noise2: "#e2dabd",
  failed: "#8a93a0",
};

export const DARK: Palette = {
  page: "#12171e",
  soft: "#1a212b",
  line: "#323c49",
  text: "#e4e9ef",
  quiet: "#a3afbd",
  link: "#8cc4f5",
  bad: "#f0837b",
  open: "#e5b567",
  good: "#7fcf9c",
  onState: "#12171e",
  control: "#3b9bd6",
  candidate: "#e8772a",
  changed: "#33271a",
  same1: "#4d6d84",
  same2: "#425d70",
  same3: "#374d5c",
  noise1: "#7b7048",
  noise2: "#5f5739",
  failed: "#798594",
};

const variables = (palette: Palette): string =>
  Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(";");

// No character that XML or HTML would read as markup: the page is well-formed as both.
const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
main,header,footer{max-width:1200px;margin:0 auto;padding:0 24px}
header{padding-top:32px}
footer{padding:24px;color:var(--quiet)}
h1{font-size:26px;line-height:1.25;margin:0 0 12px}
h2{font-size:18px;margin:44px 0 4px}
h3{font-size:15px;margin:0}
p{margin:4px 0 12px}
code,pre{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:6px 0;white-space:pre-wrap}
ul{margin:4px 0 12px;padding-left:20px}
.quiet,figcaption,caption,dt{color:var(--quiet)}
.eyebrow{margin:0;color:var(--quiet)}
.answer{border:1px solid var(--line);border-left-width:6px;border-radius:6px;padding:14px 18px;margin:0 0 16px;background:var(--soft)}
.answer p{margin:0}
.answer ul{margin:8px 0 0}
.answer strong{font-size:18px;margin-left:4px}
a{color:var(--link)}
.answer.bad{border-left-color:var(--bad)}
.answer.open{border-left-color:var(--open)}
.answer.good{border-left-color:var(--good)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:10px 24px;margin:0 0 8px}
dl.facts div{min-width:0}
dt{font-size:13px}
dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:8px 0 12px;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:6px;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:6px 14px 6px 0;border-bottom:1px solid var(--line)}
thead th{color:var(--quiet);font-weight:600;font-size:13px;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:400;overflow-wrap:anywhere;min-width:220px}
th:last-child,td:last-child{padding-right:0}
.number{text-align:right;white-space:nowrap}
.wide{white-space:nowrap}
.detail{white-space:normal;display:block;color:var(--quiet);font-size:13px}
.chip{display:inline-block;border-radius:4px;padding:0 7px;font-size:13px;font-weight:600;white-space:nowrap}
.chip.bad{background:var(--bad);color:var(--onState)}
.chip.open{background:var(--open);color:var(--onState)}
.chip.good{background:var(--good);color:var(--onState)}
.chip.none{border:1px solid var(--line);color:var(--quiet)}
figure{margin:20px 0 0}
figure table th{width:32%}
figure .plot{width:44%;min-width:240px;padding-top:5px;padding-bottom:5px}
svg{display:block;width:100%;overflow:visible}
svg text{fill:var(--quiet);font:12px system-ui,sans-serif}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin:6px 0;padding:0;list-style:none;font-size:13px}
.legend li{display:flex;align-items:center;gap:6px}
.legend svg{width:14px;height:12px;flex:none}
.v-compared,.v-identical{fill:var(--same1)}
.v-equivalent{fill:var(--same2)}
.v-accepted{fill:var(--same3)}
.v-both_failed{fill:var(--soft);stroke:var(--failed)}
.v-noise{fill:var(--noise1)}
.v-transient{fill:var(--noise2)}
.v-different{fill:var(--bad);stroke:var(--bad)}
.v-shadow_failed{fill:var(--failed)}
.v-missing{fill:url(#hatch);stroke:var(--failed)}
.hatch{stroke:var(--failed);stroke-width:2}
.grid{stroke:var(--line)}
.limit{stroke:var(--text);stroke-width:2}
.bounds{stroke:var(--quiet);stroke-width:2}
.point{fill:var(--text)}
.control{fill:var(--control);stroke:var(--control)}
.candidate{fill:var(--candidate);stroke:var(--candidate)}
line.control,line.candidate{stroke-width:3}
line.candidate.range{stroke-dasharray:5 3}
.family{border:1px solid var(--line);border-radius:6px;padding:12px 16px;margin:14px 0}
.family p{margin:4px 0}
details details{margin-left:2px}
summary{cursor:pointer;padding:2px 0}
.again table{width:auto}
.again tbody th{min-width:140px}
.talk{table-layout:fixed;min-width:640px}
.talk .between{width:26%;text-align:center;padding-right:14px}
.talk .turn{width:52px}
.talk th:first-child{padding-left:8px;min-width:0}
.talk .first th{background:var(--changed);border-top:2px solid var(--bad)}
.talk .rest th{color:var(--quiet);background:var(--soft)}
.talk td{overflow-wrap:anywhere}
.talk .first td{background:var(--changed);border-top:2px solid var(--bad)}
.talk .rest td{color:var(--quiet);background:var(--soft)}
.parts{list-style:none;padding-left:0}
.tree,.tree ul{list-style:none;padding-left:18px;margin:0}
.tree{padding-left:4px}
.tree li{padding:1px 0}
.tree .leaf{display:flex;flex-wrap:wrap;gap:0 16px}
.changed{background:var(--changed)}
.side{display:inline-flex;gap:5px;align-items:center;min-width:0}
.side svg,.arm svg{display:inline-block;width:12px;height:12px;flex:none}
.arm{display:inline-flex;gap:5px;align-items:center;white-space:nowrap}
@media (max-width:700px){main,header,footer{padding-left:14px;padding-right:14px}}
@media print{.scroll{overflow:visible}.family{break-inside:avoid}}
`;

export const style: string = STYLE.replaceAll("\n", "");

/** Nothing runs and nothing is loaded, whatever was written into the page; whoever serves it may ask for the same. */
export const HTML_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;
