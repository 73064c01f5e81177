/** A sound configuration; a case changes some of its lines, by number, and may add lines behind. */
export const SOUND: readonly string[] = [
  "listen: 127.0.0.1:8000", // 1
  "arms:", // 2
  "  control:", // 3
  "    backend: legacy", // 4
  "    url: http://127.0.0.1:8001", // 5
  "  candidate:", // 6
  "    backend: convex", // 7
  "    url: http://127.0.0.1:8002", // 8
  "identity:", // 9
  "  jwt:", // 10
  "    algorithms: [HS256]", // 11
  "    secretEnv: JWT_SECRET_KEY", // 12
  "units:", // 13
  "  tutoring:", // 14
  "    routes:", // 15
  "      - GET /a/:id", // 16
  "      - { match: WS /ws/:id, messages: 120/s }", // 17
];

export interface FaultCase {
  readonly name: string;
  readonly lines?: Readonly<Record<number, string>>;
  readonly added?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `line:col path what`, or the variable in place of `line:col`. */
  readonly finds: string;
  /** What to write instead, as the problem says it. */
  readonly hint: string;
}

/** ux.md §9 goal 5: each seeded fault is found at its place, with the right suggestion, and nothing else is. */
export const FAULTS: readonly FaultCase[] = [
  { name: "a misspelt key", lines: { 1: "lissten: 127.0.0.1:8000" }, finds: "1:1 lissten unknown key", hint: "listen" },
  {
    name: "a misspelt key deep inside",
    lines: { 4: "    backand: legacy", 5: "    backend: legacy\n    url: http://127.0.0.1:8001" },
    finds: "4:5 arms.control.backand unknown key",
    hint: "backend",
  },
  {
    name: "a certificate authority that cannot be read",
    lines: { 5: "    url: https://127.0.0.1:8001\n    tls: { caFile: /nowhere/ca.pem }" },
    finds: "6:20 arms.control.tls.caFile /nowhere/ca.pem cannot be read (ENOENT)",
    hint: "a file with certificates in PEM form",
  },
  {
    name: "a certificate authority that is none",
    lines: { 5: "    url: https://127.0.0.1:8001\n    tls: { caFile: package.json }" },
    finds: "6:20 arms.control.tls.caFile package.json holds no certificate",
    hint: "a file with certificates in PEM form",
  },
  {
    name: "a key in the wrong place",
    added: ["headTime: 10s"],
    finds: "18:1 headTime unknown key",
    hint: "limits.headTime",
  },
  {
    name: "a key with its unit in the name",
    added: ["limits:", "  armConnectMs: 2s"],
    finds: "19:3 limits.armConnectMs unknown key",
    hint: "armConnect",
  },
  {
    name: "a missing key",
    lines: { 4: "    # backend: legacy" },
    finds: "3:3 arms.control.backend missing",
    hint: "a text",
  },
  {
    name: "an arm without address",
    lines: { 8: "" },
    finds: "7:5 arms.candidate has no url",
    hint: "url, or urls with several instances",
  },
  {
    name: "a duration without unit",
    added: ["drain: { delay: 5 }"],
    finds: "18:17 drain.delay 5 has no unit",
    hint: "a duration such as 250ms, 2s, 2m, 1h or 1d",
  },
  {
    name: "a duration of an unknown unit",
    added: ["drain: { delay: 5sec }"],
    finds: '18:17 drain.delay "sec" is not a unit',
    hint: "5s",
  },
  {
    name: "a size without unit",
    added: ["limits: { headSize: 16384 }"],
    finds: "18:21 limits.headSize 16384 has no unit",
    hint: "a size such as 512B, 64KiB, 1MiB or 2GiB",
  },
  {
    name: "a size in the wrong case",
    added: ["limits: { headSize: 16kib }"],
    finds: '18:21 limits.headSize "kib" is not a unit',
    hint: "16KiB",
  },
  {
    name: "a rate without unit",
    lines: { 17: "      - { match: WS /ws/:id, messages: 120 }" },
    finds: "17:40 units.tutoring.routes[1].messages 120 has no unit",
    hint: "a rate such as 50/s or 120/min",
  },
  {
    name: "a count outside its range",
    added: ["workers: 0"],
    finds: "18:10 workers 0 is less than 1",
    hint: "a whole number from 1 to 256",
  },
  {
    name: "a word outside its list",
    added: ["unmatched: contrl"],
    finds: '18:12 unmatched "contrl" is not known',
    hint: "control",
  },
  {
    name: "a switch spelt yes",
    added: ["headers: { exposeArm: yes }"],
    finds: "18:23 headers.exposeArm yes is a switch to some",
    hint: 'true for a switch, "yes" in quotes for a text',
  },
  {
    name: "a text that some read as a switch",
    lines: { 7: "    backend: no" },
    finds: "7:14 arms.candidate.backend no is a switch to some",
    hint: 'false for a switch, "no" in quotes for a text',
  },
  {
    name: "a text that some read as a date",
    lines: { 4: "    backend: 2026-01-02" },
    finds: "4:14 arms.control.backend 2026-01-02 is a date to some",
    hint: 'quotes: "2026-01-02"',
  },
  {
    name: "a number that some read as octal",
    added: ["workers: 010"],
    finds: "18:10 workers 010 is octal to some",
    hint: '10, or "010" in quotes for a text',
  },
  {
    name: "a number where a text belongs",
    lines: { 4: "    backend: 7" },
    finds: "4:14 arms.control.backend 7 is a number",
    hint: "a text",
  },
  {
    name: "a key that stands twice",
    added: ["listen: 127.0.0.1:8010"],
    finds: "18:1 listen the key stands twice",
    hint: "each key once",
  },
  {
    name: "a mapping where a list belongs",
    added: ["refuse: { a: 1 }"],
    finds: "18:9 refuse a mapping stands here",
    hint: "a list",
  },
  {
    name: "a secret in the file",
    lines: { 12: "    secret: hunter2hunter2hunter2hunter2hunter2" },
    finds: "12:5 identity.jwt.secret a secret in the file",
    hint: "secretEnv with the name of a variable, or secretFile",
  },
  {
    name: "an admin token in the file",
    added: ["admin: { operateToken: hunter2hunter2hunter2hunter2hunter2 }"],
    finds: "18:10 admin.operateToken a secret in the file",
    hint: "operateTokenEnv with the name of a variable, or operateTokenFile",
  },
  {
    name: "a secret in place of a variable's name",
    lines: { 12: "    secretEnv: hunter2hunter2hunter2hunter2hunter2" },
    finds: "12:16 identity.jwt.secretEnv no name of a variable",
    hint: "upper case letters, digits and _, such as JWT_SECRET_KEY",
  },
  {
    name: "a secret that is not set",
    lines: { 12: "    secretEnv: OTHER_KEY" },
    finds: "12:16 identity.jwt.secretEnv OTHER_KEY is not set",
    hint: "a variable that holds the secret",
  },
  {
    name: "a weak secret",
    env: { JWT_SECRET_KEY: "x".repeat(31) },
    finds: "12:16 identity.jwt.secretEnv JWT_SECRET_KEY holds 31 bytes",
    hint: "at least 32 bytes: a shorter key can be guessed",
  },
  {
    name: "two kinds of algorithms",
    lines: { 11: "    algorithms: [HS256, RS256]" },
    finds: "11:17 identity.jwt.algorithms HS256 and others together",
    hint: "either HS256, or RS256 and ES256",
  },
  {
    name: "HS256 without a secret",
    lines: { 12: "" },
    finds: "11:5 identity.jwt HS256 has no secret",
    hint: "secretEnv with the name of a variable, or secretFile",
  },
  {
    name: "a key set over http",
    lines: { 11: "    algorithms: [RS256]", 12: "    jwksUrl: http://login.example.org/keys" },
    finds: "12:14 identity.jwt.jwksUrl not https",
    hint: "an https address",
  },
  {
    name: "a key set that HS256 would ignore",
    lines: { 12: "    secretEnv: JWT_SECRET_KEY\n    jwksUrl: https://login.example.org/keys" },
    finds: "13:14 identity.jwt.jwksUrl no effect with HS256",
    hint: "RS256 or ES256, or no jwksUrl",
  },
  {
    name: "a public listener without host names",
    lines: { 1: "listen: 0.0.0.0:8000" },
    finds: "1:9 listen 0.0.0.0 is not loopback",
    hint: "publicHosts with the names that clients use",
  },
  {
    name: "an open admin listener",
    added: ["admin: { listen: 0.0.0.0:9901 }"],
    finds: "18:18 admin.listen 0.0.0.0 is not loopback",
    hint: "operateTokenEnv or operateTokenFile",
  },
  {
    name: "an admin listener on the public port",
    added: ["admin: { listen: 127.0.0.1:8000 }"],
    finds: "18:18 admin.listen the public listener's port",
    hint: "another address than listen (security A6)",
  },
  {
    name: "an arm's address with a path",
    lines: { 5: "    url: http://127.0.0.1:8001/api" },
    finds: '5:10 arms.control.url holds the path "/api"',
    hint: "the origin alone: http://127.0.0.1:8001",
  },
  {
    name: "an arm's address with a query",
    lines: { 5: "    url: http://127.0.0.1:8001/?a=b" },
    finds: "5:10 arms.control.url holds a query",
    hint: "the origin alone: http://127.0.0.1:8001",
  },
  {
    name: "an arm's address with a password",
    lines: { 5: "    url: http://u:hunter2@127.0.0.1:8001" },
    finds: "5:10 arms.control.url holds a user name or password",
    hint: "an origin such as http://127.0.0.1:8001",
  },
  {
    name: "both arms at one origin",
    lines: { 8: "    url: http://127.0.0.1:8001/" },
    finds: "8:10 arms.candidate.url http://127.0.0.1:8001 is control's",
    hint: "the candidate's own origin",
  },
  {
    name: "a balance of one",
    lines: { 8: "    url: http://127.0.0.1:8002\n    balance: spread" },
    finds: "9:14 arms.candidate.balance no effect with one url",
    hint: "urls with several, or no balance",
  },
  {
    name: "TLS settings without TLS",
    lines: { 8: "    url: http://127.0.0.1:8002\n    tls: { verify: false }" },
    finds: "9:10 arms.candidate.tls no effect without https",
    hint: "an https url, or no tls",
  },
  {
    name: "a flag server's key beside a flag file",
    added: ["flags: { source: file, tokenEnv: UNLEASH_TOKEN }"],
    finds: "18:24 flags.tokenEnv no effect with source: file",
    hint: "no such key",
  },
  {
    name: "a flag for a unit that is fixed",
    lines: { 14: "  tutoring:\n    fixed: control\n    flag: some.flag" },
    finds: "16:11 units.tutoring.flag no effect with fixed",
    hint: "either flag or fixed",
  },
  {
    name: "two units with one flag",
    added: ["  other: { flag: switchyard.tutoring, routes: [GET /b] }"],
    finds: "18:18 units.other.flag switchyard.tutoring is tutoring's",
    hint: "a flag of its own",
  },
  {
    name: "a unit's name in upper case",
    lines: { 14: "  Tutoring:" },
    finds: '15:5 units.Tutoring "Tutoring" is no unit name',
    hint: "lower-case letters, digits and -, at most 32",
  },
  {
    name: "a route that stands twice",
    lines: { 17: "      - GET /a/:other" },
    finds: "17:9 units.tutoring.routes[1] stands twice",
    hint: '"GET /a/:id" takes the same calls',
  },
  {
    name: "units that overlap",
    added: ["  other: { routes: [GET /b, POST|GET /a/**] }"],
    finds: "18:29 units.other.routes[1] overlaps with tutoring",
    hint: '"GET /a/:id" takes the same calls',
  },
  {
    name: "a method in lower case",
    lines: { 16: "      - get /a/:id" },
    finds: '16:9 units.tutoring.routes[0] "get" is no method',
    hint: "GET",
  },
  {
    name: "a parameter in braces",
    lines: { 16: '      - "GET /a/{id}"' },
    finds: '16:9 units.tutoring.routes[0] "{id}" is no segment',
    hint: "write :id for a parameter",
  },
  {
    name: "** in the middle",
    lines: { 16: "      - GET /a/**/b" },
    finds: "16:9 units.tutoring.routes[0] ** is not the last segment",
    hint: "** only at the end: /a/**",
  },
  {
    name: "a rewrite with other parameters",
    lines: { 17: "      - { match: WS /ws/:id, rewrite: { control: /s/:session } }" },
    finds: "17:50 units.tutoring.routes[1].rewrite.control other parameters",
    hint: ":id, as in match",
  },
  {
    name: "a call's option on a socket",
    lines: { 17: "      - { match: WS /ws/:id, firstByte: 2s }" },
    finds: "17:41 units.tutoring.routes[1].firstByte no effect on a socket",
    hint: "a route for calls",
  },
  {
    name: "a route below a refused prefix",
    added: ["refuse: [/a]"],
    finds: '16:9 units.tutoring.routes[0] refused by "/a"',
    hint: "no such route, or no such prefix in refuse",
  },
  {
    name: "a limit above its own limit",
    added: ["limits: { socketsPerSubject: 3000 }"],
    finds: "18:30 limits.socketsPerSubject more than limits.socketsPerAddress",
    hint: "at most limits.socketsPerAddress: it could never be reached",
  },
  {
    name: "a proxy range that trusts everybody",
    added: ["trustedProxies: [0.0.0.0/0]"],
    finds: "18:18 trustedProxies[0] covers every address",
    hint: "an address range such as 10.0.0.0/8 or fd00::/8",
  },
  {
    name: "arms that differ only in the name of loopback",
    lines: { 8: "    url: http://localhost:8001" },
    finds: "8:10 arms.candidate.url http://localhost:8001 is control's",
    hint: "the candidate's own origin",
  },
  {
    name: "an arm that is the proxy itself",
    lines: { 5: "    url: http://localhost:8000" },
    finds: "5:10 arms.control.url the proxy's own address",
    hint: "the backend's: a call would come back for ever",
  },
  {
    name: "a route to an internal path",
    lines: { 16: "      - GET /metrics" },
    finds: "16:9 units.tutoring.routes[0] does not exist in public",
    hint: "no such route: internal paths are never served (security T5)",
  },
  {
    name: "a shadow target that serves users",
    added: ["shadow: { targets: { candidate: { url: http://localhost:8002 } } }"],
    finds: "18:40 shadow.targets.candidate.url http://localhost:8002 is an instance of candidate",
    hint: "an instance that serves nobody",
  },
  {
    name: "mirrored writes without a place for them",
    added: ["shadow: { modes: { tutoring: sandbox } }"],
    finds: "18:30 shadow.modes.tutoring no target for sandbox",
    hint: "targets with an instance that serves nobody",
  },
  {
    name: "a rate of a unit that does not exist",
    added: ["shadow: { sample: { tutorin: 5% } }"],
    finds: '18:21 shadow.sample.tutorin "tutorin" is no unit',
    hint: "tutoring",
  },
  {
    name: "a route of the shadow that is misspelt",
    added: ["shadow: { routes: [{ route: GET /a/:idd }] }"],
    finds: '18:29 shadow.routes[0].route "GET /a/:idd" is no route',
    hint: "GET /a/:id",
  },
  {
    name: "a rate of its own in a unit with state",
    added: [
      "shadow:",
      "  targets: { candidate: { url: http://127.0.0.1:9 } }",
      "  modes: { tutoring: sandbox }",
      "  routes: [{ route: GET /a/:id, sample: 5% }]",
    ],
    finds: "21:41 shadow.routes[0].sample a rate of its own in tutoring",
    hint: "none: the unit is stateful",
  },
  {
    name: "a surface that no route has",
    added: ["shadow: { surfaces: { chat: { codec: opaque } } }"],
    finds: '18:23 shadow.surfaces.chat "chat" is no codec of a route',
    hint: "a codec of a route of this file",
  },
  {
    name: "more repeats than control may bear",
    added: ["shadow: { repeats: 10% }"],
    finds: "18:20 shadow.repeats more than 5%",
    hint: "at most 5%",
  },
  {
    name: "mirrored writes over several processes",
    added: [
      "workers: 2",
      "shadow: { targets: { candidate: { url: http://127.0.0.1:9 } }, modes: { tutoring: sandbox } }",
    ],
    finds: "18:10 workers 2 with sandbox in shadow",
    hint: "workers: 1, or shadow without sandbox",
  },
  {
    name: "an address of the evidence that is none",
    added: ["shadow: { storeUrlEnv: EVIDENCE_URL }"],
    env: { EVIDENCE_URL: "hunter2" },
    finds: "18:24 shadow.storeUrlEnv EVIDENCE_URL holds no address of a database",
    hint: "postgres://user:password@host/database",
  },
  {
    name: "redacted bodies without a key",
    added: ["shadow: { routes: [{ route: GET /a/:id, bodies: redacted }] }"],
    finds: "18:49 shadow.routes[0].bodies redacted without a key",
    hint: "shadow.bodyKeyEnv or shadow.bodyKeyFile",
  },
  {
    name: "a key of bodies that is none",
    added: ["shadow: { bodyKeyEnv: BODY_KEY }"],
    env: { BODY_KEY: "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2" },
    finds: "18:23 shadow.bodyKeyEnv BODY_KEY holds no such key",
    hint: "32 bytes as base64 or hex",
  },
  {
    name: "a key of bodies that is too long",
    added: ["shadow: { bodyKeyEnv: BODY_KEY }"],
    env: { BODY_KEY: Buffer.alloc(33).toString("base64") },
    finds: "18:23 shadow.bodyKeyEnv BODY_KEY holds no such key",
    hint: "32 bytes as base64 or hex",
  },
  {
    name: "redacted bodies in the store of a fleet",
    added: [
      "shadow:",
      "  storeUrlEnv: EVIDENCE_URL",
      "  bodyKeyEnv: BODY_KEY",
      "  routes: [{ route: GET /a/:id, bodies: redacted }]",
    ],
    env: { EVIDENCE_URL: "postgres://u:hunter2@h/d", BODY_KEY: "0f".repeat(32) },
    finds: "21:41 shadow.routes[0].bodies redacted together with storeUrlEnv",
    hint: "shape",
  },
  {
    name: "bodies of a socket",
    added: ["shadow: { bodyKeyEnv: BODY_KEY, routes: [{ route: WS /ws/:id, bodies: redacted }] }"],
    env: { BODY_KEY: "0f".repeat(32) },
    finds: "18:71 shadow.routes[0].bodies WS /ws/:id is a socket",
    hint: "shape: only bodies of calls are kept, never messages",
  },
  {
    name: "bodies of a login",
    lines: { 16: "      - { match: POST /login, addressLimit: login }" },
    added: ["shadow: { bodyKeyEnv: BODY_KEY, routes: [{ route: POST /login, bodies: redacted }] }"],
    env: { BODY_KEY: "0f".repeat(32) },
    finds: "18:72 shadow.routes[0].bodies bodies of POST /login, which is not mirrored",
    hint: "shape, or no bodies",
  },
  {
    name: "a limit that no evidence can show",
    added: ["shadow: { routes: [{ route: GET /a/:id, limit: 0% }] }"],
    finds: "18:48 shadow.routes[0].limit no route can keep it",
    hint: "more than 0%",
  },
  {
    name: "a login that is mirrored",
    lines: { 16: "      - { match: POST /login, addressLimit: login }" },
    added: [
      "shadow:",
      "  targets: { candidate: { url: http://127.0.0.1:9 } }",
      "  routes: [{ route: POST /login, mode: sandbox }]",
    ],
    finds: "20:40 shadow.routes[0].mode POST /login is about credentials",
    hint: "never, or no mode",
  },
  {
    name: "the lenient parser",
    env: { NODE_OPTIONS: "--max-http-header-size=1000 --insecure-http-parser" },
    finds: "NODE_OPTIONS the lenient HTTP parser is on",
    hint: "no --insecure-http-parser",
  },
  {
    name: "a variable with a wrong value",
    env: { SWITCHYARD__WORKERS: "two" },
    finds: 'SWITCHYARD__WORKERS workers "two" is not a number',
    hint: "a whole number from 1 to 256",
  },
  {
    name: "a variable that names nothing",
    env: { SWITCHYARD__ARMS__CONTROL__BACKAND: "x" },
    finds: "SWITCHYARD__ARMS__CONTROL__BACKAND names no setting",
    hint: "SWITCHYARD__ARMS__CONTROL__BACKEND",
  },
];
